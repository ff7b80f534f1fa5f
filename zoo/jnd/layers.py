"""Layers of the JND networks."""

import keras
from keras import ops

from zoo.audio.dsp import masked_moments, sequence_mask
from zoo.backend import fast_path

_EPSILON = 1e-3  # of the upstream networks' batch normalisation


@keras.saving.register_keras_serializable(package="zoo")
class HalvingConv1D(keras.layers.Layer):
    """Convolution 1 x 3 without bias, "same", stride 1 or 2, aligned by each example's own length.

    "Same" with stride 2 puts one zero before an odd length and none before an even one. Here that is the length of
    the example, not of the padded batch, so padding changes nothing. What lies after the length must be zero.

    Args:
        filters: channels of the output.
        strides: 1 or 2.

    Call:
        inputs: float (batch, time, channels), zero after the lengths.
        lengths: int32 (batch,).
        Returns float (batch, ceil(time / strides), filters); ceil(length / strides) of them count.
    """

    def __init__(self, filters, strides, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.strides = filters, strides

    def build(self, inputs_shape, lengths_shape=None):
        self.kernel = self.add_weight(shape=(3, inputs_shape[-1], self.filters), name="kernel")

    def call(self, inputs, lengths):
        kernel = ops.cast(self.kernel, inputs.dtype)

        def same():
            return ops.conv(inputs, kernel, self.strides, "same", data_format="channels_last")

        def by_parity():
            """After a zero on each side of examples of odd length, and two after those of even length."""
            around, after = ([[0, 0], zeros, [0, 0]] for zeros in ([1, 1], [0, 2]))
            padded = ops.where((lengths % 2 == 1)[:, None, None], ops.pad(inputs, around), ops.pad(inputs, after))
            return ops.conv(padded, kernel, self.strides, "valid", data_format="channels_last")

        if self.strides == 1:
            return same()
        # Most batches are of one length, which is the batch's own: no copies of the features with zeros are made.
        return fast_path(ops.all(lengths % 2 == ops.shape(inputs)[1] % 2), same, by_parity)

    def compute_output_shape(self, inputs_shape, lengths_shape=None):
        batch, time, _ = inputs_shape
        return (batch, None if time is None else -(-time // self.strides), self.filters)

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "strides": self.strides}


@keras.saving.register_keras_serializable(package="zoo")
class ClipNormalization(keras.layers.Layer):
    """(x - mean) / sqrt(variance + 1e-3) + beta over the time of each clip and channel; zero after the length.

    The statistics are always those of the clip itself, in training and inference alike: the upstream metric runs its
    batch normalisation that way on one clip at a time.

    Call:
        inputs: float (batch, time, channels).
        lengths: int32 (batch,); what lies after them does not count.
    """

    def build(self, inputs_shape, lengths_shape=None):
        self.beta = self.add_weight(shape=(inputs_shape[-1],), initializer="zeros", name="beta")

    def call(self, inputs, lengths):
        def padded():
            mask = ops.expand_dims(ops.cast(sequence_mask(lengths, ops.shape(inputs)[1]), inputs.dtype), 2)
            return self._normal(inputs, *masked_moments(inputs, lengths)) * mask

        def whole():
            if keras.backend.backend() == "torch" and inputs.shape[1] > 1:  # PyTorch refuses to normalise one sample
                return self._normal_in_torch(inputs)
            mean, variance = ops.moments(inputs, 1, keepdims=True)
            # Keras's variance is that of the squares less the mean's square, which rounding leaves below 0.
            return self._normal(inputs, mean, ops.maximum(variance, 0.0))

        # Three passes over the features are saved.
        return fast_path(ops.all(lengths == ops.shape(inputs)[1]), whole, padded)

    def _normal_in_torch(self, inputs):
        """PyTorch's own, one pass forward and one back: Keras's operations take two to three times as long there."""
        from torch.nn import functional

        beta = ops.cast(self.beta, inputs.dtype)
        return functional.instance_norm(inputs.transpose(1, 2), bias=beta, eps=_EPSILON).transpose(1, 2)

    def _normal(self, inputs, mean, variance):
        scale = ops.rsqrt(variance + _EPSILON)
        return inputs * scale + (self.beta - mean * scale)

    def compute_output_shape(self, inputs_shape, lengths_shape=None):
        return inputs_shape


@keras.saving.register_keras_serializable(package="zoo")
class PairedDropout(keras.layers.Layer):
    """Dropout with one mask for both halves of a batch: a recording and its reference lose the same features.

    With masks of their own, identical recordings would differ in training. Where the layer is frozen, nothing is dropped:
    a frozen metric is the same in the training of another model.

    Args:
        rate: share that is dropped, in training only.

    Call:
        inputs: float (2 n, time, channels), the references and then the degraded recordings.
    """

    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.seed_generator = keras.random.SeedGenerator()

    def call(self, inputs, training=False):
        if not (training and self.trainable and self.rate):
            return inputs
        half = inputs[: ops.shape(inputs)[0] // 2]
        mask = keras.random.dropout(ops.ones_like(half), self.rate, seed=self.seed_generator)
        return inputs * ops.concatenate([mask, mask])

    def compute_output_shape(self, inputs_shape):
        return inputs_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}


@keras.saving.register_keras_serializable(package="zoo")
class ChannelDistance(keras.layers.Layer):
    """Mean of |w_c (a - b)| over the time that counts and the channels; w_c is learned and free in sign.

    Call:
        inputs: float (2 n, time, channels), the references and then the degraded recordings, zero after the lengths.
        lengths: int32 (2 n,), those of a pair are equal.
        Returns float (n,), 0 and up.
    """

    def build(self, inputs_shape, lengths_shape=None):
        self.weight = self.add_weight(shape=(inputs_shape[-1],), initializer="ones", name="weight")

    def call(self, inputs, lengths):
        reference, degraded = ops.split(inputs, 2)  # TensorFlow's gradients of slices are whole copies with zeros
        # Over time first: what is weighted and averaged then is small.
        difference = ops.sum(ops.abs(reference - degraded), axis=1)
        count = ops.cast(ops.maximum(ops.split(lengths, 2)[0], 1), difference.dtype)
        return ops.mean(ops.abs(self.weight) * difference, axis=1) / count

    def compute_output_shape(self, inputs_shape, lengths_shape=None):
        return (None,)
