"""Layers of the enhancers."""

import keras
import numpy as np
from keras import ops

from zoo.audio.dsp import masked_moments, sequence_mask


@keras.saving.register_keras_serializable(package="zoo")
class FrameMask(keras.layers.Layer):
    """bool (batch, time): True for the first (batch,) int32 frames of (batch, time, bins)."""

    def call(self, inputs, frames):
        return sequence_mask(frames, ops.shape(inputs)[1]) > 0

    def compute_output_spec(self, inputs, frames):
        return keras.KerasTensor(inputs.shape[:2], "bool")


@keras.saving.register_keras_serializable(package="zoo")
class AdaptiveNormalization(keras.layers.Layer):
    """w0 x + w1 (N(x) + beta) with learned scalars w0 = 1 and w1 = 0 at the start, and beta of each channel.

    N(x) = (x - mean) / sqrt(variance + 1e-3) over the time of each clip and channel, in training and inference alike
    (Chen, Xu and Koltun 2017, equation 5, on the statistics of the clip).

    Call:
        inputs: float (batch, time, channels).
        lengths: int32 (batch,); what lies after them does not count.
    """

    def build(self, inputs_shape, lengths_shape=None):
        self.w0 = self.add_weight(shape=(), initializer="ones", name="w0")
        self.w1 = self.add_weight(shape=(), initializer="zeros", name="w1")
        self.beta = self.add_weight(shape=(inputs_shape[-1],), initializer="zeros", name="beta")

    def call(self, inputs, lengths):
        mean, variance = masked_moments(inputs, lengths)
        normal = (inputs - mean) / ops.sqrt(variance + 1e-3)
        return self.w0 * inputs + self.w1 * (normal + self.beta)

    def compute_output_shape(self, inputs_shape, lengths_shape=None):
        return inputs_shape


@keras.saving.register_keras_serializable(package="zoo")
class NearIdentity(keras.initializers.Initializer):
    """A convolution that hands its channels on, and a little noise: 1 at the centre tap of channel i to i.

    The noise is a tenth of what would keep the variance; `keras.utils.set_random_seed` fixes it. From random kernels a
    deep waveform network first learns to be silent, and stays so for long (Chen, Xu and Koltun 2017 start from the
    identity too).
    """

    def __call__(self, shape, dtype=None):
        width, inputs, outputs = shape
        centre = np.zeros(shape, "float32")
        centre[width // 2] = np.eye(inputs, outputs)
        noise = keras.initializers.RandomNormal(stddev=0.1 / np.sqrt(width * inputs))(shape, dtype)
        return ops.cast(centre, noise.dtype) + noise
