"""Our own JND network: on mel bands, where a small shift is a small change, and level counts."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from zoo.audio import dsp
from zoo.jnd.answer import CalibratedJND, answer_head
from zoo.jnd.inference import OnnxSpectralJND
from zoo.jnd.layers import PairedDropout
from zoo.nn.layers import MaskTime

FLOOR = 1e-5  # added to power: noise some 55 dB below speech at -16 LUFS counts for little
CENTRE, SPREAD = -3.0, 4.0  # approximate mean and deviation of the log power of speech
_POWER = 4.0  # of the mean that lets a short, large difference count
_EPS = 1e-8


class MelJND(CalibratedJND):
    """Our networks on mel bands. A subclass defines `band_distances`, and the name that a model has by default.

    Args: as for `SpectralJND`.
    """

    default_name: str

    def __init__(
        self,
        channels=(32, 48, 64, 64, 64),
        bands=64,
        dropout=0.1,
        sample_rate=22050,
        n_fft=1024,
        hop_length=256,
        name=None,
    ):
        self.channels, self.bands, self.dropout = tuple(channels), bands, dropout
        self.n_fft, self.hop_length = n_fft, hop_length
        reference, degraded = (keras.Input((None, n_fft // 2 + 1), name=name) for name in ("reference", "degraded"))
        frames = keras.Input((), dtype="int32", name="frames")
        distances = self.band_distances(layers.Concatenate(axis=0)([reference, degraded]), frames, sample_rate)
        core = keras.Model([reference, degraded, frames], ops.stack(distances, axis=1), name="core")
        super().__init__(core, answer_head(len(distances)), sample_rate, name or self.default_name)

    def band_distances(self, magnitude, frames, sample_rate):
        """Symbolic distances, a list of (batch,), of the layers that this makes.

        Args:
            magnitude: (2 batch, time, n_fft // 2 + 1), the references and then the degraded recordings.
            frames: int32 (batch,), the time that counts of both.
            sample_rate: in Hz.
        """
        raise NotImplementedError

    def core_features(self, reference, degraded, lengths):
        spectra = [dsp.magnitude(x, self.n_fft, self.hop_length, lengths) for x in (reference, degraded)]
        return [*spectra, dsp.frame_count(lengths, self.hop_length)]

    def get_config(self):
        own = {"channels": list(self.channels), "bands": self.bands, "dropout": self.dropout}
        return {**super().get_config(), **own, "n_fft": self.n_fft, "hop_length": self.hop_length}


@keras.saving.register_keras_serializable(package="zoo")
class SpectralJND(MelJND):
    """Convolutions on log-mel spectra, and a distance that is 1 where half of the listeners hear a difference.

    Log power of mel bands (Hamming window, absolute level), convolutions 3 x 3 with LeakyReLU 0.2 and no normalisation.
    Each layer, the bands themselves too, gives a weighted L1 per frame, w >= 0, pooled over time as a mean and as a
    mean of fourth powers: people hear the worst moment too. The distance D is their sum, and
    P("different") = a + (1 - a - b) D^s / (1 + D^s): it rises with D, by construction.

    Departs from the paper (`JND`) where that is weak: its waveform features change with a shift of one sample, its
    normalisation hides level and noise, its head need not rise with the distance.

    Args:
        channels: of the convolutions; all but the first halve time, all but the last halve frequency.
        bands: mel bands.
        dropout: share of each layer's features that training leaves out, the same of both recordings.
        sample_rate, n_fft, hop_length: of the spectra, in Hz and samples.
        name: of the model.

    Example:
        >>> model = SpectralJND()
        >>> tuple(model([ops.ones((2, 22050)), ops.ones((2, 22050))]).shape)
        (2,)
    """

    onnx_class = OnnxSpectralJND

    default_name = "spectral_jnd"

    def band_distances(self, magnitude, frames, sample_rate):
        counted = layers.Concatenate(axis=0)([frames, frames])
        x = MaskTime()(LogMel(self.bands, self.n_fft, sample_rate, dtype="float32")(magnitude), counted)
        return [
            WeightedDistance(name=f"distance_{i}", dtype="float32")(features, rows)
            for i, (features, rows, _) in enumerate(convolved(x, counted, self.channels, self.dropout))
        ]


def convolved(x: Any, frames: Any, channels: Sequence[int], dropout: float) -> Iterator[tuple[Any, Any, int]]:
    """Features, and those of each of some convolutions 3 x 3 after one another, symbolically.

    Args:
        x: (2 n, time, bands, channels), the references and then the degraded recordings, zero after `frames`.
        frames: (2 n,), the time that counts.
        channels: of the convolutions; all but the first halve time, all but the last halve the bands.
        dropout: as for `PairedDropout`, after each.

    Yields:
        features, zero after the time that counts; that time; and how many of the first frames one of them is.
    """
    stride = 1
    yield x, frames, stride
    for i, filters in enumerate(channels):
        strides = (1 if i == 0 else 2, 1 if i == len(channels) - 1 else 2)
        # Zeros on both sides, never "same": that pads by the parity of the padded length.
        x = layers.ZeroPadding2D(1, "channels_last")(x)
        x = layers.Conv2D(filters, 3, strides, data_format="channels_last", kernel_initializer="he_normal")(x)
        frames, stride = (frames + strides[0] - 1) // strides[0], stride * strides[0]
        x = MaskTime()(layers.LeakyReLU(0.2)(x), frames)
        yield x, frames, stride
        x = PairedDropout(dropout)(x)


@keras.saving.register_keras_serializable(package="zoo")
class MelPower(keras.layers.Layer):
    """Magnitudes (batch, frames, n_fft // 2 + 1) -> power of mel bands, (batch, frames, bands)."""

    def __init__(self, bands, n_fft, sample_rate, **kwargs):
        super().__init__(**kwargs)
        self.bands, self.n_fft, self.sample_rate = bands, n_fft, sample_rate
        self.mel = dsp.mel_matrix(bands, n_fft, sample_rate)

    def call(self, magnitude):
        return ops.matmul(ops.square(magnitude), self.mel)

    def compute_output_shape(self, magnitude_shape):
        return (*magnitude_shape[:2], self.bands)

    def get_config(self):
        own = {"bands": self.bands, "n_fft": self.n_fft, "sample_rate": self.sample_rate}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="zoo")
class LogMel(MelPower):
    """Magnitudes (batch, frames, n_fft // 2 + 1) -> log power of mel bands, about -2..2, (batch, frames, bands, 1)."""

    def call(self, magnitude):
        return ops.expand_dims((ops.log(super().call(magnitude) + FLOOR) - CENTRE) / SPREAD, -1)

    def compute_output_shape(self, magnitude_shape):
        return (*super().compute_output_shape(magnitude_shape), 1)


@keras.saving.register_keras_serializable(package="zoo")
class WeightedDistance(keras.layers.Layer):
    """m mean_t d_t + q (mean_t d_t^4)^(1/4), with d_t = mean |w (x_t - y_t)| over bands and channels; m, q, w >= 0.

    Call:
        inputs: float (2 n, time, bands, channels), the references and then the degraded recordings.
        frames: int32 (2 n,), the time that counts.
        Returns float (n,), 0 for identical halves.
    """

    def build(self, inputs_shape, frames_shape=None):
        shape = (1, 1, *inputs_shape[2:])
        # softplus(0.54) = 1
        self.raw = self.add_weight(shape=shape, initializer=keras.initializers.Constant(0.54), name="raw")
        self.pooling = self.add_weight(shape=(2,), initializer=keras.initializers.Constant(0.54), name="pooling")

    def call(self, inputs, frames):
        reference, degraded = ops.split(inputs, 2)  # TensorFlow's gradients of slices are whole copies with zeros
        by_frame = ops.mean(ops.softplus(self.raw) * ops.abs(reference - degraded), axis=(2, 3))
        counted = dsp.sequence_mask(ops.split(frames, 2)[0], ops.shape(inputs)[1])
        count = ops.maximum(ops.sum(counted, axis=1), 1.0)
        mean = ops.sum(by_frame * counted, axis=1) / count
        fourth = ops.sum(by_frame**_POWER * counted, axis=1) / count
        # A root has no gradient at 0, so it starts a little after and comes back to 0.
        worst = (fourth + _EPS) ** (1 / _POWER) - _EPS ** (1 / _POWER)
        share = ops.softplus(self.pooling)
        return share[0] * mean + share[1] * worst

    def scale_distances(self, factor):
        """Make every distance `factor` times as large."""
        share = factor * np.logaddexp(0, ops.convert_to_numpy(self.pooling).astype("float64"))
        self.pooling.assign(np.log(np.expm1(share)))

    def compute_output_shape(self, inputs_shape, frames_shape=None):
        return (None,)
