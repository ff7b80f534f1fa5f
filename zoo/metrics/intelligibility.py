"""STOI and ESTOI of one pair, on pystoi's front end: no global generator, no warning filter, so threads may call them.

pystoi's own functions draw ESTOI's noise from NumPy's global generator, and warn where a signal is too short.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from pystoi import utils

RATE = 10000  # Hz, at which both work
SEGMENT_FRAMES = 30  # N of the papers: 384 ms
_FRAME, _FFT = 256, 512  # samples
_BANDS, _LOWEST_HZ = 15, 150  # of third octaves
_RANGE_DB = 40  # a frame that far below the loudest is silent
_EPS = np.finfo(np.float64).eps
# A band of the degraded speech counts at most so many times that of the reference: a distortion of -15 dB.
_CLIP = 1 + 10 ** (15 / 20)


def third_octaves(reference: np.ndarray, degraded: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Magnitudes in third octaves, without the frames in which the reference is silent.

    Args:
        reference, degraded: float64 `(samples,)`, of 256 samples or more at 10 kHz.
        sample_rate: Hz.

    Returns:
        Both, float64 `(segments, 15 bands, 30 frames)`; no segments where fewer than 30 frames are left.

    Example:
        >>> noise = np.random.default_rng(0).normal(size=10000)
        >>> third_octaves(noise, noise, 10000)[0].shape
        (47, 15, 30)
    """
    pair = reference, degraded
    if sample_rate != RATE:
        pair = [utils.resample_oct(signal, RATE, sample_rate) for signal in pair]
    pair = utils.remove_silent_frames(*pair, _RANGE_DB, _FRAME, _FRAME // 2)
    return tuple(map(_segments, pair))


def _segments(signal):
    spectrum = utils.stft(signal, _FRAME, _FFT, overlap=2)
    if len(spectrum) < SEGMENT_FRAMES:
        return np.empty((0, _BANDS, SEGMENT_FRAMES))
    third_octave, _ = utils.thirdoct(RATE, _FFT, _BANDS, _LOWEST_HZ)
    bands = np.sqrt(third_octave @ np.abs(spectrum.T) ** 2)
    return np.ascontiguousarray(sliding_window_view(bands, SEGMENT_FRAMES, axis=1).transpose(1, 0, 2))


def stoi(reference: np.ndarray, degraded: np.ndarray) -> float:
    """Mean correlation of each band over the frames of a segment (Taal et al. 2011, eq. 3 to 6).

    Args:
        reference, degraded: as `third_octaves` returns them, of one segment or more.

    Returns:
        At most 1.

    Example:
        >>> bands = np.random.default_rng(0).random((2, 15, 30))
        >>> round(float(stoi(bands, bands)), 6)
        1.0
    """
    level = np.linalg.norm(reference, axis=2, keepdims=True) / (np.linalg.norm(degraded, axis=2, keepdims=True) + _EPS)
    pair = reference, np.minimum(level * degraded, _CLIP * reference)
    centred = [bands - bands.mean(axis=2, keepdims=True) for bands in pair]
    x, y = (bands / (np.linalg.norm(bands, axis=2, keepdims=True) + _EPS) for bands in centred)
    return np.sum(x * y) / (x.shape[0] * x.shape[1])


def estoi(reference: np.ndarray, degraded: np.ndarray) -> float:
    """Mean correlation of spectra, each band normalised over time and then each frame (Jensen and Taal 2016, eq. 3 to 6).

    Noise at float64's resolution keeps muted frames from a division by 0, and decides their score (+-0.002): it comes
    from a generator of the call's own, so that a pair always has one score.

    Args:
        reference, degraded: as `third_octaves` returns them, of one segment or more.

    Returns:
        -1..1.

    Example:
        >>> bands = np.random.default_rng(0).random((2, 15, 30))
        >>> round(float(estoi(bands, bands)), 6)
        1.0
    """
    noise = np.random.RandomState(0)  # scores of before came from this generator
    x, y = (_normalized(_normalized(bands, 2, noise), 1, noise) for bands in (reference, degraded))
    return np.sum(x * y / SEGMENT_FRAMES) / len(x)


def _normalized(bands, axis, noise):
    bands = bands + _EPS * noise.standard_normal(bands.shape)
    bands -= bands.mean(axis=axis, keepdims=True)
    return bands * (1 / np.sqrt(np.sum(bands**2, axis=axis, keepdims=True)))
