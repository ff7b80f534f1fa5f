"""Random channels that speech passes: microphones, bands, equalisers, clipping, quantisation, lost packets, noise gates.

Each takes float32 speech (samples,), its rate in Hz and a NumPy generator that draws its strength, and returns the same
shape, aligned in time with its input.
"""

import numpy as np
import scipy.ndimage
import scipy.signal

from zoo.audio import mix

_EPS = 1e-10


def band_limit(speech: np.ndarray, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Low-pass, high-pass or telephone band by a Butterworth filter without delay (forward-backward).

    Example:
        >>> band_limit(np.ones(1000, "float32"), 16000, np.random.default_rng(0)).shape
        (1000,)
    """
    low = float(np.exp(rng.uniform(np.log(80), np.log(800))))
    high = float(np.exp(rng.uniform(np.log(1500), np.log(0.47 * sample_rate))))
    band, edges = [("lowpass", high), ("highpass", low), ("bandpass", [low, high])][rng.integers(3)]
    sections = scipy.signal.butter(int(rng.integers(2, 7)), edges, band, fs=sample_rate, output="sos")
    return scipy.signal.sosfiltfilt(sections, speech).astype("float32")


def tilt(speech: np.ndarray, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """A smooth random equaliser: up to 12 dB in each of 8 bands.

    Example:
        >>> tilt(np.ones(1000, "float32"), 16000, np.random.default_rng(0)).shape
        (1000,)
    """
    gains_db = rng.uniform(-1, 1, 8) * rng.uniform(2, 12)
    spectrum = np.fft.rfft(speech)
    place = np.linspace(0, 7, len(spectrum))
    return np.fft.irfft(spectrum * 10 ** (np.interp(place, np.arange(8), gains_db) / 20), len(speech)).astype("float32")


def microphone(speech: np.ndarray, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """The response of a cheap microphone: it falls below 50..300 Hz and above 3 kHz or more, with two resonances.

    The slopes are those of a filter of the second order, the resonances -4..8 dB at 300 to 6000 Hz and 0.3 to 1 octave
    wide. The phase is left as it is, so that nothing is late, and so is the level, of the whole clip.

    Example:
        >>> recorded = microphone(np.random.default_rng(0).normal(size=16000), 16000, np.random.default_rng(1))
        >>> recorded.shape, round(float(mix.rms(recorded)), 1)
        ((16000,), 1.0)
    """
    frequency = np.maximum(np.fft.rfftfreq(len(speech), 1 / sample_rate), 1.0)
    low = np.exp(rng.uniform(np.log(50), np.log(300)))
    high = np.exp(rng.uniform(np.log(3000), np.log(0.6 * sample_rate)))
    gain_db = -10 * np.log10((1 + (low / frequency) ** 4) * (1 + (frequency / high) ** 4))
    for centre, peak_db, octaves in zip(
        np.exp(rng.uniform(np.log(300), np.log(6000), 2)), rng.uniform(-4, 8, 2), rng.uniform(0.3, 1.0, 2), strict=True
    ):
        gain_db += peak_db * np.exp(-0.5 * (np.log2(frequency / centre) / octaves) ** 2)
    out = np.fft.irfft(np.fft.rfft(speech) * 10 ** (gain_db / 20), len(speech))
    return (out * mix.rms(speech) / max(mix.rms(out), _EPS)).astype("float32")


def clip(speech: np.ndarray, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Hard or soft clipping at a quantile of the absolute waveform.

    Example:
        >>> float(clip(np.linspace(-1, 1, 99), 16000, np.random.default_rng(0)).max()) < 1
        True
    """
    limit = max(np.quantile(np.abs(speech), rng.uniform(0.5, 0.995)), 1e-4)
    if rng.random() < 0.5:
        return np.clip(speech, -limit, limit).astype("float32")
    return (limit * np.tanh(speech / limit)).astype("float32")


def lose_packets(speech: np.ndarray, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Drop packets of 10..40 ms, 1..20 % of them in bursts; each lost one is silent or repeats the one before.

    Example:
        >>> lose_packets(np.ones(16000, "float32"), 16000, np.random.default_rng(0)).shape
        (16000,)
    """
    size = int(rng.uniform(0.01, 0.04) * sample_rate)
    out = speech.copy()
    repeat, rate, burst = rng.random() < 0.5, rng.uniform(0.01, 0.2), rng.uniform(0.0, 0.6)
    lost = False
    for start in range(size, len(speech) - size, size):
        lost = rng.random() < (burst if lost else rate)
        if lost:
            out[start : start + size] = out[start - size : start] if repeat else 0.0
    return out


def gate(speech: np.ndarray, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Silence the pauses, as noise gates and discontinuous transmission do.

    Frames of 16 ms more than 25..45 dB softer than the loud ones, and 48 ms or more away from others, are silent or
    15..40 dB softer; the gain moves from frame to frame in a straight line.

    Example:
        >>> speech = np.repeat([1.0, 1e-3], 8000).astype("float32")
        >>> bool(np.abs(gate(speech, 16000, np.random.default_rng(0))[-100:]).max() < 2e-4)
        True
    """
    size = int(0.016 * sample_rate)
    levels = 20 * np.log10(mix.rms(speech[: len(speech) // size * size].reshape(-1, size)) + _EPS)
    is_open = levels > np.percentile(levels, 95) - rng.uniform(25, 45)
    is_open = scipy.ndimage.binary_dilation(is_open, iterations=3)
    closed = 0.0 if rng.random() < 0.5 else 10 ** (-rng.uniform(15, 40) / 20)
    centres = size * (np.arange(len(levels)) + 0.5)
    return (speech * np.interp(np.arange(len(speech)), centres, np.where(is_open, 1.0, closed))).astype("float32")


def quantize(speech: np.ndarray, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Uniform quantisation to 4..10 bits of the clip's own range.

    Example:
        >>> len(np.unique(quantize(np.linspace(-1, 1, 9999), 16000, np.random.default_rng(0)))) < 1026
        True
    """
    step = np.max(np.abs(speech)) / 2 ** rng.uniform(3, 9) + _EPS
    return (np.round(speech / step) * step).astype("float32")
