"""Recordings that the networks learn from: the judged pairs rendered again, and ladders of a perturbation.

Everything is drawn from one seed and stored as int16 chunks; a build that was interrupted goes on where it stopped.
"""

import functools
import zlib
from pathlib import Path

import joblib
import numpy as np
from tqdm import tqdm

from zoo.audio import corpus, io
from zoo.errors import InputError
from zoo.jnd import effects, perturb
from zoo.jnd.noises import Material
from zoo.jnd.rooms import reverberate

SECONDS = 2.5
SAMPLES = int(SECONDS * effects.SAMPLE_RATE)
CHUNK = 128
VERSION = 1  # of what is rendered: chunks of another version are not used
_LEVEL_DB = (-20, -20)  # before the loudness is set; any will do


def render(judgment, speech, material, seed):
    """The two recordings of a judgment, on our own speech.

    Both conditions get the same stretch of speech, of noise and the same room. Noise, room, codec and equaliser follow
    in this order, and each recording ends at -16 LUFS.

    Args:
        judgment: `zoo.jnd.judgments.Judgment`.
        speech: {talker: [clips]} as `zoo.audio.corpus.Corpus` has it, 16 kHz.
        material: `Material` of noises and rooms.
        seed: with the judgment's talker and clip, it chooses the stretch of speech; with its room, the room.

    Returns:
        float32 (2, 55125) at 22,050 Hz, reference and degraded.
    """
    clip = draw_clip(speech, _rng(seed, judgment.talker, judgment.script, judgment.start))
    conditions = (judgment.reference, judgment.degraded)
    reference = _condition(clip, conditions[0], judgment, material, seed)
    same = conditions[0] == conditions[1]
    return np.stack([reference, reference if same else _condition(clip, conditions[1], judgment, material, seed)])


def draw_clip(speech, rng):
    """A stretch of 2.5 s of a random talker, float32 (55125,) at 22,050 Hz and -16 LUFS."""
    stretch = corpus.draw_speech(speech, int(SECONDS * corpus.SAMPLE_RATE), _LEVEL_DB, rng)
    return effects.loudness_normalise(io.resample(stretch, corpus.SAMPLE_RATE, effects.SAMPLE_RATE)[:SAMPLES])


def _condition(clip, condition, judgment, material, seed):
    if "noise" in condition:
        noise = material.noise(condition["noise"], SAMPLES, _rng(seed, "noise", judgment.talker, judgment.start))
        clip = effects.add_noise(clip, noise, condition["snr_db"])
    if "drr_db" in condition:
        room = material.room(_rng(seed, "room", judgment.room or judgment.talker))
        clip = reverberate(clip, room, condition["drr_db"], condition["rt60"])
    if "kbps" in condition:
        clip = effects.mp3(clip, min(max(condition["kbps"], effects.SLOWEST_MP3), effects.FASTEST_MP3))
    if "eq" in condition:
        clip = effects.equalise(clip, condition["eq"])
    return effects.loudness_normalise(clip)


def _rng(*names):
    """A generator of its own for each combination of names."""
    return np.random.default_rng([zlib.crc32(str(name).encode()) for name in names])


def draw_ladder(speech, material, rng):
    """Three recordings: a clip, a mild and a more severe perturbation of it along one axis, alike in all else.

    Axes are drawn evenly; the two strengths are at least a tenth of the axis apart.

    Returns:
        float32 (3, 55125).
    """
    axes = list(perturb.LADDER)
    axis = axes[rng.integers(len(axes))]
    steps = perturb.LADDER[axis]
    mild, severe = np.sort(rng.choice(len(steps), 2, replace=False))
    clip, seed = draw_clip(speech, rng), rng.integers(2**31)
    rungs = [perturb.apply(clip, {axis: steps[step]}, material, np.random.default_rng(seed)) for step in (mild, severe)]
    return np.stack([clip, *rungs])


# --- on disk ----------------------------------------------------------------------------------------------------


def render_judgments(data, judgments, split, directory, seed=0, n_jobs=-1):
    """Render judgments on a split's speech, noises and rooms, or take what `directory` holds of them.

    Args:
        data: folder with MANIFEST.csv, speech/, noise/, textures/ and rir/.
        judgments: list of `Judgment`.
        split: "train", "validation" or "test".
        directory: of the chunks.
        seed: of the speech, noise and rooms.
        n_jobs: processes (joblib's counting).

    Returns:
        list of memory-mapped int16 (at most 128, 2, 55125), in the order of the judgments.
    """
    return _build(_render_chunk, data, judgments, split, Path(directory), seed, n_jobs, f"render {split}")


def draw_ladders(data, count, split, directory, seed=0, n_jobs=-1):
    """`count` examples of `draw_ladder`; the rest as for `render_judgments`, int16 (at most 128, 3, 55125)."""
    return _build(_ladder_chunk, data, range(count), split, Path(directory), seed, n_jobs, f"ladders {split}")


def _build(make, data, items, split, directory, seed, n_jobs, title):
    if not items:
        raise InputError(f"nothing to render for the {split} split")
    directory.mkdir(parents=True, exist_ok=True)
    chunks = [items[start : start + CHUNK] for start in range(0, len(items), CHUNK)]
    paths = [directory / f"chunk_{i:04d}.npy" for i in range(len(chunks))]
    todo = [(chunk, path) for chunk, path in zip(chunks, paths, strict=True) if not path.exists()]
    tasks = (joblib.delayed(make)(str(data), split, chunk, seed, path) for chunk, path in todo)
    done = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(tasks)
    for _ in tqdm(done, total=len(todo), desc=title, unit="chunk", disable=None if todo else True):
        pass
    return [np.load(path, mmap_mode="r") for path in paths]


def _render_chunk(data, split, judgments, seed, path):
    speech, material = corpus.read_corpus(data, split).speech, _material(data, split)
    _store(path, [render(judgment, speech, material, seed) for judgment in judgments])


def _ladder_chunk(data, split, indices, seed, path):
    speech, material = corpus.read_corpus(data, split).speech, _material(data, split)
    _store(path, [draw_ladder(speech, material, _rng(seed, split, i)) for i in indices])


_material = functools.lru_cache(maxsize=1)(Material.read)  # a worker process reads it once, not once a chunk


def _store(path, recordings):
    audio = np.round(32767 * np.stack(recordings)).astype("int16")
    with io.replacing(path) as temporary, open(temporary, "wb") as file:
        np.save(file, audio)


def as_float(audio):
    """int16 as stored -> float32 in [-1, 1)."""
    return np.asarray(audio, "float32") / 32768
