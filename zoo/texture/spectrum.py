"""The log spectrogram in which textures are synthesised, and audio from one."""

import functools
from collections.abc import Callable

import keras
import numpy as np
import scipy.signal
from keras import ops

from zoo.audio import dsp, phase
from zoo.audio.dsp import Tensor

SAMPLE_RATE = 16000
N_FFT, HOP_LENGTH = 512, 64
BINS = N_FFT // 2 + 1
_EPS = 1e-12  # inside a square root, so that silence has a finite gradient


def log_spectrogram(waveform: Tensor, lengths: Tensor | None = None) -> Tensor:
    """log(1 + |S|), S the short-time Fourier transform (Antognini et al. 2019, section 2).

    Periodic Hann window of 512 samples, hop 64, whole frames only, no padding and no scaling, so that the frames
    at the ends of a clip are like those in its middle.

    Args:
        waveform: float (batch, samples) in [-1, 1] at 16 kHz, 512 samples or more.
        lengths: int (batch,) samples that count, or None for all; samples after them are taken as zeros.

    Returns:
        (batch, `frame_count(samples)`, 257), not negative; of the waveform's precision.

    Example:
        >>> tuple(log_spectrogram(np.zeros((1, 16000), "float32")).shape)
        (1, 243, 257)
    """
    waveform = ops.convert_to_tensor(waveform)
    if lengths is not None:
        waveform = waveform * ops.cast(dsp.sequence_mask(lengths, ops.shape(waveform)[1]), waveform.dtype)
    real, imaginary = ops.stft(
        waveform, N_FFT, HOP_LENGTH, N_FFT, window=_hann(keras.backend.standardize_dtype(waveform.dtype)), center=False
    )
    return ops.log1p(ops.sqrt(ops.square(real) + ops.square(imaginary) + _EPS))


def frame_count(samples: int | Tensor) -> int | Tensor:
    """Whole frames in so many samples, an integer or a tensor: 1 + (samples - 512) // 64; 0 or less where none fits.

    Example:
        >>> frame_count(16000)
        243
    """
    return 1 + (samples - N_FFT) // HOP_LENGTH


def samples_in(frames: int) -> int:
    """Samples that so many frames cover: the smallest number with that `frame_count`.

    Example:
        >>> samples_in(243)
        16000
    """
    return (frames - 1) * HOP_LENGTH + N_FFT


def frames_for(samples: int) -> int:
    """Frames from which `audio_of` gets so many samples between the two fading ends.

    Example:
        >>> frames_for(16000)
        257
    """
    return -(-(samples + N_FFT) // HOP_LENGTH) - 1


def audio_of(
    spectrogram: np.ndarray,
    samples: int,
    iterations: int,
    rng: np.random.Generator,
    momentum: float = 0.0,
    progress: Callable[[int, float], None] | None = None,
    interruptible: bool = False,
) -> tuple[np.ndarray, list[float]]:
    """A waveform for a log spectrogram, by Griffin and Lim's iteration.

    Args:
        spectrogram: float (frames, 257) of `log_spectrogram`, `frames_for(samples)` frames or more.
        samples: length of the waveform; it starts 448 samples into the first frame, from where on all frames overlap.
        iterations, rng, momentum, progress, interruptible: as for `zoo.audio.phase.griffin_lim`.

    Returns:
        audio: float32 (samples,).
        convergence: list of the spectral convergence after each round.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> audio_of(np.zeros((frames_for(1000), 257)), 1000, 2, rng)[0].shape
        (1000,)
    """
    magnitude = np.expm1(np.asarray(spectrogram, "float32"))
    options = momentum, progress, interruptible
    audio, convergence = phase.griffin_lim(magnitude, N_FFT, HOP_LENGTH, iterations, rng, *options)
    start = N_FFT - HOP_LENGTH
    return audio[start : start + samples], convergence


@functools.lru_cache
def _hann(dtype):
    return scipy.signal.get_window("hann", N_FFT).astype(dtype)
