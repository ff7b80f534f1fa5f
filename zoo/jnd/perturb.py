"""The perturbations of Manocha et al. 2020 (Table 1) on axes of strength 0..100, and random combinations of them."""

from collections.abc import Sequence

import numpy as np

from zoo.errors import InputError
from zoo.jnd.effects import (
    FASTEST_MP3,
    LOUDNESS,
    SAMPLE_RATE,
    SLOWEST_MP3,
    add_noise,
    dropouts,
    equalise,
    griffin_lim,
    loudness_normalise,
    mp3,
    mu_law,
    pops,
)
from zoo.jnd.noises import NOISES, Material
from zoo.jnd.rooms import reverberate

__all__ = [
    "CATEGORIES", "LADDER", "LOUDNESS", "NOISES", "SAMPLE_RATE", "Material", "add_noise", "apply", "draw", "dropouts",
    "equalise", "griffin_lim", "loudness_normalise", "mp3", "mu_law", "pops", "reverberate", "value",
]  # fmt: skip

CATEGORIES = {
    "additive": tuple(f"noise:{name}" for name in NOISES),
    "reverberation": ("drr", "rt60"),
    "compression": ("mp3", "mu-law"),
    "equalisation": ("eq",),
    "other": ("pops", "griffin-lim", "dropouts"),
}
_CATEGORY_OF = {axis: category for category, axes in CATEGORIES.items() for axis in axes}
_SPEECH_DB = -16.4  # rms of speech at -16 LUFS, dB re full scale: the median over clips, which the tests check
_RT60 = np.sqrt(0.05 * 8.0 / 7)  # seconds at strength 0, see `value`

_TENS = tuple(float(strength) for strength in range(0, 101, 10))
# Strengths of each axis from mild to severe. These two are limited, because beyond hardly anything changes: MP3 ends at
# 160 and 8 kb/s, and more than 12 bits are inaudible.
_LIMITS = {"mp3": (10.0, 60.0), "mu-law": (60.0, 0.0)}
LADDER = {axis: _TENS for axis in _CATEGORY_OF} | {
    axis: tuple(float(strength) for strength in np.linspace(*ends, 11)) for axis, ends in _LIMITS.items()
}
LADDER["eq"] = tuple((0.0, 0.0, strength) for strength in _TENS)  # the band above 1 kHz: speech becomes dull


def value(axis: str, strength: float | Sequence[float]) -> float | int | np.ndarray:
    """The physical value of a strength, p = strength / 100. Strength 0 is the mildest perturbation, not none.

    | axis | value | strength 0 .. 100 |
    | --- | --- | --- |
    | additive, noise:* | SNR in dB; amplitude (rms) 1e-4 * 800**p against speech at -16 LUFS | 63.6 .. 5.5 |
    | drr | dB, 65 - 92 p | 65 .. -27 |
    | rt60 | s, 0.239 * 7**p | 0.24 .. 1.67 |
    | mp3 | kb/s, 300**(1 - p), clamped to 8..160 | 160 .. 8 |
    | mu-law | bits, 60**p: a higher strength is milder | 1 .. 60 |
    | eq | gain of each band, 10**-p | 1 .. 0.1 |
    | pops | fraction of the samples, 1e-4 * 1000**p | 0.01 % .. 10 % |
    | griffin-lim | iterations, 80 - 79 p | 80 .. 1 |
    | dropouts | fraction of the samples, 1e-4 * 2000**p | 0.01 % .. 20 % |

    The mappings are those of the paper's released answers, or geometric (DRR: linear in dB) over the range in Table 1
    where the answers do not determine them. The answers stretch the decay of a recorded room by 7**p, so that the
    0.05..8 s of Table 1 are rooms of 0.05..8 / 7 s; their geometric mean is used for every room. With one axis from 0.05
    to 8 s each step of the answers would be 2.6 times as large (log 160 / log 7). In Table 1, Griffin-Lim has up to 500
    iterations.

    Args:
        axis: one of those in `CATEGORIES`, or "additive".
        strength: 0..100; for "eq" one number or three.

    Returns:
        float; int for "griffin-lim"; for "eq" an array of the strength's shape.

    Raises:
        InputError: unknown axis, or a strength out of range.

    Example:
        >>> value("drr", 50), value("griffin-lim", 100)
        (19.0, 1)
    """
    if axis != "additive":
        _category(axis)
    p = np.asarray(strength, "float64") / 100
    if (p.ndim and axis != "eq") or not np.all((p >= 0) & (p <= 1)):
        raise InputError(f"{axis} at {strength}; give a strength of 0 to 100")
    if axis == "eq":
        return 10**-p
    p = float(p)
    match axis:
        case "drr":
            return 65 - 92 * p
        case "rt60":
            return float(_RT60 * 7**p)
        case "mp3":
            return float(np.clip(300 ** (1 - p), SLOWEST_MP3, FASTEST_MP3))
        case "mu-law":
            return 60**p
        case "pops":
            return 1e-4 * 1000**p
        case "griffin-lim":
            return round(80 - 79 * p)
        case "dropouts":
            return 1e-4 * 2000**p
        case _:
            return float(_SPEECH_DB - 20 * np.log10(1e-4 * 800**p))


def apply(
    speech: np.ndarray, strengths: dict[str, float | Sequence[float]], material: Material, rng: np.random.Generator
) -> np.ndarray:
    """Perturb a clip along at most one axis of each category, in random order, and normalise it to -16 LUFS.

    Args:
        speech: float (samples,) at 22,050 Hz and -16 LUFS (`loudness_normalise`), at least 0.4 s.
        strengths: {axis: strength 0..100}, axes as in `CATEGORIES`; for "eq" three strengths, one for each band. "drr"
            and "rt60" together are one reverberation; without one of them it is the room's own.
        material: `Material`, the noises and rooms.
        rng: NumPy generator of the order, the segment of noise, the room and the positions.

    Returns:
        float32 (samples,) in [-1, 1], aligned with `speech`; deterministic for a seed. Silence stays silent.

    Raises:
        InputError: two axes of a category, a strength out of range, or a clip that is not 1-D or too short.

    Example:
        >>> clip = loudness_normalise(np.sin(0.1 * np.arange(22050)))
        >>> perturbed = apply(clip, {"noise:pink": 60, "mp3": 40}, Material({}, []), np.random.default_rng(0))
        >>> perturbed.shape
        (22050,)
    """
    speech = np.asarray(speech, "float32")
    if speech.ndim != 1:
        raise InputError(f"the clip has the shape {speech.shape}; give (samples,), one clip at a time")
    chosen = {}
    for axis, strength in strengths.items():
        value(axis, strength)  # refuses a wrong strength before the clip is processed
        chosen.setdefault(_category(axis), []).append(axis)
    for category, axes in chosen.items():
        if len(axes) > 1 and category != "reverberation":
            raise InputError(f"{' and '.join(axes)} are both {category}; give one of them")
    # Sorted, so that the result does not depend on the order of the axes in `strengths`.
    for i in rng.permutation(len(chosen)):
        axes = chosen[sorted(chosen)[i]]
        speech = _perturb(speech, {axis: strengths[axis] for axis in axes}, material, rng)
    return loudness_normalise(speech)


def _category(axis):
    if axis not in _CATEGORY_OF:
        raise InputError(f"there is no perturbation {axis!r}; take one of {', '.join(_CATEGORY_OF)}")
    return _CATEGORY_OF[axis]


def _perturb(speech, strengths, material, rng):
    """The perturbation of one category."""
    values = {axis: value(axis, strength) for axis, strength in strengths.items()}
    axis = next(iter(values))
    match axis:
        case "drr" | "rt60":
            return reverberate(speech, material.room(rng), values.get("drr"), values.get("rt60"))
        case "mp3":
            return mp3(speech, values[axis])
        case "mu-law":
            return mu_law(speech, values[axis])
        case "eq":
            return equalise(speech, strengths[axis])
        case "pops":
            return pops(speech, values[axis], rng)
        case "griffin-lim":
            return griffin_lim(speech, values[axis], rng)
        case "dropouts":
            return dropouts(speech, values[axis], rng)
        case _:
            return add_noise(speech, material.noise(axis.removeprefix("noise:"), len(speech), rng), values[axis])


def draw(rng: np.random.Generator, most: int = 3) -> dict[str, float | list[float]]:
    """Random strengths for `apply`, of 1 to `most` categories, with one axis of each (reverberation: one or both).

    Strengths are uniform between the ends of the `LADDER` of the axis; the three of "eq" are uniform over 0..100.

    Args:
        rng: NumPy generator.
        most: greatest number of categories, 1..5.

    Returns:
        {axis: strength}.

    Raises:
        InputError: `most` is out of range.

    Example:
        >>> 1 <= len(draw(np.random.default_rng(0), most=1)) <= 2
        True
    """
    if not 1 <= most <= len(CATEGORIES):
        raise InputError(f"most={most}; give 1 to {len(CATEGORIES)} categories")
    strengths = {}
    for category in rng.permutation(list(CATEGORIES))[: rng.integers(1, most + 1)]:
        axes = CATEGORIES[category]
        if category == "reverberation" and rng.random() < 1 / 3:
            chosen = axes
        else:
            chosen = [axes[rng.integers(len(axes))]]
        for axis in chosen:
            mild, severe = np.array(LADDER[axis][0]), np.array(LADDER[axis][-1])
            if axis == "eq":
                mild, severe = np.zeros(3), np.full(3, 100.0)
            strengths[axis] = (mild + rng.random(mild.shape) * (severe - mild)).tolist()
    return strengths
