"""Quality-Net: networks that predict an intrusive quality metric (PESQ, STOI, ...) and have a gradient.

`QualityNet` is the network of Fu, Liao and Tsao 2019 ("Learning with Learned Loss Function: Speech Enhancement with
Quality-Net to Improve Perceptual Evaluation of Speech Quality", section II); `QualityNetLite` is a small one of our
own. Both are a functional Keras core on magnitudes inside one waveform wrapper, `SurrogateMetric`.
"""

import keras
from keras import layers

from zoo.audio import dsp
from zoo.nn.layers import Dropout, MaskTime, MaxOverTime, MeanOverTime, SpectralNormalization
from zoo.nn.model import PairMetric
from zoo.quality_net.features import PairFeatures
from zoo.quality_net.inference import OnnxMetric, PairScorer
from zoo.quality_net.layers import FourierConv2D, normalised, strided_convolution
from zoo.quality_net.surrogate import Surrogate


class SurrogateMetric(PairScorer, Surrogate, PairMetric):
    """A surrogate that hears a degraded recording and its reference.

    The core maps (degraded magnitude, reference magnitude, frames) to Q.

    Call:
        inputs: [reference, degraded] or [reference, degraded, lengths]; float (batch, samples) in [-1, 1] at
            `sample_rate`, and int32 (batch,) samples that count.
        Returns float32 (batch,), in the metric's units; differentiable in the waveforms.

    Attributes: as of `Surrogate`.
    """

    onnx_class = OnnxMetric

    def core_features(self, reference, degraded, lengths):
        spectra = [dsp.magnitude(x, self.n_fft, self.hop_length, lengths) for x in (degraded, reference)]
        return [*spectra, dsp.frame_count(lengths, self.hop_length)]


@keras.saving.register_keras_serializable(package="zoo")
class QualityNet(SurrogateMetric):
    """The paper's network: four convolutions, global average, three dense layers, spectral normalisation on each.

    Convolutions 15 (5, 5), 25 (7, 7), 40 (9, 9), 50 (11, 11) without padding, LeakyReLU 0.3; mean over time and
    frequency; dense 50, 10 (LeakyReLU), 1. Batch normalisation stands before the first convolution, as in the
    author's later code.

    Args:
        features: "magnitude" (the paper's two channels) or "log1p" (their log(1 + x)), "log-power" or "log-mel" (equal
            level, difference channel; see `PairFeatures`).
        bands: mel bands of "log-mel", at least 29.
        spectral_norm: whether every convolution and dense layer is spectrally normalised, as in the paper.
        dropout: before each dense layer, in training.
        sample_rate, n_fft, hop_length: of the spectra, in Hz and samples; Hamming window of n_fft.
        target_range: the metric's worst and best value, at Q = 0 and Q = 1.
        value_range: the metric's lowest and highest value, to which `score` clips; None does not clip.
        name: of the model.

    Example:
        >>> QualityNet(features="magnitude").count_params() > 345_000
        True
    """

    def __init__(
        self,
        features="log-mel",
        bands=48,
        spectral_norm=True,
        dropout=0.05,
        sample_rate=16000,
        n_fft=512,
        hop_length=256,
        target_range=(-0.5, 4.5),
        value_range=None,
        name="quality_net",
    ):
        self.features, self.bands, self.spectral_norm, self.dropout = features, bands, spectral_norm, dropout
        normalise = SpectralNormalization if spectral_norm else _plain
        inputs, frames, x = _pair_inputs(features, bands, n_fft, sample_rate)
        # Without the normalisation, its name would be in the files of weights, where Keras's has always been.
        wide = FourierConv2D if spectral_norm else layers.Conv2D
        for kind, channels, size in ((layers.Conv2D, 15, 5), (layers.Conv2D, 25, 7), (wide, 40, 9), (wide, 50, 11)):
            x = normalise(kind(channels, size, data_format="channels_last"))(x)
            x = layers.LeakyReLU(0.3)(x)
        # Four unpadded convolutions see 29 frames: the first `frames - 28` outputs hold no padding.
        average = layers.GlobalAveragePooling1D("channels_last", dtype="float32")
        x = average(MeanOverTime(dtype="float32")(x, frames - 28))
        for units in (50, 10):
            x = layers.LeakyReLU(0.3)(normalise(layers.Dense(units))(Dropout(dropout)(x)))
        core = keras.Model(inputs, _quality(normalise(layers.Dense(1, dtype="float32"))(x)), name="core")
        super().__init__(core, sample_rate, n_fft, hop_length, target_range, value_range, name)

    def get_config(self):
        return {**super().get_config(), **_network_config(self)}


@keras.saving.register_keras_serializable(package="zoo")
class QualityNetLite(SurrogateMetric):
    """A small network of our own with the same interface: strided 3 x 3 convolutions on mel bands of the pair.

    3 x 3 convolutions with batch normalisation and LeakyReLU 0.3, time and frequency halved on the way, mean and maximum
    over time, two dense layers. By default six, with about 1/150 of the operations of the paper's network on plain spectra.

    Args: as for `QualityNet`; `spectral_norm` is an option here, off by default.
        convolutions: (channels, stride in time, stride in frequency) of each, in order.

    Example:
        >>> model = QualityNetLite()
        >>> tuple(model([ops.ones((2, 16000)), ops.ones((2, 16000))]).shape)
        (2,)
    """

    def __init__(
        self,
        features="log-mel",
        bands=48,
        spectral_norm=False,
        dropout=0.1,
        convolutions=((24, 1, 1), (32, 1, 2), (48, 2, 2), (64, 1, 2), (64, 2, 2), (64, 1, 1)),
        sample_rate=16000,
        n_fft=512,
        hop_length=256,
        target_range=(-0.5, 4.5),
        value_range=None,
        name="quality_net_lite",
    ):
        self.features, self.bands, self.spectral_norm, self.dropout = features, bands, spectral_norm, dropout
        self.convolutions = tuple(map(tuple, convolutions))
        normalise = SpectralNormalization if spectral_norm else _plain
        inputs, frames, x = _pair_inputs(features, bands, n_fft, sample_rate)
        for channels, *strides in self.convolutions:
            x, frames = strided_convolution(x, frames, channels, strides, normalise)
        pools = MeanOverTime(dtype="float32"), MaxOverTime()
        pooled = [layers.Flatten("channels_last")(pool(x, frames)) for pool in pools]
        x = Dropout(dropout)(layers.Concatenate()(pooled))
        x = layers.LeakyReLU(0.3)(normalise(layers.Dense(64))(x))
        core = keras.Model(inputs, _quality(normalise(layers.Dense(1, dtype="float32"))(x)), name="core")
        super().__init__(core, sample_rate, n_fft, hop_length, target_range, value_range, name)

    def get_config(self):
        own = {"convolutions": [list(convolution) for convolution in self.convolutions]}
        return {**super().get_config(), **_network_config(self), **own}


def _plain(layer):
    return layer


def _pair_inputs(features, bands, n_fft, sample_rate):
    bins = n_fft // 2 + 1
    degraded = keras.Input((None, bins), name="degraded")
    reference = keras.Input((None, bins), name="reference")
    frames = keras.Input((), dtype="int32", name="frames")
    x = PairFeatures(features, bands, n_fft, sample_rate, dtype="float32")(degraded, reference, frames)
    # Padding frames must stay zero for the networks that look past the last frame.
    x = MaskTime()(normalised(x), frames)
    return [degraded, reference, frames], frames, x


def _quality(x):
    """(batch, 1) -> (batch,), on about the scale of the targets, so that training starts near them."""
    return layers.Rescaling(0.25, 0.5, dtype="float32")(layers.Reshape(())(x))


def _network_config(model):
    return {key: getattr(model, key) for key in ("features", "bands", "spectral_norm", "dropout")}
