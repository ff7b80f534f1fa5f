"""Short-time spectra of NumPy arrays: the numbers of `zoo.audio.dsp`, which is for tensors, without a Keras backend."""

import functools

import numpy as np

_EPS = 1e-12  # inside the root, as in `zoo.audio.dsp.magnitude`
_COSINES = {"hamming": (0.54, 0.46), "hann": (0.5, 0.5)}  # constant part and amplitude of a window


def stft(waveform: np.ndarray, n_fft: int = 512, hop_length: int = 256, window: str = "hamming") -> np.ndarray:
    """Short-time Fourier transform, as `zoo.audio.dsp.stft`: periodic window, n_fft // 2 zeros on both sides, no scaling.

    Args:
        waveform: float32 (batch, samples), zero where it does not count.
        n_fft: window and transform length in samples.
        hop_length: samples from frame to frame.
        window: "hamming", "hann" or "sqrt-hann", the root of the second.

    Returns:
        complex64 (batch, 1 + samples // hop_length, n_fft // 2 + 1).

    Example:
        >>> stft(np.zeros((1, 16000), "float32")).shape
        (1, 63, 257)
    """
    padded = np.pad(waveform, ((0, 0), (n_fft // 2, n_fft // 2)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft, axis=1)[:, ::hop_length]
    return np.fft.rfft(frames * window_samples(window, n_fft)).astype("complex64")  # NumPy 1 computes in float64


def istft(
    spectrum: np.ndarray, samples: int, n_fft: int = 512, hop_length: int = 256, window: str = "hamming"
) -> np.ndarray:
    """Waveform of a short-time spectrum, as `zoo.audio.dsp.istft`: the least-squares inverse of `stft`.

    Args:
        spectrum: complex64 (batch, frames, n_fft // 2 + 1).
        samples: length of the result, at most (frames - 1) * hop_length + n_fft // 2.
        n_fft, hop_length, window: as for `stft`; hop_length divides n_fft.

    Returns:
        float32 (batch, samples).

    Example:
        >>> wave = np.sin(np.arange(1024, dtype="float32"))[None]
        >>> bool(np.allclose(istft(stft(wave), samples=1024), wave, atol=1e-5))
        True
    """
    frames = np.fft.irfft(spectrum, n_fft).astype("float32") * window_samples(window, n_fft)
    energy = np.broadcast_to(np.square(window_samples(window, n_fft)), (1, *frames.shape[1:]))
    counted = slice(n_fft // 2, n_fft // 2 + samples)
    return _overlap_add(frames, hop_length)[:, counted] / _overlap_add(energy, hop_length)[:, counted]


def magnitude(waveform: np.ndarray, n_fft: int = 512, hop_length: int = 256) -> np.ndarray:
    """Magnitude of `stft` with a Hamming window, as `zoo.audio.dsp.magnitude`: float32, of its shape.

    Example:
        >>> magnitude(np.zeros((1, 16000), "float32")).shape
        (1, 63, 257)
    """
    return np.sqrt(power(stft(waveform, n_fft, hop_length)) + np.float32(_EPS))


def power(spectrum: np.ndarray) -> np.ndarray:
    """|X|^2 of a complex spectrum, float32.

    Example:
        >>> float(power(np.complex64(3 + 4j)))
        25.0
    """
    return np.square(spectrum.real) + np.square(spectrum.imag)


def _overlap_add(frames, hop_length):
    """(batch, frames, n_fft) -> (batch, (frames - 1) * hop_length + n_fft): the sum of frames one hop apart."""
    batch, count, n_fft = frames.shape
    parts = n_fft // hop_length
    pieces = frames.reshape(batch, count, parts, hop_length)
    summed = np.zeros((batch, count + parts - 1, hop_length), "float32")
    for i in range(parts):
        summed[:, i : i + count] += pieces[:, :, i]
    return summed.reshape(batch, -1)


def mel_places(low_hz: float, high_hz: float, count: int) -> np.ndarray:
    """Frequencies equally far apart in mel = 2595 log10(1 + f / 700), in Hz, (count,), from the lowest to the highest.

    Example:
        >>> mel_places(0, 8000, 3).round().tolist()
        [0.0, 1768.0, 8000.0]
    """
    low, high = 2595 * np.log10(1 + np.array([low_hz, high_hz]) / 700)
    return 700 * (10 ** (np.linspace(low, high, count) / 2595) - 1)


@functools.lru_cache
def window_samples(name: str, n_fft: int) -> np.ndarray:
    """Samples of a periodic window, float32 (n_fft,); names as for `stft`."""
    if name == "sqrt-hann":
        return np.sqrt(window_samples("hann", n_fft))
    constant, amplitude = _COSINES[name]
    return (constant - amplitude * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype("float32")
