"""Reverberation with a set direct-to-reverberant ratio and decay time."""

import numpy as np
import scipy.signal

from zoo.errors import InputError
from zoo.jnd.effects import SAMPLE_RATE

_DIRECT = int(0.0025 * SAMPLE_RATE)  # samples, 2.5 ms: the response until then is the direct path
_SHORTEST, _LONGEST = 0.05, 8.0  # seconds, the paper's range of RT60
_USABLE_DB = -30.0  # of the backward-integrated decay; below it a recording may be noise
_COLOUR = int(0.05 * SAMPLE_RATE)  # samples, 50 ms before the end of the usable part, whose spectrum a longer tail gets
_REFINEMENTS = 4


def reverberate(
    speech: np.ndarray, response: np.ndarray, drr_db: float | None = None, rt60: float | None = None
) -> np.ndarray:
    """Put speech in a room with a set direct-to-reverberant ratio and decay time.

    The direct path is one impulse at time 0, in place of the response from its largest sample to 2.5 ms later; the rest is
    the tail. The tail is multiplied by 10**(-3 t (1 / rt60 - 1 / its own rt60)), repeatedly, until its decay, measured by
    `decay_time`, is `rt60`. From where the recording ends or has decayed by 30 dB it continues as Gaussian noise (always
    the same) with the spectrum of the last 50 ms before. So the early reflections keep their times; the authors' code
    stretches responses in time, which also lowers their pitch. Direct path and tail are scaled to the ratio and to a
    total energy of 1, so that at a high ratio the speech is unchanged.

    Args:
        speech: float (samples,) at 22,050 Hz.
        response: float (taps,), an impulse response at 22,050 Hz.
        drr_db: energy of the direct path relative to that of the tail in dB; None for the response's own.
        rt60: time of a 60 dB decay in seconds, 0.05..8; None for the response's own.

    Returns:
        float32 (samples,), aligned with the speech; the tail is cut at the end of the clip.

    Raises:
        InputError: a response without a tail, or rt60 out of range.

    Example:
        >>> response = np.zeros(8000)
        >>> response[[100, 1100]] = 1.0, 0.5
        >>> impulse = np.eye(1, 4000)[0]
        >>> [round(float(tap), 3) for tap in reverberate(impulse, response, drr_db=0.0)[[0, 1000]]]
        [0.707, 0.707]
    """
    direct, tail = _split(response)
    ratio = direct / np.sum(tail**2) if drr_db is None else 10 ** (drr_db / 10)
    if rt60 is not None:
        if not _SHORTEST <= rt60 <= _LONGEST:
            raise InputError(f"rt60 of {rt60} s is out of range; give {_SHORTEST:g} to {_LONGEST:g} s")
        tail = _reshape(tail, rt60)
    tail = tail / np.sqrt(np.sum(tail**2) * (1 + ratio))
    out = np.sqrt(ratio / (1 + ratio)) * speech
    reverberant = len(speech) - _DIRECT
    if reverberant > 0:
        reverberation = scipy.signal.oaconvolve(np.asarray(speech, "float64"), tail[:reverberant])
        out[_DIRECT:] += reverberation[:reverberant]
    return out.astype("float32")


def decay_time(response: np.ndarray) -> float:
    """RT60 of a response from the slope of its backward-integrated energy between -5 and -25 dB (T20 of ISO 3382).

    The direct path, 2.5 ms from the largest sample, is left out, so the result does not depend on the ratio.

    Args:
        response: float (taps,) at 22,050 Hz.

    Returns:
        float, seconds, above 0.

    Raises:
        InputError: a response without a tail, or one too sparse for a slope.

    Example:
        >>> response = 10 ** (-3 * np.arange(22050) / SAMPLE_RATE / 0.5)
        >>> round(float(decay_time(response)), 2)
        0.5
    """
    return _decay_time(_split(response)[1])


def _split(response):
    """Energy of the direct path, and the tail, inverted if the direct path is negative; float64."""
    response = np.asarray(response, "float64")
    start = int(np.argmax(np.abs(response)))
    direct, tail = response[start : start + _DIRECT], response[start + _DIRECT :]
    if not np.any(tail):
        raise InputError("the impulse response ends with its direct path; give one with reverberation")
    return np.sum(direct**2), tail * np.sign(response[start])


def _decay_db(tail):
    """Remaining energy at each sample, in dB re the total."""
    remaining = np.cumsum(tail[::-1] ** 2)[::-1]
    return 10 * np.log10(np.maximum(remaining / remaining[0], 1e-30))


def _decay_time(tail):
    decay = _decay_db(tail)
    first, last = np.searchsorted(-decay, [5.0, 25.0])
    if last - first < 2:
        raise InputError("the impulse response is too sparse for its decay to be measured; give a denser one")
    return -60 / np.polyfit(np.arange(first, last) / SAMPLE_RATE, decay[first:last], 1)[0]


def _reshape(tail, rt60):
    """The tail with another decay time, and of that length."""
    time = np.arange(int(rt60 * SAMPLE_RATE)) / SAMPLE_RATE
    own_rt60 = _decay_time(tail)
    end = min(int(np.searchsorted(-_decay_db(tail), -_USABLE_DB)), len(tail))
    flat = tail[:end] * 10 ** (3 * np.arange(end) / SAMPLE_RATE / own_rt60)
    if len(time) > end:
        noise = np.random.default_rng(0).standard_normal(len(time) - end)
        ending = flat[-_COLOUR:]
        continuation = scipy.signal.oaconvolve(noise, ending / np.linalg.norm(ending))[: len(noise)]
        flat = np.concatenate([flat, continuation * np.sqrt(np.mean(ending**2))])
    flat = flat[: len(time)]
    rate = 1 / rt60
    for _ in range(_REFINEMENTS):  # the tail is not exactly exponential, so a single correction is not exact
        shaped = flat * 10 ** (-3 * time * rate)
        rate += 1 / rt60 - 1 / _decay_time(shaped)
    return flat * 10 ** (-3 * time * rate)
