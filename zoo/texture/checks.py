"""What every synthesis asks of its target and of the result's length."""

import numpy as np

from zoo.errors import InputError

_SILENCE = 1e-6  # of full scale


def check_target(target, sample_rate, fewest_seconds):
    """A target as it is used: mono, finite, not silent, long enough.

    Args:
        target: float (samples,) in [-1, 1].
        sample_rate: in Hz, above 0.
        fewest_seconds: that it must have.

    Returns:
        float32 (samples,).

    Raises:
        InputError: channels, integers, NaNs, silence, or less than `fewest_seconds`.

    Example:
        >>> check_target(np.ones(16000) * np.sin(np.arange(16000)), 16000, 0.5).dtype
        dtype('float32')
    """
    target = np.asarray(target)
    if target.ndim != 1:
        raise InputError(f"the target has the shape {target.shape}; give one channel, (samples,)")
    if not np.issubdtype(target.dtype, np.floating):
        raise InputError(f"the target is {target.dtype}; give float in [-1, 1] (16-bit samples over 32768)")
    if not sample_rate > 0:
        raise InputError(f"a rate of {sample_rate} Hz is none; give the target's")
    if not np.isfinite(target).all():
        raise InputError("the target has samples that are no number; mend it")
    if len(target) < fewest_seconds * sample_rate:
        raise InputError(f"the target has {len(target) / sample_rate:.2f} s; give {fewest_seconds:.2f} s or more")
    if np.abs(target - target.mean()).max() < _SILENCE:
        raise InputError("the target is silent; give a sound")
    return target.astype("float32")


def wanted_samples(target, sample_rate, seconds, fewest_seconds):
    """Samples of a result at the target's rate.

    Args:
        target: (samples,).
        sample_rate: in Hz.
        seconds: that are asked for; None for the target's.
        fewest_seconds: that a result must have.

    Returns:
        int.

    Raises:
        InputError: seconds that are no number, or too few.

    Example:
        >>> wanted_samples(np.zeros(44101), 44100, None, 0.5), wanted_samples(np.zeros(9), 44100, 2.0, 0.5)
        (44101, 88200)
    """
    if seconds is None:
        return len(target)
    if not (np.isfinite(seconds) and seconds >= fewest_seconds):
        raise InputError(f"a result of {seconds} s is too short, or none; give {fewest_seconds:.2f} s or more")
    return round(seconds * sample_rate)


def check_counts(**counts):
    """Raises an InputError unless all are integers, 0 or more: iterations, a seed."""
    for name, value in counts.items():
        if not isinstance(value, (int, np.integer)) or value < 0:
            raise InputError(f"{name.replace('_', ' ')} is {value!r}; give an integer, 0 or more")
