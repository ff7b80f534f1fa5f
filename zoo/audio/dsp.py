"""Differentiable signal processing in `keras.ops`: short-time spectra and back, `lengths`, mel bands."""

import functools
import math
from typing import Any

import keras
import numpy as np
import scipy.signal
from keras import ops

from zoo import backend
from zoo.audio import spectra
from zoo.audio.checks import whole_rate
from zoo.errors import InputError

Tensor = Any  # a tensor of the Keras backend, or a NumPy array

_ZERO_CROSSINGS = 32  # of the sinc that resamples, on both sides together
_LARGEST_KERNEL = 4_000_000  # weights of a resampler
_EPS = 1e-12  # inside a square root, so that silence has a finite gradient


def sequence_mask(lengths: Tensor, size: int) -> Tensor:
    """Mask of the samples or frames that count.

    Args:
        lengths: int (batch,).
        size: length of the padded axis.

    Returns:
        float32 (batch, size): 1 at positions below the length, 0 from there on.

    Example:
        >>> ops.convert_to_numpy(sequence_mask([1, 3], 3)).tolist()
        [[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
    """
    return ops.cast(ops.arange(size, dtype="int32")[None, :] < ops.cast(lengths, "int32")[:, None], "float32")


def resolve_lengths(waveform: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Samples that count in each row of a waveform, (batch, samples, ...): `lengths`, or all of them for None.

    Returns:
        int32 (batch,).

    Example:
        >>> ops.convert_to_numpy(resolve_lengths(np.zeros((2, 100)))).tolist()
        [100, 100]
    """
    if lengths is None:
        return ops.full(ops.shape(waveform)[:1], ops.shape(waveform)[1], dtype="int32")
    return ops.cast(lengths, "int32")


def masked_moments(values: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and variance over the time that counts.

    Args:
        values: float tensor (batch, time, channels).
        lengths: int32 tensor (batch,), times that count.

    Returns:
        mean, variance: (batch, 1, channels) each.

    Example:
        >>> mean, _ = masked_moments(ops.convert_to_tensor([[[1.0], [3.0], [9.0]]]), ops.convert_to_tensor([2]))
        >>> float(mean[0, 0, 0])
        2.0
    """
    mask = ops.expand_dims(ops.cast(sequence_mask(lengths, ops.shape(values)[1]), values.dtype), 2)
    count = ops.cast(ops.maximum(lengths, 1), values.dtype)[:, None, None]
    mean = ops.sum(values * mask, axis=1, keepdims=True) / count
    return mean, ops.sum(ops.square(values - mean) * mask, axis=1, keepdims=True) / count


def frame_count(lengths: int | Tensor, hop_length: int) -> int | Tensor:
    """Frames of a centred short-time spectrum of `lengths` samples: 1 + lengths // hop_length."""
    return 1 + lengths // hop_length


def pad_to_multiple(samples: int | Tensor, multiple: int) -> int | Tensor:
    """Samples to append so that their number, an integer or a tensor, is a multiple.

    Example:
        >>> pad_to_multiple(10, 4)
        2
    """
    # Not -samples % multiple: in ONNX the remainder of a negative number is negative.
    return (multiple - samples % multiple) % multiple


def frame_mask(waveform: Tensor, lengths: Tensor | None, hop_length: int) -> Tensor:
    """Mask of the frames of `stft` that count, float32 (batch, frames); `lengths` is int (batch,) samples or None."""
    samples = ops.shape(waveform)[1]
    return sequence_mask(frame_count(resolve_lengths(waveform, lengths), hop_length), frame_count(samples, hop_length))


def stft(
    waveform: Tensor, n_fft: int = 512, hop_length: int = 256, lengths: Tensor | None = None, window: str = "hamming"
) -> tuple[Tensor, Tensor]:
    """Short-time Fourier transform, as a real and an imaginary part.

    Periodic window of `n_fft` samples, centred: n_fft // 2 zeros go before the first and after the last sample; no
    scaling. Samples at and after `lengths` count as zeros, so a padded clip has the spectrum of the unpadded one
    in its first `frame_count(lengths, hop_length)` frames.

    Args:
        waveform: float (batch, samples).
        n_fft: window and transform length in samples.
        hop_length: samples from frame to frame.
        lengths: int (batch,) samples that count, or None for all.
        window: "hamming", "hann" or "sqrt-hann", the root of the second.

    Returns:
        real, imaginary: float32 (batch, 1 + samples // hop_length, n_fft // 2 + 1).

    Example:
        >>> real, imaginary = stft(np.zeros((1, 16000), "float32"))
        >>> tuple(real.shape)
        (1, 63, 257)
    """
    waveform = ops.cast(waveform, "float32")
    if lengths is not None:
        waveform = waveform * sequence_mask(lengths, ops.shape(waveform)[1])
    waveform = ops.pad(waveform, ((0, 0), (n_fft // 2, n_fft // 2)))
    if backend.is_portable():
        kernel = (_fourier(n_fft) * _window(window, n_fft)).T[:, None]
        parts = ops.conv(
            ops.expand_dims(waveform, 2), ops.convert_to_tensor(kernel), hop_length, data_format="channels_last"
        )
        return ops.split(parts, 2, axis=2)
    # Faster than the backends' own, above all in the gradient; a symbolic tensor goes through Keras's operation.
    if n_fft % hop_length == 0 and not keras.utils.is_keras_tensor(waveform):
        return _rfft(_frames(waveform, n_fft, hop_length) * ops.convert_to_tensor(_window(window, n_fft)))
    return ops.stft(waveform, n_fft, hop_length, n_fft, window=_window(window, n_fft), center=False)


def _frames(waveform, n_fft, hop_length):
    """(batch, samples) -> (batch, frames, n_fft), one hop apart; the hop divides n_fft."""
    parts, (batch, samples) = n_fft // hop_length, ops.shape(waveform)
    count = (samples - n_fft) // hop_length + 1
    blocks = ops.slice(waveform, (0, 0), (batch, (count + parts - 1) * hop_length))
    blocks = ops.reshape(blocks, (batch, count + parts - 1, hop_length))
    # `ops.slice`, not blocks[:, i:]: the gradient of the latter is slower on TensorFlow.
    return ops.concatenate([ops.slice(blocks, (0, i, 0), (batch, count, hop_length)) for i in range(parts)], axis=2)


def _rfft(frames):
    """Real and imaginary part of the transform of real (..., n); on TensorFlow the gradient is one inverse transform.

    TensorFlow's own gradient also computes terms of the size of full complex frames.
    """
    if keras.backend.backend() != "tensorflow":
        return ops.rfft(frames)
    size = frames.shape[-1]
    weights = np.full(size // 2 + 1, size / 2, "float32")  # the inverse counts all bins but the ends twice
    weights[0] = size
    if size % 2 == 0:
        weights[-1] = size

    @ops.custom_gradient
    def transform(x):
        def gradient(real, imaginary):
            return ops.irfft((weights * real, weights * imaginary), size)

        return ops.rfft(x), gradient

    return transform(frames)


def istft(
    real: Tensor, imaginary: Tensor, samples: int, n_fft: int = 512, hop_length: int = 256, window: str = "hamming"
) -> Tensor:
    """Waveform of a short-time spectrum: the least-squares inverse of `stft`.

    x[t] = sum_m w[t - m hop] y_m[t - m hop] / sum_m w[t - m hop]^2 (Griffin and Lim 1984, equation 6), so
    `istft(*stft(x))` is x. At the very end of a waveform that is not a multiple of the hop only one frame contributes,
    and its sum is divided by the window's small edge: pad the waveform to a multiple first.

    Args:
        real, imaginary: float (batch, frames, n_fft // 2 + 1).
        samples: length of the result, at most (frames - 1) * hop_length + n_fft // 2.
        n_fft, hop_length, window: as for `stft`; hop_length divides n_fft, and is less than it for "hann" and its root,
            whose first value is zero.

    Returns:
        float32 (batch, samples).

    Example:
        >>> wave = np.sin(np.arange(1024, dtype="float32"))[None]
        >>> bool(np.allclose(istft(*stft(wave), samples=1024), wave, atol=1e-5))
        True
    """
    window = ops.convert_to_tensor(_window(window, n_fft))
    # Not ops.istft: its scaling at the edges differs from backend to backend.
    if backend.is_portable():
        scale = np.r_[1.0, np.full(n_fft // 2 - 1, 2.0), 1.0] / n_fft  # the bins between the ends count twice
        matrix = _fourier(n_fft) * np.tile(scale, 2)[:, None].astype("float32")
        frames = ops.matmul(ops.concatenate([real, imaginary], axis=-1), ops.convert_to_tensor(matrix)) * window
    else:
        frames = ops.irfft((real, imaginary), n_fft) * window
    count = ops.shape(frames)[1]
    energy = ops.tile(ops.square(window)[None, None], (1, count, 1))
    summed, weight = _overlap_add(frames, hop_length), _overlap_add(energy, hop_length)
    start = n_fft // 2
    return summed[:, start : start + samples] / weight[:, start : start + samples]


def _overlap_add(frames, hop_length):
    """(batch, frames, n_fft) -> (batch, (frames - 1) * hop_length + n_fft): the sum of frames one hop apart."""
    parts = frames.shape[-1] // hop_length
    count = ops.shape(frames)[1]
    pieces = ops.reshape(frames, (-1, count, parts, hop_length))
    rows = [ops.pad(pieces[:, :, i], ((0, 0), (i, parts - 1 - i), (0, 0))) for i in range(parts)]
    return ops.reshape(sum(rows), (-1, (count + parts - 1) * hop_length))


def magnitude(
    waveform: Tensor, n_fft: int = 512, hop_length: int = 256, lengths: Tensor | None = None, window: str = "hamming"
) -> Tensor:
    """Magnitude of the short-time Fourier transform, as `stft` computes it.

    Args:
        waveform: float (batch, samples).
        n_fft: window and transform length in samples.
        hop_length: samples from frame to frame.
        lengths: int (batch,) samples that count, or None for all.
        window: as for `stft`.

    Returns:
        float32 (batch, 1 + samples // hop_length, n_fft // 2 + 1), not negative.

    Example:
        >>> tuple(magnitude(np.zeros((1, 16000), "float32")).shape)
        (1, 63, 257)
    """
    real, imaginary = stft(waveform, n_fft, hop_length, lengths, window)
    return ops.sqrt(ops.square(real) + ops.square(imaginary) + _EPS)


@functools.lru_cache
def _fourier(n_fft):
    """Matrix of the transform of real samples, float32 (2 (n_fft // 2 + 1), n_fft): real parts, then imaginary ones."""
    angles = np.outer(np.arange(n_fft // 2 + 1), np.arange(n_fft)) % n_fft * (2 * np.pi / n_fft)
    return np.concatenate([np.cos(angles), -np.sin(angles)]).astype("float32")


@functools.lru_cache
def _window(name, n_fft):
    window = scipy.signal.get_window(name.removeprefix("sqrt-"), n_fft, fftbins=True)
    return (np.sqrt(window) if name.startswith("sqrt-") else window).astype("float32")


def mel_matrix(
    bands: int, n_fft: int, sample_rate: int, low_hz: float = 50.0, high_hz: float | None = None
) -> np.ndarray:
    """Triangular mel bands over the bins of a power spectrum.

    mel = 2595 log10(1 + f / 700); a triangle's weights sum to 1, so a band is a weighted mean of power. A band
    that is too narrow to contain a bin takes the nearest one.

    Args:
        bands: number of bands.
        n_fft: transform length of the spectrum, in samples.
        sample_rate: in Hz.
        low_hz, high_hz: lower edge of the first and upper edge of the last triangle in Hz; None for half the rate.

    Returns:
        float32 (n_fft // 2 + 1, bands).

    Example:
        >>> bool(np.allclose(mel_matrix(40, 512, 16000).sum(axis=0), 1.0))
        True
    """
    corners = spectra.mel_places(low_hz, high_hz or sample_rate / 2, bands + 2)
    bins = np.arange(n_fft // 2 + 1)[:, None] * sample_rate / n_fft
    rising = (bins - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - bins) / (corners[2:] - corners[1:-1])
    weights = np.maximum(np.minimum(rising, falling), 0.0)
    empty = np.flatnonzero(weights.sum(axis=0) == 0)
    weights[np.abs(bins - corners[1:-1]).argmin(axis=0)[empty], empty] = 1.0
    return (weights / weights.sum(axis=0)).astype("float32")


def resample(waveform: Tensor, from_rate: int, to_rate: int, lengths: Tensor | None = None) -> Tensor:
    """Resample inside a network, with a gradient; on the host, `zoo.audio.io.resample` is sharper and faster.

    Output sample n is sum_m x[m] h(n from_rate / to_rate - m), h a sinc with its cut-off at 0.94 of the lower Nyquist
    frequency, 32 zero crossings long, under a Kaiser window (beta 8). It is one strided convolution, because the
    fractions of a sample recur.

    Args:
        waveform: float (batch, samples).
        from_rate, to_rate: in Hz; if they are equal, the waveform is returned unchanged.
        lengths: int (batch,) samples that count, or None for all; samples after them are taken as zeros.

    Returns:
        float32 (batch, ceil(samples to_rate / from_rate)).

    Raises:
        InputError: a rate is no whole number above 0, or the rates have no small ratio: the kernel would be too large.

    Example:
        >>> tuple(resample(np.zeros((1, 16000), "float32"), 16000, 22050).shape)
        (1, 22050)
    """
    waveform, from_rate, to_rate = ops.cast(waveform, "float32"), whole_rate(from_rate), whole_rate(to_rate)
    if from_rate == to_rate:
        return waveform
    samples = ops.shape(waveform)[1]
    if lengths is not None:
        waveform = waveform * sequence_mask(lengths, samples)
    kernel, reach, step = _resampler(from_rate, to_rate)
    padded = ops.pad(waveform[:, :, None], [[0, 0], [reach, reach + step], [0, 0]])
    blocks = ops.conv(padded, kernel, step, "valid", data_format="channels_last")
    return ops.reshape(blocks, (ops.shape(waveform)[0], -1))[:, : resampled_length(samples, from_rate, to_rate)]


def resampled_length(samples: int | Tensor, from_rate: int, to_rate: int) -> int | Tensor:
    """Samples after `resample`: ceil(samples to_rate / from_rate), of an integer or an integer tensor.

    On the host, `zoo.audio.checks.at_rate` rounds to the nearest instead, as soxr does.

    Example:
        >>> resampled_length(16001, 16000, 22050)
        22052
    """
    divisor = math.gcd(from_rate, to_rate)
    step, phases = from_rate // divisor, to_rate // divisor
    # In two parts: the product of an int32 and `phases` would overflow after some minutes.
    return samples // step * phases + (samples % step * phases + step - 1) // step


@functools.lru_cache
def _resampler(from_rate, to_rate):
    """Kernel (taps, 1, phases) of the strided convolution, its reach to each side in samples, and its stride."""
    divisor = math.gcd(from_rate, to_rate)
    step, phases = from_rate // divisor, to_rate // divisor
    cutoff = 0.94 * min(1.0, to_rate / from_rate)
    half = _ZERO_CROSSINGS / 2 / cutoff
    reach = math.ceil(half)
    if (step + 2 * reach) * phases > _LARGEST_KERNEL:
        raise InputError(f"{from_rate} and {to_rate} Hz have no small ratio: resample on the host first")
    # Tap `reach` of the kernel lies at the time of the block's first output.
    time = np.arange(phases)[None, :] * step / phases - (np.arange(step + 2 * reach)[:, None] - reach)
    window = np.i0(8.0 * np.sqrt(np.maximum(1 - (time / half) ** 2, 0))) / np.i0(8.0)
    kernel = cutoff * np.sinc(cutoff * time) * window * (np.abs(time) < half)
    return kernel[:, None, :].astype("float32"), reach, step
