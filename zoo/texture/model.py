"""The networks of textures: random convolutions over time, whose weights are a seed.

Antognini, Hoffman and Weiss 2019, "Audio Texture Synthesis with Random Neural Networks: Improving Diversity and
Quality", section 2: six networks of one layer, each with 512 filters of one width, see rhythm and timbre at six scales.
"""

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.nn.model import ServedModel
from zoo.texture import terms
from zoo.texture.blocks import block_convolution, blocked, transform_kernel
from zoo.texture.spectrum import BINS, SAMPLE_RATE


def draw_kernel(width, channels, filters, seed):
    """A kernel by Glorot's uniform law, the same on every machine and backend.

    Uniform in +-sqrt(6 / (width (channels + filters))): NumPy's PCG64 and two exactly rounded operations.

    Args:
        width: frames.
        channels, filters: input and output channels.
        seed: list of integers.

    Returns:
        float32 (width, channels, filters).

    Example:
        >>> draw_kernel(2, 257, 512, [0, 0]).shape
        (2, 257, 512)
    """
    limit = np.sqrt(6 / (width * (channels + filters)))
    return ((2 * np.random.default_rng(seed).random((width, channels, filters)) - 1) * limit).astype("float32")


@keras.saving.register_keras_serializable(package="zoo")
class RandomConv1D(keras.layers.Layer):
    """ReLU of a convolution over time whose kernel is drawn from a seed, fixed, and never stored.

    Args:
        filters: output channels.
        width: of the kernel, frames; the output has width - 1 fewer.
        seed: list of integers.
        method: "plain", the backend's convolution, or "blocks", `zoo.texture.blocks.block_convolution`: the same but
            for rounding, and faster where the kernel is wide.

    Call:
        float (batch, frames, channels) -> (batch, frames - width + 1, filters), 0 and up.

    Example:
        >>> tuple(RandomConv1D(8, 4, [0])(np.zeros((1, 10, 3), "float32")).shape)
        (1, 7, 8)
    """

    def __init__(self, filters, width, seed, method="plain", **kwargs):
        super().__init__(**kwargs)
        self.filters, self.width, self.seed, self.method = filters, width, list(seed), method

    def build(self, input_shape):
        kernel = draw_kernel(self.width, input_shape[-1], self.filters, self.seed).astype(self.variable_dtype)
        if self.by_blocks:
            kernel = transform_kernel(kernel)
        self.kernel = self.add_weight(
            name="kernel",
            shape=kernel.shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(kernel, dtype),
            trainable=False,  # whatever the layer's `trainable` says: there is nothing to learn in a seed
        )

    @property
    def by_blocks(self):
        """Whether the convolution goes by blocks."""
        return self.method == "blocks" and blocked(self.width)

    def call(self, inputs):
        if self.by_blocks:
            return ops.relu(block_convolution(inputs, self.kernel, self.width))
        return ops.relu(ops.conv(inputs, self.kernel, padding="valid", data_format="channels_last"))

    def compute_output_shape(self, input_shape):
        frames = None if input_shape[1] is None else input_shape[1] - self.width + 1
        return (input_shape[0], frames, self.filters)

    # The seed is the weights: 66 MB of random numbers need no file.
    def save_own_variables(self, store):
        pass

    def load_own_variables(self, store):
        pass

    def get_config(self):
        own = {"filters": self.filters, "width": self.width, "seed": self.seed, "method": self.method}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="zoo")
class RandomConvEnsemble(ServedModel):
    """Random 1-D convolutions side by side, or stacked, on log spectrograms.

    Side by side, each bank sees the spectrogram (the paper's choice). Stacked (its section 3.3), each sees the one
    before at half its frame rate, after pooling over pairs of frames; the paper's stack has six widths of 2 and pools by
    averages, so that its banks see 2, 5, 11, 23, 47 and 95 frames.

    Args:
        widths: of the kernels, frames of 4 ms; a bank each.
        filters: of each bank.
        bins: channels of the spectrogram.
        stacked: whether the banks are layers of one network.
        seed: of the weights. A bank's weights depend on the seed, its place and its shape alone.
        method: of the convolutions, see `RandomConv1D`.
        pooling: of pairs of frames in a stack, "max" or "average".
        dtype: of weights and features; None for float32.

    Call:
        spectrogram: float (batch, frames, bins), as `zoo.texture.spectrum.log_spectrogram` gives it.
        Returns a list of float (batch, frames of the bank, filters), 0 and up, one a bank.

    Raises:
        InputError: fewer frames than the widest kernel needs.

    Attributes:
        sample_rate: 16000 Hz.
        fewest_frames: that a spectrogram must have.

    Example:
        >>> features = RandomConvEnsemble(widths=(2, 4), filters=8)(np.ones((1, 100, 257), "float32"))
        >>> [tuple(x.shape) for x in features]
        [(1, 99, 8), (1, 97, 8)]
    """

    def __init__(
        self,
        widths=(2, 4, 8, 16, 32, 64),
        filters=512,
        bins=BINS,
        stacked=False,
        seed=0,
        method="blocks",
        name="random_conv_ensemble",
        dtype=None,
        pooling="max",
    ):
        dtype = dtype or "float32"  # of spectra and sums too, whatever policy is set
        super().__init__(name=name, dtype=dtype)
        if method not in ("plain", "blocks"):
            raise InputError(f"no method {method!r}: use plain or blocks")
        if pooling not in ("max", "average"):
            raise InputError(f"no pooling {pooling!r}: use max or average")
        self.widths, self.filters, self.bins, self.stacked = tuple(widths), filters, bins, stacked
        self.seed, self.method, self.pooling, self.sample_rate = seed, method, pooling, SAMPLE_RATE
        self.banks = [
            RandomConv1D(filters, width, [seed, i], method, dtype=dtype) for i, width in enumerate(self.widths)
        ]
        for i, bank in enumerate(self.banks):
            bank.build((None, None, filters if stacked and i else bins))
        self.trainable = False
        self.built = True

    @property
    def fewest_frames(self):
        if not self.stacked:
            return max(self.widths)
        needed = self.widths[-1]
        for width in reversed(self.widths[:-1]):
            needed = 2 * needed + width - 1
        return needed

    @property
    def strides(self):
        """Frames of the spectrogram from one frame of a bank to the next, a list of integers."""
        return [2**i if self.stacked else 1 for i in range(len(self.widths))]

    def count_params(self):
        """Weights of the kernels, however the convolutions hold them."""
        channels = [self.filters if self.stacked and i else self.bins for i in range(len(self.widths))]
        return sum(width * count * self.filters for width, count in zip(self.widths, channels, strict=True))

    def frames_of(self, frames):
        """Frames of each bank, for so many of the spectrogram: a list of integers, or of tensors."""
        counts = []
        for width in self.widths:
            counts.append(frames - width + 1)
            frames = counts[-1] // 2 if self.stacked else frames
        return counts

    serving_inputs = ("spectrogram",)

    @property
    def serving_shape(self):
        return (None, None, self.bins)

    def serve(self, spectrogram, lengths):
        """Outputs of a served model, by name: `features_<i>` and `gram_<i>` of each bank."""
        features = self(spectrogram)
        counts = [ops.maximum(count, 1) for count in self.frames_of(lengths)]
        grams = terms.gram(features, counts)
        return {f"features_{i}": x for i, x in enumerate(features)} | {f"gram_{i}": x for i, x in enumerate(grams)}

    def call(self, spectrogram):
        frames = spectrogram.shape[1]
        if frames is not None and frames < self.fewest_frames:
            raise InputError(f"{frames} frames are fewer than the {self.fewest_frames} that the widest kernel needs")
        if not self.stacked:
            return [bank(spectrogram) for bank in self.banks]
        features, pool = [], ops.max_pool if self.pooling == "max" else ops.average_pool
        for bank in self.banks:
            pooled = pool(features[-1], 2, 2, data_format="channels_last") if features else spectrogram
            features.append(bank(pooled))
        return features

    def get_config(self):
        config = {
            "dtype": self.dtype,
            "widths": list(self.widths),
            "filters": self.filters,
            "bins": self.bins,
            "stacked": self.stacked,
        }
        return {**config, "seed": self.seed, "method": self.method, "pooling": self.pooling, "name": self.name}
