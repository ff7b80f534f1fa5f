"""Mixing on the host (NumPy): levels, speech in noise at an SNR, rooms, babble, coloured noise."""

import numpy as np
import scipy.signal

_SILENCE = 1e-8  # an rms below this is digital silence: there is no level to set


def rms(audio):
    """Root mean square of a waveform, over its last axis."""
    return np.sqrt(np.mean(np.square(audio, dtype=np.float64), axis=-1))


def mix_at_snr(speech, noise, snr_db):
    """Add noise to speech at a signal-to-noise ratio.

    The ratio is of mean power over the whole clip, pauses included.

    Args:
        speech: float (samples,).
        noise: float (samples,), the same length.
        snr_db: wanted ratio in dB.

    Returns:
        float32 (samples,); the speech keeps its level, the noise is scaled. Silent noise or speech adds nothing.

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


def loop_to(audio, samples, rng):
    """A stretch of `samples` samples of a recording from a random place, repeated end to end where it is short."""
    start = rng.integers(len(audio))
    return np.take(audio, np.arange(start, start + samples), mode="wrap")


def colored_noise(samples, exponent, rng):
    """Gaussian noise whose power falls as 1 / f**exponent (0 white, 1 pink, 2 brown, -1 blue), at rms 0.1."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequency = np.maximum(np.arange(len(spectrum)), 1.0)
    noise = np.fft.irfft(spectrum * frequency ** (-exponent / 2), samples)
    return (0.1 * noise / rms(noise)).astype("float32")


def convolve_room(speech, impulse_response):
    """Put speech in a room; the direct path (the response's largest sample) stays at time 0 and unit gain."""
    direct = int(np.argmax(np.abs(impulse_response)))
    response = impulse_response[direct:] / impulse_response[direct]
    return scipy.signal.fftconvolve(speech, response)[: len(speech)].astype("float32")


def decaying_room(rt60, direct_to_reverberant_db, sample_rate, rng):
    """A synthetic impulse response: a unit direct path, then Gaussian noise that decays by 60 dB in `rt60` seconds."""
    samples = max(int(rt60 * sample_rate), 2)
    time = np.arange(samples) / sample_rate
    tail = rng.standard_normal(samples) * 10 ** (-3 * time / rt60)
    tail[0] = 0.0
    tail *= 10 ** (-direct_to_reverberant_db / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return tail.astype("float32")
