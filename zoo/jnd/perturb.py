"""The perturbations of Manocha et al. 2020 (Table 1) on axes of strength 0..100, and random combinations of them.

A combination acts on the whole at one strength in `zoo.jnd.directions`.
"""

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
    "CATEGORIES", "LADDER", "LOUDNESS", "NOISES", "SAMPLE_RATE", "TABLE_1", "Material", "add_noise", "apply",
    "category_of", "draw", "dropouts", "equalise", "griffin_lim", "loudness_normalise", "mp3", "mu_law", "pops",
    "reverberate", "value",
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

# Values at strengths 0 and 100 as Table 1 prints the ranges, of the axes that have others by default.
TABLE_1 = {"additive": (66.0, 2.0), "rt60": (0.05, 8.0), "mp3": (320.0, 8.0), "griffin-lim": (500.0, 1.0)}

_TENS = tuple(float(strength) for strength in range(0, 101, 10))
# Strengths of each axis from mild to severe. These two are limited, because beyond hardly anything changes: MP3 ends at
# 160 and 8 kb/s, and more than 12 bits are inaudible.
_LIMITS = {"mp3": (10.0, 60.0), "mu-law": (60.0, 0.0)}
LADDER = {axis: _TENS for axis in _CATEGORY_OF} | {
    axis: tuple(float(strength) for strength in np.linspace(*ends, 11)) for axis, ends in _LIMITS.items()
}
LADDER["eq"] = tuple((0.0, 0.0, strength) for strength in _TENS)  # the band above 1 kHz: speech becomes dull


def value(axis: str, strength: float | Sequence[float], table_1: bool = False) -> float | int | np.ndarray:
    """The physical value of a strength, p = strength / 100. Strength 0 is the mildest perturbation, not none.

    | axis | value | strength 0 .. 100 |
    | --- | --- | --- |
    | additive, noise:* | SNR in dB; amplitude (rms) 1e-4 * 800**p against speech at -16 LUFS | 63.6 .. 5.5 |
    | drr | dB, 65 - 92 p | 65 .. -27 |
    | rt60 | s, 0.239 * 7**p | 0.24 .. 1.67 |
    | mp3 | kb/s, 300**(1 - p), clamped to 8..160 | 160 .. 8 |
    | mu-law | bits, 60**p: a higher strength is milder | 1 .. 60 |
    | eq | gain of each band, 10**-p; below 0 a boost | 10 (at -100), 1 .. 0.1 |
    | pops | fraction of the samples, 1e-4 * 1000**p | 0.01 % .. 10 % |
    | griffin-lim | iterations, 80 - 79 p | 80 .. 1 |
    | dropouts | fraction of the samples, 1e-4 * 2000**p | 0.01 % .. 20 % |

    The mappings are those of the paper's released answers, or geometric (DRR: linear in dB) over the range in Table 1
    where the answers do not determine them. The answers stretch the decay of a recorded room by 7**p, so that the
    0.05..8 s of Table 1 are rooms of 0.05..8 / 7 s; their geometric mean is used for every room. With one axis from 0.05
    to 8 s each step of the answers would be 2.6 times as large (log 160 / log 7). `TABLE_1` has the printed ranges that
    differ. The table's "0 to 1" of the equaliser's cut and boost bands has no unit: the gains here are ours.

    Args:
        axis: one of those in `CATEGORIES`, or "additive".
        strength: 0..100; for "eq" one number or three, -100..100.
        table_1: whether `TABLE_1` gives the ends: linear in dB for noise, geometric for the others. A codec at 22,050 Hz
            still has 160 kb/s at most.

    Returns:
        float; int for "griffin-lim"; for "eq" an array of the strength's shape.

    Raises:
        InputError: unknown axis, or a strength out of range.

    Example:
        >>> value("drr", 50), value("griffin-lim", 100)
        (19.0, 1)
    """
    if axis != "additive":
        category_of(axis)
    p, lowest = np.asarray(strength, "float64") / 100, -1 if axis == "eq" else 0
    if (p.ndim and axis != "eq") or not np.all((p >= lowest) & (p <= 1)):
        raise InputError(f"{axis} at {strength}; give a strength of {100 * lowest} to 100")
    if axis == "eq":
        return 10**-p
    p = float(p)
    if table_1 and (printed := _printed(axis, p)) is not None:
        return printed
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
    speech: np.ndarray,
    strengths: dict[str, float | Sequence[float]],
    material: Material,
    rng: np.random.Generator,
    order: Sequence[str] | None = None,
    table_1: bool = False,
) -> np.ndarray:
    """Perturb a clip along at most one axis of each category, in random order, and normalise it to -16 LUFS.

    Args:
        speech: float (samples,) at 22,050 Hz and -16 LUFS (`loudness_normalise`), at least 0.4 s.
        strengths: {axis: strength 0..100}, axes as in `CATEGORIES`; for "eq" three strengths, one for each band, -100
            (boost) to 100 (cut). "drr" and "rt60" together are one reverberation; without one of them it is the room's
            own.
        material: `Material`, the noises and rooms.
        rng: NumPy generator of the order, the segment of noise, the room and the positions.
        order: categories, all that occur, in the order to apply them in; None for a random one. With an order each
            category has random numbers of its own: the same seed gives the same noise, room and positions whatever
            else is applied.
        table_1: as for `value`.

    Returns:
        float32 (samples,) in [-1, 1], aligned with `speech`; deterministic for a seed. Silence stays silent.

    Raises:
        InputError: two axes of a category, a strength out of range, a category that the order lacks, or a clip that is
            not 1-D or too short.

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
        chosen.setdefault(category_of(axis), []).append(axis)
    for category, axes in chosen.items():
        if len(axes) > 1 and category != "reverberation":
            raise InputError(f"{' and '.join(axes)} are both {category}; give one of them")
    for category, generator in _sequence(chosen, rng, order):
        speech = _perturb(speech, {axis: strengths[axis] for axis in chosen[category]}, material, generator, table_1)
    return loudness_normalise(speech)


def _sequence(chosen, rng, order):
    """(category, its generator) in the order to apply them in."""
    if order is None:
        # Sorted, so that the result does not depend on the order of the axes in `strengths`.
        return [(sorted(chosen)[i], rng) for i in rng.permutation(len(chosen))]
    if missing := set(chosen) - set(order):
        raise InputError(f"the order {list(order)} lacks {', '.join(sorted(missing))}; add it")
    seeds = dict(zip(CATEGORIES, rng.integers(2**32, size=len(CATEGORIES)), strict=True))
    return [(category, np.random.default_rng(seeds[category])) for category in order if category in chosen]


def category_of(axis: str) -> str:
    """The category of an axis, one of `CATEGORIES`.

    Raises:
        InputError: there is no such axis.

    Example:
        >>> category_of("mp3")
        'compression'
    """
    if axis not in _CATEGORY_OF:
        raise InputError(f"there is no perturbation {axis!r}; take one of {', '.join(_CATEGORY_OF)}")
    return _CATEGORY_OF[axis]


def _printed(axis, p):
    """The value at p 0..1 within the range that Table 1 prints, None for an axis whose range is that of `value`."""
    key = "additive" if axis.startswith("noise:") else axis
    if key not in TABLE_1:
        return None
    mild, severe = TABLE_1[key]
    if key == "additive":
        return mild + p * (severe - mild)
    between = mild * (severe / mild) ** p
    return round(between) if key == "griffin-lim" else between


def _perturb(speech, strengths, material, rng, table_1):
    """The perturbation of one category."""
    values = {axis: value(axis, strength, table_1) for axis, strength in strengths.items()}
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


def draw(rng: np.random.Generator, most: int = 3, boosts: bool = False) -> dict[str, float | list[float]]:
    """Random strengths for `apply`, of 1 to `most` categories, with one axis of each (reverberation: one or both).

    Strengths are uniform between the ends of the `LADDER` of the axis; the three of "eq" are uniform over 0..100.

    Args:
        rng: NumPy generator.
        most: greatest number of categories, 1..5.
        boosts: whether the equaliser boosts bands as often as it cuts them, as Table 1 has it: uniform over -100..100.

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
                mild, severe = np.full(3, -100.0 if boosts else 0.0), np.full(3, 100.0)
            strengths[axis] = (mild + rng.random(mild.shape) * (severe - mild)).tolist()
    return strengths
