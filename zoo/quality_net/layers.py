"""Layers of the Quality-Nets, and stacks of layers that several of them have."""

import functools

import keras
import numpy as np
from keras import layers, ops

from zoo.audio import dsp
from zoo.nn.layers import MaskTime, overlapping_blocks

_LARGEST = 8_000_000  # numbers of a transformed kernel
_LOWEST = -1e9  # logit of a frame that does not count
_MOMENTUM = 0.95  # of batch statistics: short trainings must not end on those of their first steps


def normalised(x):
    """Batch normalisation."""
    return layers.BatchNormalization(momentum=_MOMENTUM)(x)


def activated(x, frames):
    """Batch normalisation and LeakyReLU 0.3 of (batch, frames, bands, channels), zero in frames that do not count."""
    return MaskTime()(layers.LeakyReLU(0.3)(normalised(x)), frames)


def strided_convolution(x, frames, channels, strides, wrap=lambda layer: layer):
    """A 3 x 3 convolution of (batch, frames, bands, channels), then as `activated`; strides in time and frequency.

    Args:
        wrap: what the convolution goes through, such as `SpectralNormalization`.

    Returns:
        The output, and how many of its frames count.
    """
    # One frame and one band of zeros on each side, never "same": that pads by the padded length's parity.
    x = layers.ZeroPadding2D(1, "channels_last")(x)
    x = wrap(layers.Conv2D(channels, 3, strides, data_format="channels_last", use_bias=False))(x)
    frames = (frames + strides[0] - 1) // strides[0]
    return activated(x, frames), frames


@keras.saving.register_keras_serializable(package="zoo")
class WeightedMeanOverTime(keras.layers.Layer):
    """Mean over time of values, with weights that the network chooses.

        y = sum_t w_t q_t,  w = softmax of the logits over the frames that count

    Call:
        values, logits: float (batch, frames) each.
        lengths: int32 (batch,) frames that count.
        Returns (batch,).

    Example:
        >>> mean = WeightedMeanOverTime()
        >>> float(mean(ops.array([[1.0, 3.0, 9.0]]), ops.zeros((1, 3)), ops.array([2]))[0])
        2.0
    """

    def call(self, values, logits, lengths):
        counted = dsp.sequence_mask(lengths, ops.shape(values)[1]) > 0
        return ops.sum(values * ops.softmax(ops.where(counted, logits, _LOWEST), axis=1), axis=1)

    def compute_output_shape(self, values_shape, logits_shape=None, lengths_shape=None):
        return values_shape[:1]


@keras.saving.register_keras_serializable(package="zoo")
class FrameConstraint(keras.layers.Layer):
    """Adds to the loss of a training how far the values over time are from the whole one, which it passes on.

        weight * mean_t (q_t - Q)^2

    The label is of the whole recording; the constraint (Fu et al. 2018 have one on frames) gives the moments values that
    mean something by themselves.

    Args:
        weight: of the term.

    Call:
        quality: float (batch,); values: float (batch, frames); lengths: int32 (batch,) frames that count.
        Returns `quality`. Where the layer is frozen, or not in training, nothing is added.
    """

    def __init__(self, weight, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight

    def call(self, quality, values, lengths, training=False):
        if training and self.trainable:
            counted = dsp.sequence_mask(lengths, ops.shape(values)[1])
            distances = ops.sum(counted * ops.square(values - quality[:, None]), axis=1) / ops.sum(counted, axis=1)
            self.add_loss(self.weight * ops.mean(distances))
        return quality

    def compute_output_shape(self, quality_shape, values_shape=None, lengths_shape=None):
        return quality_shape

    def get_config(self):
        return {**super().get_config(), "weight": self.weight}


@keras.saving.register_keras_serializable(package="zoo")
class FourierConv2D(keras.layers.Conv2D):
    """A convolution with a wide kernel, by Fourier transforms that are matrix products.

    Overlap-save: blocks of frames, each with all its bands, are transformed, multiplied with the kernel's transform (a
    complex matrix product over channels at each pair of frequencies), and transformed back:

        y = F^-1 [(F x) conj(F k)]

    of which the places that no kernel wraps around to are kept. The results are those of a plain convolution but for
    rounding; on a CPU they take a fraction of the time where kernels are wide and recordings several
    (`tools/bench/scoring.py` measures it on the paper's network). It is a plain convolution in another precision than
    float32, of which transforms need the digits, and where bands or channels are so many that the transformed kernel would
    fill the caches: more than 8 million numbers.

    Args:
        filters, kernel_size: as for `keras.layers.Conv2D`, and further ones; but there are no padding, strides, dilation
            or groups, and channels come last.

    Call:
        x: float (batch, frames, bands, channels); bands are known, and frames at least those of the kernel.
        Returns (batch, frames - height + 1, bands - width + 1, filters).

    Raises:
        ValueError: for other options.

    Example:
        >>> tuple(FourierConv2D(50, 11)(ops.ones((1, 139, 30, 40))).shape)
        (1, 129, 20, 50)
    """

    def __init__(self, filters, kernel_size, **options):
        super().__init__(filters, kernel_size, **{"data_format": "channels_last", **options})
        options = self.padding, self.strides, self.dilation_rate, self.groups, self.data_format
        if options != ("valid", (1, 1), (1, 1), 1, "channels_last"):
            raise ValueError("FourierConv2D has no padding, strides, dilation or groups, and takes channels last")

    def convolution_op(self, inputs, kernel):
        height, _, channels, filters = kernel.shape
        size, bands, frames = _block_size(height), inputs.shape[2], ops.shape(inputs)[1]
        too_large = 4 * size * (bands // 2 + 1) * channels * filters > _LARGEST
        too_short = frames < height  # which a plain convolution refuses

        def plain():
            return super(FourierConv2D, self).convolution_op(inputs, kernel)

        if self.compute_dtype != "float32" or too_large:
            return plain()
        if isinstance(too_short, bool):
            return plain() if too_short else self._by_blocks(inputs, kernel)
        return ops.cond(too_short, plain, lambda: self._by_blocks(inputs, kernel))

    def _by_blocks(self, inputs, kernel):
        height, width, channels, filters = kernel.shape
        size, bands, (batch, frames, _, _) = _block_size(height), inputs.shape[2], ops.shape(inputs)
        rows = frames - height + 1
        along, back_along = _frame_transforms(height)
        across, back_across = _band_transforms(bands, width)
        hop, bins = back_along.shape[0] // 2, across.shape[0] // 2
        blocks = overlapping_blocks(ops.matmul(across, inputs), size, hop, rows)
        count = ops.shape(blocks)[1]
        # All blocks are the rows of a product: (frame, part, bin, blocks, channels), where parts are real and imaginary.
        x = ops.transpose(ops.reshape(blocks, (-1, size, bins, 2, channels)), (1, 3, 2, 0, 4))
        x = ops.matmul(along, ops.reshape(x, (2 * size, -1)))
        x = ops.transpose(ops.reshape(x, (size, 2, bins, -1, channels)), (0, 2, 3, 1, 4))
        y = ops.matmul(ops.reshape(x, (size * bins, -1, 2 * channels)), _transformed(kernel, bands))
        y = ops.transpose(ops.reshape(y, (size, bins, -1, 2, filters)), (0, 3, 1, 2, 4))
        y = ops.matmul(back_along, ops.reshape(y, (2 * size, -1)))
        y = ops.transpose(ops.reshape(y, (hop, 2, bins, -1, filters)), (3, 0, 2, 1, 4))
        y = ops.matmul(back_across, ops.reshape(y, (batch, count * hop, 2 * bins, filters)))
        return y[:, :rows]


def _transformed(kernel, bands):
    """A kernel's conjugate transform, (frequencies, 2 channels, 2 filters): what multiplies rows of (real, imaginary)."""
    height, width, channels, filters = kernel.shape
    size, bins = _block_size(height), bands // 2 + 1
    along, across = _kernel_transforms(height, width, bands)
    x = ops.matmul(across, ops.reshape(kernel, (height, width, -1)))
    x = ops.reshape(ops.transpose(ops.reshape(x, (height, bins, 2, -1)), (0, 2, 1, 3)), (2 * height, -1))
    x = ops.reshape(ops.matmul(along, x), (size, 2, bins, channels, filters))
    real, imaginary = x[:, 0], x[:, 1]
    rows = [ops.concatenate([real, imaginary], axis=3), ops.concatenate([-imaginary, real], axis=3)]
    return ops.reshape(ops.concatenate(rows, axis=2), (size * bins, 2 * channels, 2 * filters))


def _block_size(height):
    """Frames of a block: with fewer, more of each is lost to the kernel; with more, its transform leaves the caches."""
    return max(32, 1 << (2 * height - 1).bit_length())


@functools.lru_cache
def _frame_transforms(height):
    """The transform of a block of complex frames, and back to those that a kernel leaves whole."""
    transform = np.fft.fft(np.eye(_block_size(height)))
    return _as_real(transform), _as_real(np.fft.ifft(np.eye(len(transform)))[: len(transform) - height + 1])


@functools.lru_cache
def _band_transforms(bands, width):
    """The transform of real bands to half as many bins, and back to those that a kernel leaves whole."""
    bins = bands // 2 + 1
    back = np.stack([np.fft.irfft(part * np.eye(bins), bands) for part in (1, 1j)], axis=1)
    back = back.reshape(2 * bins, bands)[:, : bands - width + 1].T
    return _as_real(np.fft.rfft(np.eye(bands)).T)[:, ::2], back.astype("float32")


@functools.lru_cache
def _kernel_transforms(height, width, bands):
    """The conjugate transforms of a kernel, along its frames and across its bands."""
    along, across = np.fft.fft(np.eye(_block_size(height))), np.fft.rfft(np.eye(bands)).T
    return _as_real(along.conj()[:, :height]), _as_real(across.conj()[:, :width])[:, ::2]


def _as_real(matrix):
    """float32 (2 m, 2 n) of a complex (m, n): the same product on numbers as pairs of real and imaginary part."""
    pairs = np.array([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]])
    return pairs.transpose(2, 0, 3, 1).reshape(2 * matrix.shape[0], -1).astype("float32")
