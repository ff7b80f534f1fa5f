"""Layers of the separator: convolutions over all bins and back, pooling that remembers where, and soft masks."""

import keras
from keras import layers, ops

_EPS = 1e-7  # of each source's output: silence is shared equally, and the masks sum to 1 there too


@keras.saving.register_keras_serializable(package="zoo")
class SoftMasks(layers.Layer):
    """One mask for each source: |y_n| / sum_k |y_k| (Chandna et al. 2017, equation 1).

    Call:
        outputs: of the decoders, float (batch, sources, frames, bins), of any sign.
        Returns the same shape, 0..1, with a sum of 1 over the sources.

    Example:
        >>> masks = SoftMasks()(ops.ones((1, 4, 30, 513)))
        >>> float(masks[0, 0, 0, 0])
        0.25
    """

    def call(self, outputs):
        size = ops.abs(outputs) + _EPS
        return size / ops.sum(size, axis=1, keepdims=True)


@keras.saving.register_keras_serializable(package="zoo")
class MaxPoolBins(layers.Layer):
    """Greatest of each `size` neighbouring bins, and where it was, for `UnpoolBins`.

    Bins that do not fill a group at the end form one with zeros, which a negative group loses to, or are left out.

    Args:
        size: bins of a group.
        rest: whether bins that do not fill a group form one.

    Call:
        x: float (batch, frames, bins, filters).
        Returns pooled, (batch, frames, ceil(bins / size), filters), and places, (batch, frames, groups, size,
        filters), 1 where the group's first greatest value was and 0 elsewhere.

    Example:
        >>> pooled, places = MaxPoolBins(3)(ops.ones((1, 30, 343, 50)))
        >>> tuple(pooled.shape), tuple(places.shape)
        ((1, 30, 115, 50), (1, 30, 115, 3, 50))
    """

    def __init__(self, size, rest=True, **layer):
        super().__init__(**layer)
        self.size, self.rest = size, rest

    def call(self, x):
        _, frames, bins, filters = x.shape
        if self.rest:
            x = ops.pad(x, ((0, 0), (0, 0), (0, -bins % self.size), (0, 0)))
        else:
            x = x[:, :, : bins // self.size * self.size]
        groups = ops.reshape(x, (-1, frames, x.shape[2] // self.size, self.size, filters))
        places = ops.one_hot(ops.argmax(groups, axis=3), self.size, axis=3, dtype=x.dtype)
        return ops.sum(groups * places, axis=3), places

    def get_config(self):
        return {**super().get_config(), "size": self.size, "rest": self.rest}


@keras.saving.register_keras_serializable(package="zoo")
class UnpoolBins(layers.Layer):
    """Puts pooled values back to where `MaxPoolBins` took them from, and zeros elsewhere.

    Args:
        bins: before pooling.

    Call:
        pooled: float (batch, frames, groups, filters).
        places: of `MaxPoolBins`.
        Returns (batch, frames, bins, filters).

    Example:
        >>> x = ops.ones((1, 30, 343, 50))
        >>> tuple(UnpoolBins(343)(*MaxPoolBins(3)(x)).shape)
        (1, 30, 343, 50)
    """

    def __init__(self, bins, **layer):
        super().__init__(**layer)
        self.bins = bins

    def call(self, pooled, places):
        _, frames, groups, size, filters = places.shape
        spread = ops.expand_dims(pooled, 3) * places
        spread = ops.reshape(spread, (-1, frames, groups * size, filters))[:, :, : self.bins]
        return ops.pad(spread, ((0, 0), (0, 0), (0, self.bins - spread.shape[2]), (0, 0)))

    def get_config(self):
        return {**super().get_config(), "bins": self.bins}


@keras.saving.register_keras_serializable(package="zoo")
class SpectrumConv2D(layers.Conv2D):
    """A convolution over bins, without padding. Where its kernel spans them all it is computed as a matrix product: on
    a CPU, a convolution with so wide a kernel takes many times as long.

    Args:
        filters, kernel_size: as for `keras.layers.Conv2D`; kernel_size is (1, bins that it spans).

    Call:
        x: float (batch, frames, bins, channels) -> (batch, frames, bins - span + 1, filters).

    Example:
        >>> tuple(SpectrumConv2D(50, (1, 513))(ops.ones((1, 30, 513, 1))).shape)
        (1, 30, 1, 50)
    """

    def __init__(self, filters, kernel_size, **options):
        super().__init__(filters, kernel_size, **{"data_format": "channels_last", **options})

    def call(self, x):
        if self.kernel_size[1] != x.shape[2]:
            return super().call(x)
        rows = ops.reshape(x, (-1, x.shape[2] * x.shape[3]))
        filtered = ops.matmul(rows, ops.reshape(self.kernel, (-1, self.filters))) + self.bias
        return ops.reshape(filtered, (-1, x.shape[1], 1, self.filters))


class TransposedConv2D(layers.Layer):
    """The transpose of a convolution: from its filters back to its input channels.

    Args:
        convolution: built keras.layers.Conv2D without padding, strides of 1.
        tied: whether it has that convolution's kernel, the very one, and no bias; or a kernel and a bias of its own.

    Call:
        x: float (batch, frames, bins, its filters).
        Returns (batch, frames + its height - 1, bins + its width - 1, its input channels).

    Example:
        >>> convolution = SpectrumConv2D(50, (1, 513))
        >>> filtered = convolution(ops.ones((1, 30, 513, 1)))
        >>> tuple(TransposedConv2D(convolution, tied=True)(filtered).shape)
        (1, 30, 513, 1)
    """

    def __init__(self, convolution, tied, **layer):
        super().__init__(**layer)
        self.convolution, self.tied = convolution, tied

    def build(self, shape):
        if not self.tied:
            size = self.convolution.kernel.shape
            self.own = self.add_weight(shape=size, initializer="glorot_uniform", name="kernel")
            self.bias = self.add_weight(shape=(size[2],), initializer="zeros", name="bias")

    def call(self, x):
        kernel = self.convolution.kernel if self.tied else self.own
        height, width, channels, filters = kernel.shape
        if height == 1 and x.shape[2] == 1:  # a matrix product, as in `SpectrumConv2D`
            turned = ops.matmul(ops.reshape(x, (-1, filters)), ops.transpose(ops.reshape(kernel, (-1, filters))))
            # To rows: where the last axis is one channel, onnxruntime adds number by number, slower than the product.
            turned = turned if self.tied else turned + ops.tile(self.bias, width)
            return ops.reshape(turned, (-1, x.shape[1], width, channels))
        turned = ops.conv_transpose(x, kernel, strides=1, padding="valid", data_format="channels_last")
        return turned if self.tied else turned + self.bias

    def compute_output_shape(self, shape):
        height, width, channels, _ = self.convolution.kernel.shape
        return (shape[0], shape[1] + height - 1, shape[2] + width - 1, channels)


def perceptron_core(n_sources: int, frames: int, bins: int, hidden: tuple[int, ...], scale: float) -> keras.Model:
    """A multilayer perceptron on each frame: magnitudes (batch, frames, bins) -> masks (batch, sources, frames, bins).

    Args:
        n_sources: masks.
        frames, bins: of the magnitudes.
        hidden: units of each hidden layer.
        scale: factor of the magnitudes.

    Example:
        >>> perceptron_core(4, 30, 513, (210, 210), 1.0).count_params()
        585222
    """
    magnitude = keras.Input((frames, bins), name="magnitude")
    x = layers.Rescaling(scale, dtype="float32")(magnitude)
    for i, units in enumerate(hidden):
        x = layers.Dense(units, activation="relu", name=f"hidden_{i}")(x)
    x = layers.Dense(n_sources * bins, activation="relu", name="sources")(x)
    x = layers.Permute((2, 1, 3))(layers.Reshape((frames, n_sources, bins))(x))
    return keras.Model(magnitude, SoftMasks(dtype="float32")(x), name="core")
