"""JND: distances between recordings that listeners' answers trained.

`JND` is the network of Manocha et al. 2020 ("A Differentiable Perceptual Audio Metric Learned from Just Noticeable
Differences", sections 2.2 and 3.3), which its authors publish as DPAM. Every metric here is a functional Keras core,
which gives one distance for each of its layers, inside the waveform wrapper `JNDMetric`.
"""

import keras
from keras import layers, ops

from zoo.jnd.inference import Judge, OnnxJND
from zoo.jnd.layers import ChannelDistance, ClipNormalization, HalvingConv1D, PairedDropout
from zoo.nn.model import PairMetric

_FULL_SCALE = 32768.0  # upstream reads 16-bit files as they are


class JNDMetric(Judge, PairMetric):
    """Waveform wrapper of a network that measures how different two recordings sound.

    Call:
        inputs: [reference, degraded] or [reference, degraded, lengths]; float (batch, samples) in [-1, 1] at
            `sample_rate`, and int32 (batch,) samples that count.
        Returns the distance, float32 (batch,), 0 and up, lower is more alike; differentiable in the waveforms. It is
        symmetric, and 0 for identical recordings.

    Attributes:
        core: functional keras.Model, [what `core_features` returns] -> float (batch, layers), a distance each.
        head: functional keras.Model, (batch, layers) -> (batch, 2), log-odds of the answers "same" and "different".
        sample_rate: Hz.
    """

    onnx_class = OnnxJND
    onnx_networks = ("core", "head")

    def __init__(self, core, head, sample_rate, name):
        super().__init__(core, sample_rate, name)
        self.head = head

    def layer_distances(self, inputs, training=False):
        """The distance of each layer, float32 (batch, layers); arguments as for a call."""
        return self.core(self.core_inputs(inputs), training=training)

    def call(self, inputs, training=False):
        return ops.sum(self.layer_distances(inputs, training), axis=1)

    def logit(self, inputs, training=False):
        """Log-odds that a listener answers "different", float32 (batch,); differentiable; arguments as for a call."""
        return self._log_odds(self.layer_distances(inputs, training), training)

    def serve(self, reference, degraded, lengths):
        """Outputs of a served model, by name: `distance` and `probability`, as by `judge` of at most 30 s."""
        by_layer = self.layer_distances([reference, degraded, lengths])
        outputs = {"distance": ops.sum(by_layer, axis=1), "probability": ops.sigmoid(self._log_odds(by_layer))}
        return {name: ops.where(lengths > 0, value, float("nan")) for name, value in outputs.items()}

    def answers(self, by_layer):
        return ops.convert_to_numpy(self.head(by_layer, training=False))

    def _log_odds(self, by_layer, training=False):
        answers = self.head(by_layer, training=training)
        return answers[:, 1] - answers[:, 0]


@keras.saving.register_keras_serializable(package="zoo")
class JND(JNDMetric):
    """The paper's network: convolutions 1 x 3 on the waveform, statistics of the clip, L1 of every layer.

    Each of the `channels` layers: convolution without bias (stride 2, the last 1), normalisation by the clip's own mean
    and variance, LeakyReLU 0.2. The distance is the sum over layers of mean |w_c (F_c(x) - F_c(y))| (section 2.2).
    The head G of section 2.2, as the authors' code has it, reads the mean of the layers: sigmoid, dense 16, 6 (ReLU), 2.

    Args:
        channels: of each layer.
        dropout: share of each layer's features that training leaves out, the same of both recordings.
        sample_rate: Hz.
        name: of the model.

    Example:
        >>> JND().count_params()
        241844
    """

    def __init__(self, channels=(32,) * 5 + (64,) * 5 + (128,) * 4, dropout=0.3, sample_rate=22050, name="jnd"):
        self.channels, self.dropout = tuple(channels), dropout
        backbone = _waveform_backbone(self.channels, dropout)
        reference, degraded = (keras.Input((None, 1), name=name) for name in ("reference", "degraded"))
        lengths = keras.Input((), dtype="int32", name="lengths")
        stack = layers.Concatenate(axis=0)
        features = backbone([stack([reference, degraded]), stack([lengths, lengths])])
        distances = [
            ChannelDistance(name=f"distance_{i}", dtype="float32")(x, frames)
            for i, (x, frames) in enumerate(_by_layer(features))
        ]
        core = keras.Model([reference, degraded, lengths], ops.stack(distances, axis=1), name="core")
        super().__init__(core, _answer_head(len(self.channels)), sample_rate, name)
        self.backbone = backbone

    def core_features(self, reference, degraded, lengths):
        return [ops.expand_dims(reference, 2), ops.expand_dims(degraded, 2), lengths]

    def get_config(self):
        return {**super().get_config(), "channels": list(self.channels), "dropout": self.dropout}


def _waveform_backbone(channels, dropout):
    """[waveform (batch, time, 1), lengths (batch,)] -> the features of each layer and the lengths that count of them."""
    waveform, lengths = keras.Input((None, 1), name="waveform"), keras.Input((), dtype="int32", name="lengths")
    x, frames, outputs = layers.Rescaling(_FULL_SCALE, dtype="float32")(waveform), lengths, []
    for i, filters in enumerate(channels):
        strides = 1 if i == len(channels) - 1 else 2
        # A waveform in bfloat16 would be noise at -50 dB.
        x = HalvingConv1D(filters, strides, name=f"conv_{i}", dtype="float32" if i == 0 else None)(x, frames)
        frames = (frames + strides - 1) // strides
        x = layers.LeakyReLU(0.2)(ClipNormalization(name=f"norm_{i}", dtype="float32")(x, frames))
        x = PairedDropout(dropout)(x)
        outputs += [x, frames]
    return keras.Model([waveform, lengths], outputs, name="backbone")


def _by_layer(features):
    """Pairs (features, lengths) of the outputs of a backbone."""
    return list(zip(features[::2], features[1::2], strict=True))


def _answer_head(count):
    distances = keras.Input((count,), name="distances")
    x = ops.sigmoid(ops.mean(distances, axis=1, keepdims=True))
    for units in (16, 6):
        x = layers.Dense(units, "relu", dtype="float32")(x)
    return keras.Model(distances, layers.Dense(2, dtype="float32")(x), name="head")
