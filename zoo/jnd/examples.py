"""Recordings for training and tests: judged pairs rendered on other speech, and ladders of perturbations.

All random choices follow from a seed. `zoo.jnd.rendered` renders and stores many of them.
"""

import hashlib
import zlib

import numpy as np

from zoo.audio import io
from zoo.data import speech as corpus
from zoo.jnd import effects, perturb
from zoo.jnd.judgments import Judgment
from zoo.jnd.noises import Material
from zoo.jnd.rooms import reverberate

SECONDS = 2.5
SAMPLES = int(SECONDS * effects.SAMPLE_RATE)
VERSION = 1  # of the recordings; stored ones of another version are not used
_LEVEL_DB = (-20, -20)  # any level: the loudness is normalised afterwards


def render(judgment: Judgment, speech: dict[str, list[np.ndarray]], material: Material, seed: int) -> np.ndarray:
    """The two recordings of a judgment, rendered on other speech.

    Both conditions have the same segments of speech and noise and the same room. Noise, room, codec and equaliser are
    applied in this order, and each recording is normalised to -16 LUFS.

    Args:
        judgment: `zoo.jnd.judgments.Judgment`.
        speech: {talker: [clips]} as `zoo.data.speech.Corpus` has it, 16 kHz.
        material: `Material` of noises and rooms.
        seed: chooses the segment of speech, with the judgment's talker and clip, and the room, with the judgment's room.

    Returns:
        float32 (2, 55125) at 22,050 Hz, reference and degraded.

    Example:
        >>> speech = {"f1": [np.random.randn(48000)]}
        >>> judgment = Judgment("linear", "f1", "1", "0.0", {}, {"noise": "white", "snr_db": 30.0}, "", True)
        >>> render(judgment, speech, Material({}, []), seed=0).shape
        (2, 55125)
    """
    clip = draw_clip(speech, rng_of(seed, judgment.talker, judgment.script, judgment.start))
    conditions = (judgment.reference, judgment.degraded)
    reference = _condition(clip, conditions[0], judgment, material, seed)
    same = conditions[0] == conditions[1]
    return np.stack([reference, reference if same else _condition(clip, conditions[1], judgment, material, seed)])


def draw_clip(speech: dict[str, list[np.ndarray]], rng: np.random.Generator) -> np.ndarray:
    """A random segment of 2.5 s of a random talker.

    Args:
        speech: as for `render`.
        rng: NumPy generator.

    Returns:
        float32 (55125,) at 22,050 Hz and -16 LUFS.

    Example:
        >>> draw_clip({"f1": [np.random.randn(48000)]}, np.random.default_rng(0)).shape
        (55125,)
    """
    segment = corpus.draw_speech(speech, int(SECONDS * corpus.SAMPLE_RATE), _LEVEL_DB, rng)
    return effects.loudness_normalise(io.resample(segment, corpus.SAMPLE_RATE, effects.SAMPLE_RATE)[:SAMPLES])


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


def digest(facts: object) -> str:
    """Eight hexadecimal digits that identify some facts by their `repr`.

    Example:
        >>> len(digest(["speech", 0]))
        8
    """
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:8]


def rng_of(*names: object) -> np.random.Generator:
    """A NumPy generator with a seed from names or numbers.

    Example:
        >>> bool(rng_of(0, "room").random() == rng_of(0, "room").random())
        True
    """
    return np.random.default_rng([zlib.crc32(str(name).encode()) for name in names])


def draw_ladder(speech: dict[str, list[np.ndarray]], material: Material, rng: np.random.Generator) -> np.ndarray:
    """A clip and two perturbations of it, which differ in their strength along one axis only.

    Axes are drawn uniformly; the two strengths are at least a tenth of the axis apart.

    Args:
        speech, material: as for `render`.
        rng: NumPy generator.

    Returns:
        float32 (3, 55125): the clip, a mild and a more severe perturbation.
    """
    axes = list(perturb.LADDER)
    axis = axes[rng.integers(len(axes))]
    steps = perturb.LADDER[axis]
    mild, severe = np.sort(rng.choice(len(steps), 2, replace=False))
    clip, seed = draw_clip(speech, rng), rng.integers(2**31)
    rungs = [perturb.apply(clip, {axis: steps[step]}, material, np.random.default_rng(seed)) for step in (mild, severe)]
    return np.stack([clip, *rungs])


def as_float(audio: np.ndarray) -> np.ndarray:
    """Stored int16 as float32 in [-1, 1).

    Example:
        >>> as_float(np.array([-32768, 16384], "int16")).tolist()
        [-1.0, 0.5]
    """
    return np.asarray(audio, "float32") / 32768
