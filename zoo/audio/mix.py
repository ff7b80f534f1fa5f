"""Mixing in NumPy: levels, speech in noise at a signal-to-noise ratio, coloured noise, reverberation."""

from collections.abc import Sequence

import numpy as np
import scipy.signal

_SILENCE = 1e-8  # rms; below it a signal is digital silence, which has no level to scale


def rms(audio: np.ndarray) -> np.ndarray:
    """Root mean square of a waveform over its last axis.

    Example:
        >>> float(rms(np.array([3.0, -3.0])))
        3.0
    """
    return np.sqrt(np.mean(np.square(audio, dtype=np.float64), axis=-1))


def level_range_db(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """How far the soft parts of speech lie below the loud ones: little where a recording has noise of its own.

    Args:
        audio: float (..., samples), at least 32 ms.
        sample_rate: Hz.

    Returns:
        float64 (...), dB from the 5th to the 95th percentile of the power of frames of 32 ms.

    Example:
        >>> speech = np.repeat([1.0, 0.01], 8000)
        >>> round(float(level_range_db(speech, 16000)))
        40
    """
    size = int(0.032 * sample_rate)
    frames = audio[..., : audio.shape[-1] // size * size].reshape(*audio.shape[:-1], -1, size)
    soft, loud = np.percentile(rms(frames), [5, 95], axis=-1)
    return 20 * np.log10((loud + 1e-8) / (soft + 1e-8))


def mix_at_snr(speech: np.ndarray, noise: np.ndarray, snr_db: float) -> np.ndarray:
    """Add noise to speech at a signal-to-noise ratio.

    The ratio is of mean power over the whole clip, pauses included.

    Args:
        speech: float (samples,).
        noise: float (samples,), the same length.
        snr_db: ratio of the mixture in dB.

    Returns:
        float32 (samples,); the speech keeps its level, the noise is scaled. If either is silent, the speech alone.

    Example:
        >>> mixture = mix_at_snr(np.ones(4, "float32"), np.array([1, -1, 1, -1], "float32"), snr_db=20.0)
        >>> bool(np.allclose(mixture, [1.1, 0.9, 1.1, 0.9]))
        True
    """
    speech_rms, noise_rms = rms(speech), rms(noise)
    if min(speech_rms, noise_rms) < _SILENCE:
        return np.asarray(speech, "float32")
    gain = speech_rms / noise_rms * 10 ** (-snr_db / 20)
    return (speech + gain * noise).astype("float32")


def loop_to(audio: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """A random segment of a recording, which is repeated end to end if it is shorter.

    Args:
        audio: (recorded samples,).
        samples: length of the segment.
        rng: NumPy generator of its start.

    Returns:
        (samples,), of the same type.

    Example:
        >>> loop_to(np.arange(3), 7, np.random.default_rng(0)).shape
        (7,)
    """
    start = rng.integers(len(audio))
    return np.take(audio, np.arange(start, start + samples), mode="wrap")


def colored_noise(samples: int, exponent: float, rng: np.random.Generator) -> np.ndarray:
    """Gaussian noise with power proportional to 1 / f**exponent.

    Args:
        samples: length.
        exponent: 0 for white noise, 1 pink, 2 brown, -1 blue.
        rng: NumPy generator.

    Returns:
        float32 (samples,) at rms 0.1.

    Example:
        >>> round(float(rms(colored_noise(1000, 1.0, np.random.default_rng(0)))), 3)
        0.1
    """
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequency = np.maximum(np.arange(len(spectrum)), 1.0)
    noise = np.fft.irfft(spectrum * frequency ** (-exponent / 2), samples)
    return (0.1 * noise / rms(noise)).astype("float32")


def pulse(noise: np.ndarray, sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Noise whose amplitude swings at 0.5 to 12 Hz, by 30 to 100 %.

    Example:
        >>> pulse(np.ones(1000), 16000, np.random.default_rng(0)).shape
        (1000,)
    """
    rate, depth = rng.uniform(0.5, 12), rng.uniform(0.3, 1.0)
    return noise * (1 + depth * np.sin(2 * np.pi * (rate * np.arange(len(noise)) / sample_rate + rng.random())))


def fluctuate(noise: np.ndarray, sample_rate: float, range_db: float, rng: np.random.Generator) -> np.ndarray:
    """Noise whose level wanders by up to `range_db`, along straight lines in dB between points 0.25 to 2 s apart.

    Args:
        noise: float (samples,).
        sample_rate: in Hz.
        range_db: from the lowest gain to the highest, which is 0 dB, at most.
        rng: NumPy generator.

    Returns:
        float (samples,).

    Example:
        >>> gain = fluctuate(np.ones(16000), 16000, 20.0, np.random.default_rng(0))
        >>> bool(gain.min() >= 0.1 and gain.max() <= 1)
        True
    """
    seconds = len(noise) / sample_rate
    points = np.cumsum(rng.uniform(0.25, 2.0, 2 + int(4 * seconds)))
    gains_db = np.interp(
        np.arange(len(noise)) / sample_rate, points - points[0], rng.uniform(-range_db, 0, len(points))
    )
    return noise * 10 ** (gains_db / 20)


def blend(noises: Sequence[np.ndarray], sample_rate: float, rng: np.random.Generator) -> np.ndarray:
    """Several noises at once: 0 to 15 dB below each other, and each with a level of its own over time.

    Args:
        noises: float (samples,) each.
        sample_rate: in Hz.
        rng: NumPy generator of the levels.

    Returns:
        float32 (samples,) at rms 0.1; silence where all are silent.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> noise = blend([colored_noise(16000, 0, rng), colored_noise(16000, 2, rng)], 16000, rng)
        >>> noise.shape, round(float(rms(noise)), 3)
        ((16000,), 0.1)
    """
    total = np.zeros(len(noises[0]))
    for noise in noises:
        level = 10 ** (rng.uniform(-15, 0) / 20) / max(rms(noise), _SILENCE)
        total += level * fluctuate(noise, sample_rate, rng.uniform(3, 20), rng)
    return (0.1 * total / max(rms(total), _SILENCE)).astype("float32")


def convolve_room(speech: np.ndarray, impulse_response: np.ndarray) -> np.ndarray:
    """Put speech in a room; the direct path (the response's largest sample) is moved to time 0 and unit gain.

    Args:
        speech: float (samples,).
        impulse_response: float (taps,), at the same rate.

    Returns:
        float32 (samples,).

    Example:
        >>> convolve_room(np.array([1.0, 0.0]), np.array([0.0, 2.0, 1.0])).tolist()
        [1.0, 0.5]
    """
    direct = int(np.argmax(np.abs(impulse_response)))
    response = impulse_response[direct:] / impulse_response[direct]
    return scipy.signal.fftconvolve(speech, response)[: len(speech)].astype("float32")


def decaying_room(
    rt60: float, direct_to_reverberant_db: float, sample_rate: int, rng: np.random.Generator
) -> np.ndarray:
    """A synthetic impulse response: a unit direct path, then Gaussian noise that decays exponentially.

    Args:
        rt60: time of a decay by 60 dB, in seconds; also the length of the response.
        direct_to_reverberant_db: energy of the direct path relative to that of the noise, in dB.
        sample_rate: in Hz.
        rng: NumPy generator of the noise.

    Returns:
        float32 (max(2, rt60 * sample_rate),).

    Example:
        >>> decaying_room(0.5, 10.0, 16000, np.random.default_rng(0)).shape
        (8000,)
    """
    samples = max(int(rt60 * sample_rate), 2)
    time = np.arange(samples) / sample_rate
    tail = rng.standard_normal(samples) * 10 ** (-3 * time / rt60)
    tail[0] = 0.0
    tail *= 10 ** (-direct_to_reverberant_db / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return tail.astype("float32")
