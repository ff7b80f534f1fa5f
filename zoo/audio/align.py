"""How late a degraded recording is, by cross-correlation, and both cut to what they share.

Metrics that compare sample by sample (SI-SDR), frame by frame (STOI), or that were learned from aligned pairs, take a
delay for a degradation. PESQ finds it by itself.
"""

import numpy as np

from zoo.audio.checks import as_floats
from zoo.errors import InputError

MOST_SECONDS = 0.5  # that a recording may be late or early
_BLOCK_SECONDS = 2.0  # longer ones would not gain, and shorter ones lose what a lag shifts out of them
_CLEAR = 12.0  # times the rms of the correlation: the largest of noise alone reaches 5
_ABOVE_ALIGNED = 2.0  # times what the correlation is without a lag: an echo is weaker than its direct path


def find_lag(reference: np.ndarray, degraded: np.ndarray, sample_rate: int) -> int:
    """Samples by which a degraded recording is later than its reference, where that is clear.

    The peak of the cross-correlation of both, each frequency weighted by their coherence over blocks of 2 s (smoothed
    coherence transform, Carter et al. 1973): it is sharp where that of speech itself repeats with the pitch.

    Args:
        reference, degraded: float `(samples,)`, of any lengths.
        sample_rate: Hz.

    Returns:
        At most half a second, or half the recording; negative where the degraded recording is early; 0 where it is in time to less than 2
        samples, and where no peak stands out.

    Raises:
        InputError: another shape, or no float.

    Example:
        >>> speech = np.random.default_rng(0).normal(size=16000)
        >>> find_lag(speech[200:], speech[:-200], 16000)
        200
    """
    reference, degraded = (_recording(x) for x in (reference, degraded))
    block = min(int(_BLOCK_SECONDS * sample_rate), len(reference), len(degraded))
    most = min(int(MOST_SECONDS * sample_rate), block // 2)
    correlation = _correlation(reference, degraded, block) if most > 1 else None
    if correlation is None:
        return 0
    nearby = np.abs(np.concatenate([correlation[-most:], correlation[: most + 1]]))
    lag, size = int(np.argmax(nearby)) - most, nearby.max()
    clear = (
        size > _CLEAR * np.sqrt(np.mean(correlation**2)) and size > _ABOVE_ALIGNED * nearby[most - 1 : most + 2].max()
    )
    return lag if clear and abs(lag) > 1 else 0


def align(reference: np.ndarray, degraded: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray, int]:
    """A degraded recording shifted to its reference, and both cut to what they share.

    Args:
        reference, degraded: float `(samples,)`, of any lengths.
        sample_rate: Hz.

    Returns:
        (reference, degraded, lag): `(shared,)` twice, and the lag that `find_lag` gives.

    Raises:
        InputError: as `find_lag`.

    Example:
        >>> speech = np.random.default_rng(0).normal(size=16000)
        >>> reference, degraded, lag = align(speech[200:], speech[:-200], 16000)
        >>> lag, bool((reference == degraded).all()), len(reference)
        (200, True, 15600)
    """
    lag = find_lag(reference, degraded, sample_rate)
    return *shared(reference, degraded, lag), lag


def find_lag_of_channels(reference: np.ndarray, degraded: np.ndarray, sample_rate: int) -> int:
    """The lag of the channel that is loudest in the reference: what it is of others may cancel in their mean.

    Args:
        reference, degraded: float `(samples,)` or `(channels, samples)`.
        sample_rate: Hz.

    Returns:
        As of `find_lag`.

    Example:
        >>> speech = np.random.default_rng(0).normal(size=16000) * [[1.0], [-1.0]]
        >>> find_lag_of_channels(speech[:, 200:], speech[:, :-200], 16000)
        200
    """
    channels = np.atleast_2d(reference)
    loudest = int(np.argmax(np.square(channels, dtype="float64").sum(axis=1)))
    return find_lag(channels[loudest], np.atleast_2d(degraded)[loudest], sample_rate)


def shared(reference: np.ndarray, degraded: np.ndarray, lag: int) -> tuple[np.ndarray, np.ndarray]:
    """What two recordings share, one of which is later by `lag` samples; float `(..., samples)`.

    Example:
        >>> [x.tolist() for x in shared(np.arange(4), np.arange(5), 2)]
        [[0, 1, 2], [2, 3, 4]]
    """
    reference, degraded = reference[..., max(-lag, 0) :], degraded[..., max(lag, 0) :]
    samples = min(reference.shape[-1], degraded.shape[-1])
    return reference[..., :samples], degraded[..., :samples]


def _recording(audio):
    audio = as_floats(audio)
    if audio.ndim != 1:
        raise InputError(f"audio has shape {audio.shape}; give (samples,)")
    return audio


def _correlation(reference, degraded, block):
    """Cross-correlation at lags 0, 1, ..., -1, of whitened blocks; None where nothing is there to correlate."""
    window = np.hanning(block + 2)[1:-1]
    cross, first, second = 0.0, 0.0, 0.0
    for start in range(0, min(len(reference), len(degraded)) - block + 1, block // 2):
        x, y = (np.fft.rfft(window * audio[start : start + block], 2 * block) for audio in (reference, degraded))
        cross, first, second = cross + x.conj() * y, first + np.abs(x) ** 2, second + np.abs(y) ** 2
    if not (np.all(np.isfinite(cross)) and np.any(cross)):
        return None
    energy = np.sqrt(first * second)
    return np.fft.irfft(cross / np.maximum(energy, 1e-10 * energy.max()))
