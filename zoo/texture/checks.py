"""Input checks that all syntheses share: the target, the length of the result, counts."""

import numpy as np

from zoo.audio import checks
from zoo.errors import InputError

_SILENCE = 1e-6  # of full scale


def check_target(target: np.ndarray, sample_rate: float, fewest_seconds: float) -> np.ndarray:
    """Check a target: mono float, finite, not silent, long enough.

    Args:
        target: float (samples,) in [-1, 1].
        sample_rate: in Hz, above 0.
        fewest_seconds: shortest allowed length.

    Returns:
        float32 (samples,).

    Raises:
        InputError: several channels, integers, NaN, samples that are not scaled, silence, a rate that is none, or less than
            `fewest_seconds`.

    Example:
        >>> check_target(np.ones(16000) * np.sin(np.arange(16000)), 16000, 0.5).dtype
        dtype('float32')
    """
    target = checks.as_floats(target)
    if target.ndim != 1:
        raise InputError(f"the target has the shape {target.shape}; give one channel, (samples,)")
    sample_rate = checks.whole_rate(sample_rate)
    checks.check_finite(target)
    checks.check_scale(target)
    if len(target) < fewest_seconds * sample_rate:
        raise InputError(f"the target has {len(target) / sample_rate:.2f} s; give {fewest_seconds:.2f} s or more")
    if np.abs(target - target.mean()).max() < _SILENCE:
        raise InputError("the target is silent; give a sound")
    return target.astype("float32")


def result_samples(target: np.ndarray, sample_rate: float, seconds: float | None, fewest_seconds: float) -> int:
    """Length of the result in samples, at the target's rate.

    Args:
        target: (samples,).
        sample_rate: in Hz.
        seconds: length of the result; None for the target's.
        fewest_seconds: shortest allowed length.

    Returns:
        int.

    Raises:
        InputError: `seconds` is not finite, or too short.

    Example:
        >>> result_samples(np.zeros(44101), 44100, None, 0.5), result_samples(np.zeros(9), 44100, 2.0, 0.5)
        (44101, 88200)
    """
    if seconds is None:
        return len(target)
    if not (np.isfinite(seconds) and seconds >= fewest_seconds):
        raise InputError(f"a result of {seconds} s is too short or not finite; give {fewest_seconds:.2f} s or more")
    return round(seconds * sample_rate)


def check_counts(**counts: int) -> None:
    """Check that values, such as a seed or a number of iterations, are integers of 0 or more.

    Args:
        counts: {name for the message: value}.

    Raises:
        InputError: another value.

    Example:
        >>> check_counts(iterations=10, seed=0)
    """
    for name, value in counts.items():
        if not isinstance(value, (int, np.integer)) or value < 0:
            raise InputError(f"{name.replace('_', ' ')} is {value!r}; give an integer, 0 or more")
