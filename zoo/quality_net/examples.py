"""Training and test pairs: real speech, real noise, and everything in `degrade`, drawn from one seed.

Example i of a split depends on (seed, split, i) and the corpus alone, so any machine makes the same pairs. They are
stored as int16 chunks of one clip length each; an interrupted build goes on where it stopped.
"""

import json
import os
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
from tqdm import tqdm

from zoo.audio import channels, codecs, mix, speed
from zoo.data import variety as varied
from zoo.data.speech import SAMPLE_RATE, SPLITS, draw_noise, draw_speech, read_corpus
from zoo.errors import InputError
from zoo.quality_net.degrade import enhance_like
from zoo.quality_net.enhancers import SIMULATED, load_enhancers

SECONDS = (2.0, 2.5, 3.0, 4.0)  # clip lengths; a chunk holds one of them
_LONGEST_CLIP = 5.0  # seconds; longer pairs are cut from a talker's clips end to end
CHUNK = 128
VERSION = 2  # of the drawing: stored pairs of another version are not used
_LEVEL_DB = (-36, -14)  # rms of the speech, re full scale
_CROWD = (2, 8)  # talkers of a babble
_KINDS = {  # kind of degradation -> share
    "noisy": 0.40, "enhanced": 0.34, "reverb": 0.07, "codec": 0.08, "band": 0.03, "clip": 0.04, "loss": 0.025,
    "clean": 0.015,
}  # fmt: skip
_CHANNELS = {
    "band": (channels.band_limit, channels.tilt),
    "clip": (channels.clip, channels.quantize),
    "loss": (channels.lose_packets,),
}
VARIETY = ("babble", "mixed-noise", "equaliser", "speed", "rooms", "codecs", "ffmpeg-codecs", "shift")
_LATEST = int(0.05 * SAMPLE_RATE)  # samples by which a recording is shifted, early or late
_DRIFT = 300.0  # parts per million at most, of the clocks


def draw(corpus, samples, rng, variety=(), simulated=(), enhancers=(enhance_like,)):
    """Draw one pair.

    Args:
        corpus: `zoo.data.speech.Corpus`.
        samples: length.
        rng: NumPy generator.
        variety: kinds of `VARIETY`: babble of 3 to 12 talkers, not 2 to 8; two or three noises at once with levels of
            their own; microphones and equalisers; other speed, tempo and pitch; simulated rooms; more codecs, also after
            noise and enhancers; codecs of ffmpeg; shifts of up to 50 ms and drifting clocks. None draws as ever.
        simulated: rooms of `zoo.data.variety.simulated_rooms`.
        enhancers: of `zoo.quality_net.enhancers.load_enhancers`; each enhanced pair is of one of them.

    Returns:
        reference, degraded: float32 (samples,), peaks at most 0.99; facts: {"kind": ..., "snr_db": ... or None}, and
        "variety", a list of the kinds that came, where `variety` names some.
    """
    chance = varied.Chances(variety, rng)
    kind = str(rng.choice(list(_KINDS), p=np.array(list(_KINDS.values())) / sum(_KINDS.values())))
    reference = _draw_reference(corpus, samples, rng, chance)
    degraded, snr_db = reference, None
    if kind in ("noisy", "enhanced"):
        snr_db = float(rng.uniform(-10, 30) if kind == "noisy" else rng.uniform(-10, 20))
        clean = reference
        if rng.random() < 0.1:
            clean = _through_room(clean, corpus.rooms, rng, chance, simulated)
        noise = mix.mix_at_snr(clean, _draw_noise(corpus, samples, rng, chance), snr_db) - clean
        degraded = _enhance(clean, noise, enhancers, rng) if kind == "enhanced" else clean + noise
        if chance("codecs", 0.12):
            degraded = codecs.code(degraded, SAMPLE_RATE, rng, codecs.ALL)
    elif kind == "reverb":
        degraded = _through_room(reference, corpus.rooms, rng, chance, simulated)
    elif kind in ("codec", *_CHANNELS):
        degraded = _through_channel(reference, kind, rng, chance)
    if kind in ("reverb", "codec", *_CHANNELS) and rng.random() < 0.3:
        snr_db = float(rng.uniform(5, 40))
        degraded = mix.mix_at_snr(degraded, _draw_noise(corpus, samples, rng, chance), snr_db)
    if kind != "clean":
        degraded = _move(degraded, rng, chance)
    reference, degraded = (
        _to_full_scale(reference),
        _to_full_scale(degraded * 10 ** (rng.uniform(-8, 4) / 20)),
    )
    facts = {"kind": kind, "snr_db": snr_db}
    return reference, degraded, facts | ({"variety": chance.drawn} if variety else {})


def _enhance(clean, noise, enhancers, rng):
    # A single one is not drawn, so that the pairs of imitated enhancers alone are what they always were.
    enhance = enhancers[0] if len(enhancers) == 1 else enhancers[rng.integers(len(enhancers))]
    return enhance(clean, noise, SAMPLE_RATE, rng)


def _draw_reference(corpus, samples, rng, chance):
    """Speech, maybe at another speed, tempo or pitch, maybe through a microphone."""
    draw = varied.draw_changed_speech if chance("speed", 0.3) else draw_speech
    reference = draw(corpus.speech, samples, _LEVEL_DB, rng)
    return channels.microphone(reference, SAMPLE_RATE, rng) if chance("equaliser", 0.2) else reference


def _draw_noise(corpus, samples, rng, chance):
    """One noise, or two or three at once, maybe through an equaliser."""
    if chance("mixed-noise", 0.3):
        noise = varied.draw_blend(lambda: _draw_one_noise(corpus, samples, rng, chance), rng)
    else:
        noise = _draw_one_noise(corpus, samples, rng, chance)
    return channels.tilt(noise, SAMPLE_RATE, rng) if chance("equaliser", 0.2) else noise


def _draw_one_noise(corpus, samples, rng, chance):
    """A recording (60 %), babble of 2..8 other talkers (20 %), or coloured noise, steady or pulsing (20 %)."""
    source = rng.random()
    if source < 0.6:
        noise = draw_noise(corpus.noise, samples, rng)
    elif source < 0.8:
        noise = varied.draw_babble(corpus.speech, samples, varied.CROWD if chance("babble", 1.0) else _CROWD, rng)
    else:
        noise = varied.draw_colored(samples, rng)
    return np.asarray(noise, "float32")


def _through_room(speech, measured, rng, chance, simulated):
    rooms = simulated if chance("rooms", 1.0) else ()
    return mix.convolve_room(speech, varied.draw_room(measured, rng, rooms))


def _through_channel(speech, kind, rng, chance):
    if kind == "codec":
        if chance("ffmpeg-codecs", 0.4):
            return codecs.code_by_ffmpeg(speech, SAMPLE_RATE, rng)
        return codecs.code(speech, SAMPLE_RATE, rng, codecs.ALL if chance("codecs", 1.0) else codecs.FEW)
    if kind == "band" and chance("equaliser", 0.4):
        return channels.microphone(speech, SAMPLE_RATE, rng)
    choices = _CHANNELS[kind]
    return choices[rng.integers(len(choices))](speech, SAMPLE_RATE, rng)


def _move(degraded, rng, chance):
    """The recording at another place in time: PESQ aligns, and the network learns a little of that."""
    if chance("shift", 0.25):
        if rng.random() < 0.3:
            return speed.drift(degraded, rng.uniform(-_DRIFT, _DRIFT))
        return speed.shift(degraded, int(rng.integers(-_LATEST, _LATEST + 1)))
    return np.roll(degraded, rng.integers(-64, 65)) if rng.random() < 0.1 else degraded


def _to_full_scale(audio):
    peak = np.max(np.abs(audio))
    return np.asarray(audio * min(1.0, 0.99 / max(peak, 1e-9)), "float32")


# --- on disk ----------------------------------------------------------------------------------------------------


def build(data, split, n_examples, directory, seed=0, n_jobs=-1, variety=(), enhancers=(SIMULATED,), seconds=SECONDS):
    """Draw a split's pairs and store them as int16 chunks under `directory`/`split`; finished chunks are kept.

    Args:
        data: folder with MANIFEST.csv, speech/, noise/ and rir/.
        split: "train", "validation", "test" or "test2"; see `read_corpus`.
        n_examples: number of pairs, rounded up to whole chunks of 128.
        directory: where to; `chunk_0000.npy` holds int16 (128, 2, samples), `chunk_0000.json` the facts of each pair.
        seed: of the pairs.
        n_jobs: processes (joblib's counting).
        variety: kinds of variety, as for `draw`; the directory is theirs alone.
        enhancers: "simulated" and checkpoints of enhancers; the directory is theirs alone.
        seconds: lengths of the pairs, by turns, a chunk each; the directory is theirs alone.

    Raises:
        InputError: an unknown kind of variety, a checkpoint that enhances nothing at 16 kHz, or pairs of other recordings
            cannot be drawn.
    """
    varied.check(variety, VARIETY)
    folder = Path(directory) / split
    folder.mkdir(parents=True, exist_ok=True)
    todo = [i for i in range(-(-n_examples // CHUNK)) if not (folder / f"chunk_{i:04d}.json").exists()]
    if not todo:
        return
    options = seed, variety, enhancers, seconds
    tasks = (joblib.delayed(_build_chunk)(str(data), split, i, folder, *options) for i in todo)
    done = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(tasks)
    for _ in tqdm(done, total=len(todo), desc=f"draw {split}", unit="chunk"):
        pass


def _build_chunk(data, split, index, folder, seed, variety, enhancers, seconds):
    corpus, simulated = read_corpus(data, split), varied.simulated_rooms(variety, split)
    enhancers = load_enhancers(enhancers)
    samples = int(seconds[index % len(seconds)] * SAMPLE_RATE)
    if samples > _LONGEST_CLIP * SAMPLE_RATE:
        corpus = replace(corpus, speech={talker: [np.concatenate(clips)] for talker, clips in corpus.speech.items()})
    audio, facts = np.empty((CHUNK, 2, samples), "int16"), []
    for i in range(CHUNK):
        rng = np.random.default_rng([seed, SPLITS.index(split), index * CHUNK + i])
        reference, degraded, pair_facts = draw(corpus, samples, rng, variety, simulated, enhancers)
        audio[i] = np.round(32767 * np.stack([reference, degraded]))
        facts.append(pair_facts | ({} if seconds == SECONDS else {"seconds": samples / SAMPLE_RATE}))
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
        facts: list, one a pair in order, of {"kind", "snr_db"}, and "variety" or "seconds" where pairs differ in that.
    """

    def __init__(self, directory, split, n_examples):
        files = sorted((Path(directory) / split).glob("chunk_*.json"))[: -(-n_examples // CHUNK)]
        if not files:
            raise InputError(f"no examples in {Path(directory) / split}: build them first")
        self.audio = [np.load(file.with_suffix(".npy"), mmap_mode="r") for file in files]
        self.facts = [pair_facts for file in files for pair_facts in json.loads(file.read_text())]

    def __len__(self):
        return len(self.facts)


def reference_ranges_db(chunks):
    """`zoo.audio.mix.level_range_db` of the reference of each pair, (pairs,), of arrays as `Chunks` has them."""
    return np.concatenate([mix.level_range_db(as_float(audio[:, 0]), SAMPLE_RATE) for audio in chunks])


def as_float(audio):
    """int16 as stored -> float32 in [-1, 1)."""
    return np.asarray(audio, "float32") / 32768
