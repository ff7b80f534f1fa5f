"""Layers of the Quality-Nets."""

import functools

import keras
import numpy as np
from keras import ops

from zoo.layers import overlapping_blocks


@keras.saving.register_keras_serializable(package="zoo")
class FourierConv2D(keras.layers.Conv2D):
    """A convolution with a wide kernel, by Fourier transforms that are matrix products.

    Overlap-save: blocks of frames, each with all its bands, are transformed, multiplied with the kernel's transform (a
    complex matrix product over channels at each pair of frequencies), and transformed back:

        y = F^-1 [(F x) conj(F k)]

    of which the places that no kernel wraps around to are kept. On a CPU this takes less time than a plain convolution
    from kernels of about 8 x 8 on, and one of 11 x 11 about a third of it; the results are the same but for rounding. In
    another precision than float32, of which the transforms need the digits, it is a plain convolution.

    Args:
        filters, kernel_size: as for `keras.layers.Conv2D`; further ones, too, but there is no padding, stride or
            dilation, and no groups.

    Call:
        x: float (batch, frames, bands, channels); bands are known, and frames at least those of the kernel.
        Returns (batch, frames - height + 1, bands - width + 1, filters).

    Example:
        >>> tuple(FourierConv2D(50, 11)(ops.ones((1, 139, 30, 40))).shape)
        (1, 129, 20, 50)
    """

    def convolution_op(self, inputs, kernel):
        if self.compute_dtype != "float32":
            return super().convolution_op(inputs, kernel)
        height, width, channels, filters = kernel.shape
        bands, found = inputs.shape[2], ops.shape(inputs)[1] - height + 1
        along, back_along = _frame_transforms(height)
        across, back_across = _band_transforms(bands, width)
        size, hop, bins = along.shape[0] // 2, back_along.shape[0] // 2, across.shape[0] // 2
        blocks = overlapping_blocks(ops.matmul(across, inputs), size, hop, found)
        count = ops.shape(blocks)[1]
        # All blocks are the rows of a product: (frame, part, bin, blocks, channels), where parts are real and imaginary.
        x = ops.transpose(ops.reshape(blocks, (-1, size, bins, 2, channels)), (1, 3, 2, 0, 4))
        x = ops.matmul(along, ops.reshape(x, (2 * size, -1)))
        x = ops.transpose(ops.reshape(x, (size, 2, bins, -1, channels)), (0, 2, 3, 1, 4))
        y = ops.matmul(ops.reshape(x, (size * bins, -1, 2 * channels)), _transform(kernel, bands))
        y = ops.transpose(ops.reshape(y, (size, bins, -1, 2, filters)), (0, 3, 1, 2, 4))
        y = ops.matmul(back_along, ops.reshape(y, (2 * size, -1)))
        y = ops.transpose(ops.reshape(y, (hop, 2, bins, -1, filters)), (3, 0, 2, 1, 4))
        y = ops.matmul(back_across, ops.reshape(y, (-1, count * hop, 2 * bins, filters)))
        return y[:, :found]


def _transform(kernel, bands):
    """A kernel's conjugate transform, (frequencies, 2 channels, 2 filters): what multiplies rows of (real, imaginary)."""
    height, width, channels, filters = kernel.shape
    size, bins = _block_size(height), bands // 2 + 1
    across = _as_real(np.fft.rfft(np.eye(bands)).conj().T[:, :width])[:, ::2]
    along = _as_real(np.fft.fft(np.eye(size)).conj()[:, :height])
    x = ops.matmul(across, ops.reshape(kernel, (height, width, -1)))
    x = ops.reshape(ops.transpose(ops.reshape(x, (height, bins, 2, -1)), (0, 2, 1, 3)), (2 * height, -1))
    x = ops.reshape(ops.matmul(along, x), (size, 2, bins, channels, filters))
    real, imaginary = x[:, 0], x[:, 1]
    rows = [ops.concatenate([real, imaginary], axis=3), ops.concatenate([-imaginary, real], axis=3)]
    return ops.reshape(ops.concatenate(rows, axis=2), (size * bins, 2 * channels, 2 * filters))


def _block_size(height):
    """Frames of a block: with fewer, more of each is lost to the kernel; with more, products no longer fit the cache."""
    return max(32, 1 << (3 * height - 1).bit_length())


@functools.lru_cache
def _frame_transforms(height):
    """The transform of a block of complex frames, and back to those that a kernel leaves whole."""
    size = _block_size(height)
    return _as_real(np.fft.fft(np.eye(size))), _as_real(np.fft.ifft(np.eye(size))[: size - height + 1])


@functools.lru_cache
def _band_transforms(bands, width):
    """The transform of real bands to half as many bins, and back to those that a kernel leaves whole."""
    bins = bands // 2 + 1
    back = np.stack([np.fft.irfft(part * np.eye(bins), bands) for part in (1, 1j)], axis=1)
    back = back.reshape(2 * bins, bands)[:, : bands - width + 1].T
    return _as_real(np.fft.rfft(np.eye(bands)).T)[:, ::2], back.astype("float32")


def _as_real(matrix):
    """float32 (2 m, 2 n) of a complex (m, n): the same product on numbers as pairs of real and imaginary part."""
    pairs = np.array([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]])
    return pairs.transpose(2, 0, 3, 1).reshape(2 * matrix.shape[0], -1).astype("float32")
