"""Chandna's low-latency separator: masks for segments of a magnitude spectrogram, inside a waveform wrapper.

Chandna, Miron, Janer and Gomez 2017, "Monoaural Audio Source Separation Using Deep Convolutional Neural Networks".
"""

import keras
import numpy as np
from keras import layers, ops

from zoo import backend
from zoo.audio import dsp
from zoo.errors import InputError
from zoo.nn.layers import Dropout
from zoo.nn.model import WaveformModel
from zoo.separation.inference import EPS, OnnxSeparator, Separating, fade
from zoo.separation.layers import (
    MaxPoolBins,
    SoftMasks,
    SpectrumConv2D,
    TransposedConv2D,
    UnpoolBins,
    perceptron_core,
)
from zoo.separation.tracks import SOURCES


class MaskSeparator(Separating, WaveformModel):
    """Base of the separators: soft masks of a core on segments of the magnitude spectrum; the mixture's phase stays.

    Args:
        core: functional keras.Model, magnitudes (batch, frames, bins) -> masks (batch, sources, frames, bins).
        sources, frames, step, sample_rate, n_fft, hop_length, name: as for `ChandnaSeparator`.
    """

    onnx_class = OnnxSeparator

    def __init__(self, core, sources, frames, step, sample_rate, n_fft, hop_length, name):
        if n_fft % hop_length or n_fft < 4 * hop_length:
            raise InputError(f"hop_length is {hop_length}, which must divide n_fft, {n_fft}, four times or more")
        if frames % step or frames < 2 * step:
            raise InputError(f"step is {step}, which must divide the {frames} frames of a segment twice or more")
        self.sources, self.frames, self.step = tuple(sources), frames, step
        self.n_fft, self.hop_length = n_fft, hop_length
        super().__init__(core, sample_rate, name)
        self.latency = ((frames - 1) * hop_length + n_fft) / sample_rate

    def call(self, inputs, training=False):
        (mixture,), _, counted = self.unpack(inputs)
        samples = ops.shape(mixture)[1]
        # So many zeros after the end that every frame a sample is in is there, however much padding follows.
        end = self.n_fft // 2 + dsp.pad_to_multiple(samples, self.hop_length)
        padded = ops.pad(mixture, ((0, 0), (0, end)))
        real, imaginary = dsp.stft(padded, self.n_fft, self.hop_length, window="hann")
        masks = self._masks(ops.sqrt(ops.square(real) + ops.square(imaginary) + EPS), training)
        bins = self.n_fft // 2 + 1
        spectra = [ops.reshape(ops.expand_dims(x, 1) * masks, (-1, ops.shape(x)[1], bins)) for x in (real, imaginary)]
        separated = dsp.istft(*spectra, samples, self.n_fft, self.hop_length, window="hann")
        return ops.reshape(separated, (-1, len(self.sources), samples)) * ops.expand_dims(counted, 1)

    def compute_output_shape(self, input_shape):
        batch, samples = self.waveform_shape(input_shape)
        return batch, len(self.sources), samples

    def serve(self, waveform, lengths):
        """Outputs of a served model, by name: each source, (batch, samples)."""
        separated = self([waveform, lengths])
        return {source: separated[:, i] for i, source in enumerate(self.sources)}

    def _masks(self, magnitude, training):
        """Masks (batch, sources, frames, bins) of (batch, frames, bins), cross-faded from segment to segment."""
        bins, n_sources = self.n_fft // 2 + 1, len(self.sources)
        parts, count = self.frames // self.step, ops.shape(magnitude)[1]
        pieces = (count + self.step - 1) // self.step  # of a step each
        lead = self.frames - self.step  # frames of silence before the first, so that all are in `parts` segments
        magnitude = ops.pad(magnitude, ((0, 0), (lead, lead + pieces * self.step - count), (0, 0)))
        magnitude = ops.reshape(magnitude, (-1, pieces + 2 * (parts - 1), self.step, bins))
        segments = pieces + parts - 1
        cut = ops.concatenate([magnitude[:, i : i + segments] for i in range(parts)], axis=2)
        masks = self.core(ops.reshape(cut, (-1, self.frames, bins)), training=training)
        masks = ops.cast(masks, "float32") * ops.convert_to_tensor(fade(self.frames, self.step))
        masks = ops.reshape(masks, (-1, segments, n_sources, parts, self.step * bins))
        # The i-th part of a segment lies on the last part of the one that begins parts - 1 - i steps before.
        faded = sum(masks[:, parts - 1 - i : parts - 1 - i + pieces, :, i] for i in range(parts))
        faded = ops.reshape(ops.transpose(faded, (0, 2, 1, 3)), (-1, n_sources, pieces * self.step, bins))
        return faded[:, :, :count]

    def separate_batch(self, mixture):
        return backend.predict(self, mixture)

    def get_config(self):
        own = {"sources": self.sources, "frames": self.frames, "step": self.step}
        return {**super().get_config(), **own, "n_fft": self.n_fft, "hop_length": self.hop_length}


@keras.saving.register_keras_serializable(package="zoo")
class ChandnaSeparator(MaskSeparator):
    """Splits music into sources by soft masks on its magnitude spectrum; the mixture's phase stays.

    The core sees T frames: `filters` convolutions over all bins (timbre), `across` convolutions over `height` frames
    (time), both linear, a dense layer of `hidden` ReLU, and for each source a dense ReLU back to the second
    convolution's size and both convolutions transposed, which gives y_n; mask_n = |y_n| / sum_k |y_k|. Defaults are
    the paper's; options are the authors' code and the re-implementation by Groysman and Priymak.

    The waveform is cut into segments of T frames, `step` frames apart; where they overlap, their masks are cross-faded
    (weights of a Hann window, which sum to 1). Masks sum to 1, so the sources sum to the mixture.

    Call:
        inputs: mixture, or [mixture, lengths]; float (batch, samples) in [-1, 1] at `sample_rate`, and int32 (batch,)
            samples that count.
        Returns float32 (batch, sources, samples), in the order of `sources`, zero at and after `lengths`;
        differentiable.

    Args:
        sources: names.
        frames: T, of a segment; a multiple of `step`.
        step: frames from segment to segment, at most half of `frames`.
        filters: of the first convolution.
        width: bins that the first convolution spans, None for all. The report: 171, a third.
        pool: bins of a group of the max-pooling between the convolutions, undone on the way back by unpooling; None
            for none. The report: 342, twice its width.
        pool_rest: whether bins that fill no group are one. The report's 343 bins are two groups then, or one.
        across: filters of the second convolution. The authors' code: 50.
        height: frames that the second convolution spans. The authors' code: 15.
        hidden: units of the dense layer that all sources share.
        dropout: share of those units that is dropped in training (the report).
        tied: whether the decoders use the encoder's kernels (the authors' code), not kernels of their own.
        scale: factor of the core's input. The authors' code: 0.3 / sqrt(1024).
        compress: whether the core sees log(1 + scale |X|), not scale |X| (ours).
        sample_rate: in Hz.
        n_fft, hop_length: of the spectrum, in samples; periodic Hann window, centred, unscaled. hop_length divides
            n_fft four times or more.
        name: of the model.

    Attributes:
        core: functional keras.Model, to train but not to save by itself, magnitudes (batch, frames, bins) -> masks (batch, sources, frames, bins).
        latency: seconds from a sample's input to its output in `zoo.separation.stream.Stream`.

    Raises:
        InputError: `step` does not divide `frames` twice or more, hop_length n_fft four times, or `height` exceeds
            `frames`.

    Example:
        >>> model = ChandnaSeparator(filters=4, across=4, hidden=8)
        >>> tuple(model(ops.ones((2, 8000))).shape)
        (2, 4, 8000)
    """

    def __init__(
        self,
        sources=SOURCES,
        frames=30,
        step=15,
        filters=50,
        width=None,
        pool=None,
        pool_rest=True,
        across=30,
        height=12,
        hidden=128,
        dropout=0.0,
        tied=False,
        scale=1.0,
        compress=False,
        sample_rate=44100,
        n_fft=1024,
        hop_length=256,
        name="chandna_separator",
    ):
        if height > frames:
            raise InputError(f"height is {height}, and a segment has only {frames} frames")
        self._options = {
            "filters": filters,
            "width": width,
            "pool": pool,
            "pool_rest": pool_rest,
            "across": across,
            "height": height,
            "hidden": hidden,
            "dropout": dropout,
            "tied": tied,
            "scale": scale,
            "compress": compress,
        }
        core = _core(len(sources), frames, n_fft // 2 + 1, **self._options)
        super().__init__(core, sources, frames, step, sample_rate, n_fft, hop_length, name)

    def get_config(self):
        return {**super().get_config(), **self._options}


@keras.saving.register_keras_serializable(package="zoo")
class PerceptronSeparator(MaskSeparator):
    """Splits music by a multilayer perceptron, which the introduction of Groysman and Priymak's report compares with.

    Each frame goes by itself through dense layers with ReLU to the outputs y_n of all sources, whose shares are the masks.
    The report says nothing of its size; with the default it has 585,222 parameters, as good as those of
    `ChandnaSeparator`.

    Call, attributes: as for `ChandnaSeparator`.

    Args:
        hidden: units of each hidden layer.
        scale: factor of the input.
        sources, frames, step, sample_rate, n_fft, hop_length, name: as for `ChandnaSeparator`.

    Example:
        >>> tuple(PerceptronSeparator(hidden=(8,))(ops.ones((2, 8000))).shape)
        (2, 4, 8000)
    """

    def __init__(
        self,
        sources=SOURCES,
        frames=30,
        step=15,
        hidden=(210, 210),
        scale=1.0,
        sample_rate=44100,
        n_fft=1024,
        hop_length=256,
        name="perceptron_separator",
    ):
        self.hidden, self.scale = tuple(hidden), scale
        core = perceptron_core(len(sources), frames, n_fft // 2 + 1, self.hidden, scale)
        super().__init__(core, sources, frames, step, sample_rate, n_fft, hop_length, name)

    def get_config(self):
        return {**super().get_config(), "hidden": self.hidden, "scale": self.scale}


def _core(
    n_sources, frames, bins, filters, width, pool, pool_rest, across, height, hidden, dropout, tied, scale, compress
):
    """The network on segments: magnitudes (batch, frames, bins) -> masks (batch, sources, frames, bins)."""
    magnitude = keras.Input((frames, bins), name="magnitude")
    x = layers.Rescaling(scale, dtype="float32")(magnitude)
    if compress:
        x = ops.log1p(x)
    vertical = SpectrumConv2D(filters, (1, width or bins), name="vertical")
    # In float16 TensorFlow's convolution over an axis of one bin gives NaN on processors that have float16 (oneDNN).
    precise = "float32" if keras.config.dtype_policy().compute_dtype == "float16" else None
    horizontal = layers.Conv2D(across, (height, 1), data_format="channels_last", name="horizontal", dtype=precise)
    timbre = vertical(layers.Reshape((frames, bins, 1))(x))
    pooled, places = MaxPoolBins(pool, pool_rest)(timbre) if pool else (timbre, None)
    x = horizontal(pooled)
    shape = x.shape[1:]
    shared = layers.Dense(hidden, activation="relu", name="shared")(layers.Flatten("channels_last")(x))
    if dropout:
        shared = Dropout(dropout)(shared)
    outputs = []
    for i in range(n_sources):
        x = layers.Dense(int(np.prod(shape)), activation="relu", name=f"source_{i}")(shared)
        x = layers.Reshape(shape)(x)
        x = TransposedConv2D(horizontal, tied, dtype=precise)(x)
        if pool:
            x = UnpoolBins(timbre.shape[2])(x, places)
        outputs.append(layers.Reshape((1, frames, bins))(TransposedConv2D(vertical, tied)(x)))
    return keras.Model(magnitude, SoftMasks(dtype="float32")(layers.Concatenate(axis=1)(outputs)), name="core")
