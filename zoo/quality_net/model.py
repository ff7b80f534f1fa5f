"""Quality-Net: networks that predict an intrusive quality metric (PESQ, STOI, ...) and have a gradient.

`QualityNet` is the network of Fu, Liao and Tsao 2019 ("Learning with Learned Loss Function: Speech Enhancement with
Quality-Net to Improve Perceptual Evaluation of Speech Quality", section II); `QualityNetLite` is a small one of our
own. Both are a functional Keras core on magnitudes inside one waveform wrapper, `SurrogateMetric`.
"""

import keras
import numpy as np
from keras import layers, ops

from zoo.audio import dsp
from zoo.errors import InputError
from zoo.nn.layers import Dropout, MaskTime, MaxOverTime, MeanOverTime, SpectralNormalization
from zoo.nn.model import PairMetric
from zoo.quality_net import ranges
from zoo.quality_net.features import PairFeatures
from zoo.quality_net.inference import MIN_SECONDS, SILENCE, OnnxMetric, Scorer
from zoo.quality_net.layers import FourierConv2D

_MOMENTUM = 0.95  # of batch statistics: short trainings must not end on those of their first steps


class SurrogateMetric(Scorer, PairMetric):
    """Waveform wrapper of a network that predicts a metric from a pair of magnitude spectra.

    The core maps (degraded magnitude, reference magnitude, frames) to Q; the metric is low + (high - low) Q, as in the
    paper's Q = (PESQ + 0.5) / 5.

    Call:
        inputs: [reference, degraded] or [reference, degraded, lengths]; float (batch, samples) in [-1, 1] at
            `sample_rate`, and int32 (batch,) samples that count.
        Returns float32 (batch,), in the metric's units; differentiable in the waveforms.

    Attributes:
        core: functional keras.Model on [degraded, reference, frames] -> Q (batch,); for fine-tuning on spectra.
        sample_rate: Hz.
        target_range: (worst, best), the metric's values at Q = 0 and Q = 1; of a metric of which lower is better the
            first is the higher. It belongs to the labels that the network learns: `set_target_range`, which is also
            what setting the attribute does.
        value_range: (lowest, highest) value that the metric can take, to which `score` clips; None where it is not
            known. It is not `target_range`: Q = (PESQ + 0.5) / 5 goes from -0.5 to 4.5, PESQ itself from 1.04 to 4.64.
    """

    onnx_class = OnnxMetric

    def __init__(self, core, sample_rate, n_fft, hop_length, target_range, value_range, name):
        super().__init__(core, sample_rate, name)
        self.n_fft, self.hop_length, self._target_range = n_fft, hop_length, tuple(target_range)
        self.value_range = tuple(value_range) if value_range else None

    @property
    def target_range(self):
        return self._target_range

    @target_range.setter
    def target_range(self, worst_and_best):
        self.set_target_range(*worst_and_best)

    def set_target_range(self, worst, best):
        """Say what the labels of a fine-tuning are, before `fit`.

        The loss of a metric (`zoo.loss`) leads from the first value to the second, and its card has the range.

        Args:
            worst, best: the metric's values at Q = 0 and Q = 1: 1.0 and 5.0 for opinion scores, 100.0 and 0.0 for a
                word error rate in per cent. Labels must lie between them.

        Raises:
            InputError: the values are equal, or not finite.

        Example:
            >>> metric = zoo.load("quality-net-lite-pesq-wb-16k", trainable=True)
            >>> metric.set_target_range(1.0, 5.0)
            >>> metric.target_range
            (1.0, 5.0)
        """
        worst, best = float(worst), float(best)
        if not (np.isfinite([worst, best]).all() and worst != best):
            raise InputError(f"a range from {worst} to {best} is none; give the metric's worst and best value")
        self._target_range, self.value_range = (worst, best), (min(worst, best), max(worst, best))
        # Compiled steps hold the range that they were traced with.
        self.train_function = self.test_function = self.predict_function = None

    def fit(self, x=None, y=None, *arguments, **options):
        """Keras's `fit`; labels must lie in the metric's range, or at most a twentieth of it outside.

        They are checked in arrays before the training, in a tf.data.Dataset, a PyDataset and a generator as they come. On
        JAX a metric whose first batch is refused has lost its weights, as by any error there: load it again.

        Raises:
            InputError: labels outside it: as a loss, the metric would lead away from good sound.
        """
        low, high = self._label_range()
        if y is None:
            x = ranges.checked(x, low, high)
        else:
            ranges.check_labels(y, low, high)
        try:
            return super().fit(x, y, *arguments, **options)
        except Exception as error:
            if words := ranges.refusal(error):
                raise InputError(words) from None
            raise

    def train_on_batch(self, x, y=None, *arguments, **options):
        """Keras's `train_on_batch`; of the labels as for `fit`."""
        if y is not None:
            ranges.check_labels(y, *self._label_range())
        return super().train_on_batch(x, y, *arguments, **options)

    def _label_range(self):
        return sorted(self.value_range or self.target_range)

    def complete_card(self, card):
        """A card whose metric has this model's range and direction."""
        if "metric" not in card:
            return card
        worst, best = self.target_range
        facts = {"range": sorted(self.value_range or (worst, best)), "higher_is_better": best > worst}
        return {**card, "metric": {**card["metric"], **facts}}

    def call(self, inputs, training=False):
        low, high = self.target_range
        return low + (high - low) * self.quality(*self.as_list(inputs), training=training)

    def quality(self, reference, degraded, lengths=None, training=False):
        """Q of waveforms: the metric on the scale where `target_range` is 0..1. Arguments as for a call."""
        return self.core(self.core_inputs([reference, degraded, lengths]), training=training)

    def pair_features(self, reference, degraded, lengths):
        spectra = [dsp.magnitude(x, self.n_fft, self.hop_length, lengths) for x in (degraded, reference)]
        return [*spectra, dsp.frame_count(lengths, self.hop_length)]

    def serve(self, reference, degraded, lengths):
        """Outputs of a served model, by name: `score`, as by `score` of at most 30 s, NaN there too."""
        fewest = int(np.ceil(MIN_SECONDS * self.sample_rate))
        # The network needs as many samples, whether or not they count.
        missing = ops.zeros((ops.shape(reference)[0], ops.maximum(fewest - ops.shape(reference)[1], 0)))
        reference, degraded = (ops.concatenate([x, missing], axis=1) for x in (reference, degraded))
        counted = dsp.sequence_mask(lengths, ops.shape(reference)[1])
        scorable = lengths >= fewest
        for x in (reference, degraded):
            peak = ops.max(ops.abs(x) * counted, axis=1)
            # A peak that is not finite compares as False.
            scorable = ops.logical_and(scorable, ops.logical_and(peak > SILENCE, peak < float("inf")))
        score = self([reference, degraded, lengths])
        if self.value_range:
            score = ops.clip(score, *self.value_range)
        return {"score": ops.where(scorable, score, float("nan"))}

    def get_config(self):
        own = {"n_fft": self.n_fft, "hop_length": self.hop_length, "target_range": list(self.target_range)}
        own["value_range"] = list(self.value_range) if self.value_range else None
        return {**super().get_config(), **own}


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
            # One frame and one band of zeros on each side, never "same": that pads by the padded length's parity.
            x = layers.ZeroPadding2D(1, "channels_last")(x)
            x = normalise(layers.Conv2D(channels, 3, strides, data_format="channels_last", use_bias=False))(x)
            x = layers.LeakyReLU(0.3)(layers.BatchNormalization(momentum=_MOMENTUM)(x))
            frames = (frames + strides[0] - 1) // strides[0]
            x = MaskTime()(x, frames)
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
    x = MaskTime()(layers.BatchNormalization(momentum=_MOMENTUM)(x), frames)
    return [degraded, reference, frames], frames, x


def _quality(x):
    """(batch, 1) -> (batch,), on about the scale of the targets, so that training starts near them."""
    return layers.Rescaling(0.25, 0.5, dtype="float32")(layers.Reshape(())(x))


def _network_config(model):
    return {key: getattr(model, key) for key in ("features", "bands", "spectral_norm", "dropout")}
