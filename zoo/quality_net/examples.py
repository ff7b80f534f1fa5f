"""Training and test pairs: real speech, real noise, and everything in `degrade`, drawn from one seed.

Example i of a split depends on (seed, split, i) and the corpus alone, so any machine makes the same pairs. They are
stored as int16 chunks of one clip length each; an interrupted build goes on where it stopped.
"""

import json
import os
from pathlib import Path

import joblib
import numpy as np
from tqdm import tqdm

from zoo.audio import mix
from zoo.data.speech import SAMPLE_RATE, SPLITS, draw_noise, draw_speech, read_corpus
from zoo.errors import InputError
from zoo.quality_net import degrade

SECONDS = (2.0, 2.5, 3.0, 4.0)  # clip lengths; a chunk holds one of them
CHUNK = 128
VERSION = 2  # of the drawing: stored pairs of another version are not used
_LEVEL_DB = (-36, -14)  # rms of the speech, re full scale
_KINDS = {  # kind of degradation -> share
    "noisy": 0.40, "enhanced": 0.34, "reverb": 0.07, "codec": 0.08, "band": 0.03, "clip": 0.04, "loss": 0.025,
    "clean": 0.015,
}  # fmt: skip
_CHANNELS = {
    "codec": (degrade.codec,),
    "band": (degrade.band_limit, degrade.tilt),
    "clip": (degrade.clip, degrade.quantize),
    "loss": (degrade.lose_packets,),
}


def draw(corpus, samples, rng):
    """Draw one pair.

    Returns:
        reference, degraded: float32 (samples,), peaks at most 0.99; facts: {"kind": ..., "snr_db": ... or None}.
    """
    talkers = list(corpus.speech)
    kind = str(rng.choice(list(_KINDS), p=np.array(list(_KINDS.values())) / sum(_KINDS.values())))
    reference = draw_speech(corpus.speech, samples, _LEVEL_DB, rng)
    degraded, snr_db = reference, None
    if kind in ("noisy", "enhanced"):
        snr_db = float(rng.uniform(-10, 30) if kind == "noisy" else rng.uniform(-10, 20))
        clean = reference
        if rng.random() < 0.1:
            clean = _through_room(clean, corpus.rooms, rng)
        noise = mix.mix_at_snr(clean, _draw_noise(corpus, talkers, samples, rng), snr_db) - clean
        enhance = kind == "enhanced"
        degraded = degrade.enhance_like(clean, noise, SAMPLE_RATE, rng) if enhance else clean + noise
    elif kind == "reverb":
        degraded = _through_room(reference, corpus.rooms, rng)
    elif kind in _CHANNELS:
        channels = _CHANNELS[kind]
        degraded = channels[rng.integers(len(channels))](reference, SAMPLE_RATE, rng)
    if kind in ("reverb", *_CHANNELS) and rng.random() < 0.3:
        snr_db = float(rng.uniform(5, 40))
        degraded = mix.mix_at_snr(degraded, _draw_noise(corpus, talkers, samples, rng), snr_db)
    if kind != "clean" and rng.random() < 0.1:
        degraded = np.roll(degraded, rng.integers(-64, 65))  # PESQ aligns time: the network learns a little of that
    reference, degraded = (
        _to_full_scale(reference),
        _to_full_scale(degraded * 10 ** (rng.uniform(-8, 4) / 20)),
    )
    return reference, degraded, {"kind": kind, "snr_db": snr_db}


def _draw_noise(corpus, talkers, samples, rng):
    """A recording (60 %), babble of 2..8 other talkers (20 %), or coloured noise, steady or pulsing (20 %)."""
    source = rng.random()
    if source < 0.6:
        noise = draw_noise(corpus.noise, samples, rng)
    elif source < 0.8:
        voices = (corpus.speech[talkers[i]] for i in rng.integers(len(talkers), size=rng.integers(2, 9)))
        noise = sum(mix.loop_to(v / mix.rms(v), samples, rng) for v in (c[rng.integers(len(c))] for c in voices))
    else:
        noise = mix.colored_noise(samples, rng.uniform(-1, 2.5), rng)
        if rng.random() < 0.4:
            rate, depth = rng.uniform(0.5, 12), rng.uniform(0.3, 1.0)
            noise = noise * (1 + depth * np.sin(2 * np.pi * (rate * np.arange(samples) / SAMPLE_RATE + rng.random())))
    return np.asarray(noise, "float32")


def _through_room(speech, rooms, rng):
    """Half measured rooms, half synthetic ones with RT60 0.1..2 s; the wet part at 10..100 %."""
    if rng.random() < 0.5:
        room = rooms[rng.integers(len(rooms))].copy()
        direct = int(np.argmax(np.abs(room)))
        room[direct + 1 :] *= rng.uniform(0.1, 1.0)
    else:
        rt60 = float(np.exp(rng.uniform(np.log(0.1), np.log(2.0))))
        room = mix.decaying_room(rt60, rng.uniform(-5, 20), SAMPLE_RATE, rng)
    return mix.convolve_room(speech, room)


def _to_full_scale(audio):
    peak = np.max(np.abs(audio))
    return np.asarray(audio * min(1.0, 0.99 / max(peak, 1e-9)), "float32")


# --- on disk ----------------------------------------------------------------------------------------------------


def build(data, split, n_examples, directory, seed=0, n_jobs=-1):
    """Draw a split's pairs and store them as int16 chunks under `directory`/`split`; finished chunks are kept.

    Args:
        data: folder with MANIFEST.csv, speech/, noise/ and rir/.
        split: "train", "validation", "test" or "test2"; see `read_corpus`.
        n_examples: number of pairs, rounded up to whole chunks of 128.
        directory: where to; `chunk_0000.npy` holds int16 (128, 2, samples), `chunk_0000.json` the facts of each pair.
        seed: of the pairs.
        n_jobs: processes (joblib's counting).
    """
    folder = Path(directory) / split
    folder.mkdir(parents=True, exist_ok=True)
    todo = [i for i in range(-(-n_examples // CHUNK)) if not (folder / f"chunk_{i:04d}.json").exists()]
    if not todo:
        return
    tasks = (joblib.delayed(_build_chunk)(str(data), split, i, folder, seed) for i in todo)
    done = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(tasks)
    for _ in tqdm(done, total=len(todo), desc=f"draw {split}", unit="chunk"):
        pass


def _build_chunk(data, split, index, folder, seed):
    corpus = read_corpus(data, split)
    samples = int(SECONDS[index % len(SECONDS)] * SAMPLE_RATE)
    audio, facts = np.empty((CHUNK, 2, samples), "int16"), []
    for i in range(CHUNK):
        rng = np.random.default_rng([seed, SPLITS.index(split), index * CHUNK + i])
        reference, degraded, pair_facts = draw(corpus, samples, rng)
        audio[i] = np.round(32767 * np.stack([reference, degraded]))
        facts.append(pair_facts)
    stem = folder / f"chunk_{index:04d}"
    part = f"{stem}.part{os.getpid()}"
    with open(part, "wb") as file:
        np.save(file, audio)
    os.replace(part, f"{stem}.npy")
    Path(part).write_text(json.dumps(facts))
    os.replace(part, f"{stem}.json")


class Chunks:
    """The first `n_examples` stored pairs of a split (whole chunks of 128), memory-mapped.

    Attributes:
        audio: list of int16 (chunk, 2, samples) maps, [:, 0] references and [:, 1] degraded.
        facts: list, one a pair in order, of {"kind", "snr_db"}.
    """

    def __init__(self, directory, split, n_examples):
        files = sorted((Path(directory) / split).glob("chunk_*.json"))[: -(-n_examples // CHUNK)]
        if not files:
            raise InputError(f"no examples in {Path(directory) / split}: build them first")
        self.audio = [np.load(file.with_suffix(".npy"), mmap_mode="r") for file in files]
        self.facts = [pair_facts for file in files for pair_facts in json.loads(file.read_text())]

    def __len__(self):
        return len(self.facts)


def as_float(audio):
    """int16 as stored -> float32 in [-1, 1)."""
    return np.asarray(audio, "float32") / 32768
