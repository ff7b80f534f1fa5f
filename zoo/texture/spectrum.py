"""The spectrogram that textures are made in, and how audio comes back from one."""

import functools

import keras
import numpy as np
import scipy.signal
from keras import ops

from zoo.audio import dsp, phase

SAMPLE_RATE = 16000
N_FFT, HOP_LENGTH = 512, 64
BINS = N_FFT // 2 + 1
_EPS = 1e-12  # inside a square root, so that silence has a finite gradient


def log_spectrogram(waveform, lengths=None):
    """log(1 + |S|), S the short-time Fourier transform (Antognini et al. 2019, section 2).

    Periodic Hann window of 512 samples, hop 64, whole frames only, no padding and no scaling, so that the ends of a
    clip look like its middle.

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


def frame_count(samples):
    """Whole frames in so many samples: 1 + (samples - 512) // 64, an integer or a tensor; 0 or less where there is none."""
    return 1 + (samples - N_FFT) // HOP_LENGTH


def samples_in(frames):
    """Samples that so many frames reach over, the inverse of `frame_count`."""
    return (frames - 1) * HOP_LENGTH + N_FFT


def frames_for(samples):
    """Frames whose waveform has so many samples between its two ends, which fade; see `audio_of`."""
    return -(-(samples + N_FFT) // HOP_LENGTH) - 1


def audio_of(spectrogram, samples, iterations, rng, momentum=0.0, progress=None, interruptible=False):
    """A waveform for a log spectrogram, by Griffin and Lim's iteration.

    Args:
        spectrogram: float (frames, 257) of `log_spectrogram`, `frames_for(samples)` frames or more.
        samples: of the waveform; they start where all frames reach, 448 samples into the first one.
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
    rest = momentum, progress, interruptible
    audio, convergence = phase.griffin_lim(magnitude, N_FFT, HOP_LENGTH, iterations, rng, *rest)
    start = N_FFT - HOP_LENGTH
    return audio[start : start + samples], convergence


@functools.lru_cache
def _hann(dtype):
    return scipy.signal.get_window("hann", N_FFT).astype(dtype)
