"""Quality-Net without a reference: a network of our own that hears the degraded recording alone, and says when."""

import functools
import math

import keras
from keras import layers, ops

from zoo import backend
from zoo.audio import dsp
from zoo.nn.layers import Dropout, MaskTime
from zoo.quality_net.features import RecordingFeatures
from zoo.quality_net.inference import FreeScorer, OnnxFreeMetric
from zoo.quality_net.layers import FrameConstraint, WeightedMeanOverTime, activated, normalised, strided_convolution
from zoo.quality_net.surrogate import Surrogate


@keras.saving.register_keras_serializable(package="zoo")
class QualityNetFree(FreeScorer, Surrogate):
    """Predicts a metric from the degraded recording alone: a value for each moment, and their weighted mean.

    The task is that of the first Quality-Net (Fu, Tsao, Hwang and Wang 2018, "Quality-Net: An End-to-End Non-intrusive
    Speech Quality Assessment Model based on BLSTM"), which assesses each frame by a BLSTM. The network is ours: strided
    3 x 3 convolutions on mel bands, dilated convolutions over time with shortcuts, and for each moment its quality q_t and
    the logit of its weight:

        Q = sum_t w_t q_t

    Call:
        inputs: waveform or [waveform, lengths]; float (batch, samples) in [-1, 1] at `sample_rate`, and int32 (batch,)
            samples that count.
        Returns float32 (batch,), in the metric's units; differentiable in the waveform.

    Args:
        bands: mel bands of the input.
        convolutions: (channels, stride in time, stride in frequency) of each, in order.
        units: channels of the dilated convolutions.
        dilations: of each, in steps of time after the strides.
        dropout: before the values and weights, in training.
        constraint: weight of `FrameConstraint` in a training's loss, of Q.
        sample_rate, n_fft, hop_length: of the spectra, in Hz and samples; Hamming window of n_fft.
        target_range: the metric's worst and best value, at Q = 0 and Q = 1.
        value_range: the metric's lowest and highest value, to which `score` clips; None does not clip.
        name: of the model.

    Example:
        >>> model = QualityNetFree()
        >>> tuple(model(ops.ones((2, 16000))).shape), model.frame_samples
        ((2,), 1024)
    """

    onnx_class = OnnxFreeMetric
    onnx_networks = ("core", "over_time")

    def __init__(
        self,
        bands=64,
        convolutions=((32, 1, 2), (48, 2, 2), (64, 1, 2), (96, 2, 2)),
        units=128,
        dilations=(1, 2, 4, 8),
        dropout=0.1,
        constraint=0.3,
        sample_rate=16000,
        n_fft=512,
        hop_length=256,
        target_range=(-0.5, 4.5),
        value_range=None,
        name="quality_net_free",
    ):
        self.bands, self.units, self.dilations, self.dropout = bands, units, tuple(dilations), dropout
        self.constraint = constraint
        self.convolutions = tuple(map(tuple, convolutions))
        magnitude = keras.Input((None, n_fft // 2 + 1), name="magnitude")
        frames = keras.Input((), dtype="int32", name="frames")
        x, counted = RecordingFeatures(bands, n_fft, sample_rate, dtype="float32")(magnitude, frames), frames
        x = MaskTime()(normalised(x), counted)
        for channels, *strides in self.convolutions:
            x, counted = strided_convolution(x, counted, channels, strides)
        x = activated(_over_time(units, (1, x.shape[2]))(x), counted)
        for dilation in self.dilations:
            padded = layers.ZeroPadding2D((dilation, 0), "channels_last")(x)
            x = x + activated(_over_time(units, (3, 1), dilation)(padded), counted)
        x = Dropout(dropout)(x)
        values, logits = (
            layers.Reshape((-1,), dtype="float32")(layers.Conv2D(1, 1, data_format="channels_last", dtype="float32")(x))
            for _ in range(2)
        )
        # On about the scale of the targets, so that training starts near them.
        values = layers.Rescaling(0.25, 0.5, name="values", dtype="float32")(values)
        quality = WeightedMeanOverTime(dtype="float32")(values, logits, counted)
        quality = FrameConstraint(constraint, dtype="float32")(quality, values, counted)
        core = keras.Model([magnitude, frames], quality, name="core")
        super().__init__(core, sample_rate, n_fft, hop_length, target_range, value_range, name)

    # Cached past Keras, which would save the core's layers twice.
    @functools.cached_property
    def over_time(self):
        """Functional keras.Model, [magnitude, frames] -> Q of each moment, (batch, moments); layers are the core's."""
        return keras.Model(self.core.inputs, self.core.get_layer("values").output, name="over_time")

    @functools.cached_property
    def _whole_and_over_time(self):
        return keras.Model(self.core.inputs, [self.core.output, self.over_time.output])

    @property
    def frame_samples(self):
        """Samples from each moment to the next."""
        return self.hop_length * math.prod(stride for _, stride, _ in self.convolutions)

    def core_features(self, waveform, lengths):
        magnitude = dsp.magnitude(waveform, self.n_fft, self.hop_length, lengths)
        return [magnitude, dsp.frame_count(lengths, self.hop_length)]

    def frame_values(self, recording, lengths):
        return backend.predict(self.over_time, self.core_inputs([recording, lengths]))

    def serve(self, waveform, lengths):
        """Outputs of a served model, by name: `score`, and `over_time` (batch, moments), NaN after the recording's end."""
        waveform, lengths = self.long_enough(waveform, lengths)
        quality, values = self._whole_and_over_time(self.core_inputs([waveform, lengths]))
        moments = (lengths + self.frame_samples - 1) // self.frame_samples
        counted = dsp.sequence_mask(moments, ops.shape(values)[1]) > 0
        over_time = ops.where(counted, self.limited(self.in_units(values)), float("nan"))
        return {"score": self.served_score(quality, waveform, lengths), "over_time": over_time}

    def get_config(self):
        own = {key: getattr(self, key) for key in ("bands", "units", "dropout", "constraint")}
        own |= {"dilations": list(self.dilations), "convolutions": [list(one) for one in self.convolutions]}
        return {**super().get_config(), **own}


def _over_time(units, kernel, dilation=1):
    return layers.Conv2D(units, kernel, dilation_rate=(dilation, 1), data_format="channels_last", use_bias=False)
