"""Recordings that the networks learn from and are tested on: the judged pairs made again, and ladders.

Everything is drawn from one seed. `zoo.jnd.rendered` makes many and keeps them.
"""

import zlib

import numpy as np

from zoo.audio import io
from zoo.data import speech as corpus
from zoo.jnd import effects, perturb
from zoo.jnd.rooms import reverberate

SECONDS = 2.5
SAMPLES = int(SECONDS * effects.SAMPLE_RATE)
VERSION = 1  # of what is made: stored recordings of another version are not used
_LEVEL_DB = (-20, -20)  # before the loudness is set; any will do


def render(judgment, speech, material, seed):
    """The two recordings of a judgment, on our own speech.

    Both conditions get the same stretch of speech, of noise and the same room. Noise, room, codec and equaliser follow
    in this order, and each recording ends at -16 LUFS.

    Args:
        judgment: `zoo.jnd.judgments.Judgment`.
        speech: {talker: [clips]} as `zoo.data.speech.Corpus` has it, 16 kHz.
        material: `Material` of noises and rooms.
        seed: with the judgment's talker and clip, it chooses the stretch of speech; with its room, the room.

    Returns:
        float32 (2, 55125) at 22,050 Hz, reference and degraded.
    """
    clip = draw_clip(speech, rng_of(seed, judgment.talker, judgment.script, judgment.start))
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
        noise = material.noise(condition["noise"], SAMPLES, rng_of(seed, "noise", judgment.talker, judgment.start))
        clip = effects.add_noise(clip, noise, condition["snr_db"])
    if "drr_db" in condition:
        room = material.room(rng_of(seed, "room", judgment.room or judgment.talker))
        clip = reverberate(clip, room, condition["drr_db"], condition["rt60"])
    if "kbps" in condition:
        clip = effects.mp3(clip, min(max(condition["kbps"], effects.SLOWEST_MP3), effects.FASTEST_MP3))
    if "eq" in condition:
        clip = effects.equalise(clip, condition["eq"])
    return effects.loudness_normalise(clip)


def rng_of(*names):
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


def as_float(audio):
    """int16 as stored -> float32 in [-1, 1)."""
    return np.asarray(audio, "float32") / 32768
