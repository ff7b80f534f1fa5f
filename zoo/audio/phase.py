"""A waveform for short-time magnitudes without phases: Griffin and Lim's iteration, in NumPy."""

from collections.abc import Callable

import numpy as np
import scipy.fft
import scipy.signal

_EPS = 1e-12


def spectrum(audio: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """Short-time spectrum of whole frames only: periodic Hann window, nothing padded, no scaling.

    Args:
        audio: float32 (samples,), n_fft or more; what is left after the last whole frame is not used.
        n_fft: window and transform length in samples.
        hop_length: samples from frame to frame.

    Returns:
        complex64 (1 + (samples - n_fft) // hop_length, n_fft // 2 + 1).

    Example:
        >>> spectrum(np.zeros(1024, "float32"), 512, 64).shape
        (9, 257)
    """
    frames = np.lib.stride_tricks.sliding_window_view(audio, n_fft)[::hop_length]
    return scipy.fft.rfft(frames * _hann(n_fft))


def waveform(spectrum: np.ndarray, n_fft: int, hop_length: int) -> np.ndarray:
    """The least-squares inverse of `spectrum` (Griffin and Lim 1984, equation 6), away from the ends.

    The window's squares add up to 3/8 n_fft / hop_length where n_fft / hop_length frames overlap; the first and last
    n_fft - hop_length samples, where fewer do, fade out.

    Args:
        spectrum: complex (frames, n_fft // 2 + 1).
        n_fft, hop_length: as for `spectrum`; hop_length is n_fft / 4, or a smaller divisor.

    Returns:
        float32 ((frames - 1) * hop_length + n_fft,).

    Example:
        >>> wave = np.sin(np.arange(2048, dtype="float32"))
        >>> bool(np.allclose(waveform(spectrum(wave, 512, 64), 512, 64)[512:-512], wave[512:-512], atol=1e-5))
        True
    """
    frames = scipy.fft.irfft(spectrum.astype("complex64"), n_fft) * _hann(n_fft)
    frames = frames.reshape(len(spectrum), -1, hop_length)
    parts = frames.shape[1]
    out = np.zeros((len(spectrum) + parts - 1, hop_length), "float32")
    for i in range(parts):
        out[i : i + len(spectrum)] += frames[:, i]
    return out.ravel() / (0.375 * parts)


def griffin_lim(
    magnitude: np.ndarray,
    n_fft: int,
    hop_length: int,
    iterations: int,
    rng: np.random.Generator,
    momentum: float = 0.0,
    progress: Callable[[int, float], None] | None = None,
    interruptible: bool = False,
) -> tuple[np.ndarray, list[float]]:
    """A waveform whose short-time magnitudes are close to a target's, from random phases.

    Each round computes the nearest waveform and takes the phases of its spectrum (Griffin and Lim 1984). With momentum,
    the phases are those of c + momentum (c - c_before), c the spectrum of that waveform (Perraudin, Balazs and
    Sondergaard 2013, "A fast Griffin-Lim algorithm"; they use 0.99), which converges in fewer rounds.

    Args:
        magnitude: float (frames, n_fft // 2 + 1), the target, in the frames of `spectrum`.
        n_fft, hop_length: as for `waveform`.
        iterations: rounds before the last inverse; 0 keeps the random phases.
        rng: NumPy generator of the first phases.
        momentum: 0 for the plain iteration, else below 1.
        progress: called as progress(round, convergence) after each round, or None.
        interruptible: whether Ctrl-C ends the rounds early and returns the waveform so far, rather than raises.

    Returns:
        audio: float32 ((frames - 1) * hop_length + n_fft,), whose ends fade as those of `waveform`.
        convergence: spectral convergence after each round, ||abs(c) - magnitude|| / ||magnitude||, 0 is best.

    Example:
        >>> audio, convergence = griffin_lim(np.ones((9, 257)), 512, 64, 10, np.random.default_rng(0))
        >>> audio.shape, len(convergence)
        ((1024,), 10)
    """
    phase = np.exp(2j * np.pi * rng.random(magnitude.shape, "float32"))
    scale, previous, convergence = max(float(np.linalg.norm(magnitude)), _EPS), None, []
    try:
        for i in range(iterations):
            current = spectrum(waveform(magnitude * phase, n_fft, hop_length), n_fft, hop_length)
            convergence.append(float(np.linalg.norm(np.abs(current) - magnitude)) / scale)
            accelerated = current if previous is None or not momentum else current + momentum * (current - previous)
            phase, previous = accelerated / np.maximum(np.abs(accelerated), _EPS), current
            if progress is not None:
                progress(i, convergence[-1])
    except KeyboardInterrupt:
        if not interruptible:
            raise
    return waveform(magnitude * phase, n_fft, hop_length), convergence


def _hann(n_fft):
    return scipy.signal.get_window("hann", n_fft).astype("float32")
