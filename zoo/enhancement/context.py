"""The waveform network of Manocha et al. 2020 (section 4.2, after Germain et al. 2019), as an enhancer."""

import keras
import numpy as np
from keras import layers, ops

from zoo.enhancement.layers import AdaptiveNormalization, NearIdentity
from zoo.enhancement.model import Enhancer
from zoo.nn.layers import MaskTime


@keras.saving.register_keras_serializable(package="zoo")
class ContextAggregationEnhancer(Enhancer):
    """The waveform network of the JND paper: dilated convolutions 1 x 3, each with adaptive normalisation.

    `depth` convolutions with dilations 1, 2, 4, ..., one undilated, each w0 x + w1 N(x) and LeakyReLU 0.2, then a
    1 x 1 convolution to one channel; zeros around the recording. N is the mean and variance of the clip itself over
    time, in inference too. The paper counts 16 layers: with the noisy recording and the enhanced one as the first and the
    last, there are 14 of features between them, as here, and 15 convolutions. 160,925 parameters; a sample sees 8,192 samples (0.512 s) before and after it, and the
    statistics of the clip.

    Latency: the whole recording, for its statistics. Chunks of a long one have statistics of their own.

    Args:
        depth: number of dilated convolutions.
        channels: of each.
        sample_rate: in Hz.
        name: of the model.

    Example:
        >>> ContextAggregationEnhancer().count_params()
        160925
    """

    def __init__(self, depth=13, channels=64, sample_rate=16000, name="context_aggregation_enhancer"):
        self.depth, self.channels = depth, channels
        waveform = keras.Input((None, 1), name="waveform")
        lengths = keras.Input((), dtype="int32", name="lengths")
        x = waveform
        for i, dilation in enumerate((*(2**i for i in range(depth)), 1)):
            x = layers.Conv1D(
                channels,
                3,
                padding="same",
                data_format="channels_last",
                dilation_rate=dilation,
                use_bias=False,
                kernel_initializer=NearIdentity(),
                dtype="float32" if i == 0 else None,  # a waveform in bfloat16 would be noise at -50 dB
            )(x)
            x = layers.LeakyReLU(0.2)(AdaptiveNormalization(dtype="float32")(x, lengths))
            # Zeros after the end, as around the bare recording.
            x = layers.Reshape((-1, channels))(MaskTime()(layers.Reshape((-1, 1, channels))(x), lengths))
        enhanced = layers.Conv1D(1, 1, data_format="channels_last", dtype="float32")(x)
        core = keras.Model([waveform, lengths], enhanced, name="core")
        reach = 2**depth  # samples on each side that one sample of the output sees
        super().__init__(core, sample_rate, reach / sample_rate, 1, reach, name)

    def _enhance(self, noisy, lengths, training):
        return ops.cast(self.core([ops.expand_dims(noisy, 2), lengths], training=training), "float32")[:, :, 0]

    def settle(self, noisy, reference, level):
        """Scale the output once and for all, after a training whose loss hears no polarity, or no level either.

        The last layer is linear: its weights are multiplied by the sign of the enhanced recordings' correlation with
        the references, and with `level` by the ratio of their rms too.

        Args:
            noisy, reference: float (batch, samples) in [-1, 1].
            level: whether the level is settled too, not the polarity alone.

        Returns:
            float, the factor.
        """
        enhanced = self.enhance(noisy, self.sample_rate)
        factor = float(np.sign(np.sum(enhanced * reference)) or 1.0)
        if level:
            factor *= float(np.sqrt(np.sum(np.square(reference)) / np.sum(np.square(enhanced))))
        last = self.core.layers[-1]
        last.set_weights([factor * weight for weight in last.get_weights()])
        return factor

    def get_config(self):
        return {**super().get_config(), "depth": self.depth, "channels": self.channels}
