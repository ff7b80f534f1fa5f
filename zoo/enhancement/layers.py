"""Layers of the enhancers."""

import keras
import numpy as np
from keras import ops

from zoo import backend
from zoo.audio.dsp import masked_moments, sequence_mask


@keras.saving.register_keras_serializable(package="zoo")
class FrameMask(keras.layers.Layer):
    """bool (batch, time): True for the first (batch,) int32 frames of (batch, time, bins)."""

    def call(self, inputs, frames):
        return sequence_mask(frames, ops.shape(inputs)[1]) > 0

    def compute_output_spec(self, inputs, frames):
        return keras.KerasTensor(inputs.shape[:2], "bool")


@keras.saving.register_keras_serializable(package="zoo")
class Bidirectional(keras.layers.Bidirectional):
    """Keras's layer of this name around two LSTMs, each one operation where the backend has one.

    On PyTorch it is PyTorch's LSTM: Keras's layer with a mask is a loop in Python over the frames. On TensorFlow, in
    inference on a CPU, it is BlockLSTM, which is faster than Keras's loop, most of all for one recording; its gradient
    is slower, so training is left to Keras's layer. Left to that is also what the operations are not for: JAX, XLA,
    `zoo.backend.portable_operations`, and LSTMs with other than the default options, but for returning sequences;
    BlockLSTM also leaves other devices and precisions. Outputs are the same, but for rounding. In inference BlockLSTM
    holds seven arrays of the size of a direction's outputs, and there is no second derivative. The class has Keras's
    name, by which files of weights know it.

    Args: as for Keras's layer.

    Call:
        sequences: float (batch, time, channels).
        initial_state: as for Keras's layer; a call with one, or without a mask, is left to that.
        mask: bool (batch, time), True for the first times of each row, which count.
        Returns (batch, time, 2 units), zero where the mask is False.

    Example:
        >>> ahead, back = (keras.layers.LSTM(4, return_sequences=True, go_backwards=turned) for turned in (False, True))
        >>> layer = Bidirectional(ahead, backward_layer=back)
        >>> tuple(layer(ops.ones((2, 9, 3)), mask=ops.ones((2, 9), "bool")).shape)
        (2, 9, 8)
    """

    def call(self, sequences, initial_state=None, mask=None, training=False):
        if initial_state is None and mask is not None and self._is_plain(training):
            if keras.backend.backend() == "torch":
                return self._by_torch_lstm(sequences, mask)
            if not training and self.compute_dtype == "float32" and _has_block_lstm():
                return self._by_block_lstm(sequences, mask)
        return super().call(sequences, initial_state, mask, training)

    def _is_plain(self, training):
        """Whether the operations compute the same as this layer."""
        pair = self.forward_layer, self.backward_layer
        options = pair[0].go_backwards, self.return_state, self.merge_mode
        drops = training and any(layer.dropout or layer.recurrent_dropout for layer in pair)
        return options == (False, False, "concat") and not drops and all(map(_is_default_lstm, pair))

    def _by_torch_lstm(self, sequences, mask):
        time, lengths = ops.arange(sequences.shape[1]), ops.sum(ops.cast(mask, "int32"), axis=1)[:, None]
        # Each row from its own end; what does not count stays where it is.
        turned = ops.where(mask, lengths - 1 - time, time)[:, :, None]
        sequences = ops.cast(sequences, self.compute_dtype)
        ahead = _torch_lstm(sequences, self.forward_layer.cell)
        back = _torch_lstm(ops.take_along_axis(sequences, turned, axis=1), self.backward_layer.cell)
        outputs = ops.concatenate([ahead, ops.take_along_axis(back, turned, axis=1)], axis=2)
        return ops.where(ops.expand_dims(mask, 2), outputs, 0.0)  # not a product: padding may hold NaN

    def _by_block_lstm(self, sequences, mask):
        import tensorflow as tf

        odd = sequences.shape[2] % 2  # of odd channels in an odd batch TensorFlow says at each call that it is slow
        lengths = ops.sum(ops.cast(mask, "int32"), axis=1)
        forwards = ops.transpose(ops.pad(sequences, [[0, 0], [0, 0], [0, odd]]), (1, 0, 2))
        backwards = tf.reverse_sequence(forwards, lengths, 0, 1)  # from each row's own end
        outputs = []
        for x, layer in ((forwards, self.forward_layer), (backwards, self.backward_layer)):
            kernel = ops.pad(layer.cell.kernel, [[0, odd], [0, 0]])
            bias = tf.identity(layer.cell.bias.value)  # of a variable tf.custom_gradient asks for another argument
            outputs.append(_block_lstm(x, ops.concatenate([kernel, layer.cell.recurrent_kernel], axis=0), bias))
        outputs[1] = tf.reverse_sequence(outputs[1], lengths, 0, 1)
        # `where`, not a product: padding may hold NaN, and NaN x 0 is NaN.
        return ops.where(ops.expand_dims(mask, 2), ops.transpose(ops.concatenate(outputs, axis=2), (1, 0, 2)), 0.0)


@keras.saving.register_keras_serializable(package="zoo")
class Orthogonal(keras.initializers.Orthogonal):
    """Keras's initializer of this name, in float32 for any dtype: TensorFlow has no decomposition in bfloat16.

    Example:
        >>> Orthogonal()((4, 4), "bfloat16").dtype.name
        'bfloat16'
    """

    def __call__(self, shape, dtype=None):
        return ops.cast(super().__call__(shape, "float32"), dtype or keras.config.floatx())


def _is_default_lstm(layer):
    """Whether a layer is an LSTM with the default options, but for returning sequences."""
    if not isinstance(layer, keras.layers.LSTM):
        return False
    functions = layer.activation, layer.recurrent_activation
    return (
        layer.use_bias and layer.return_sequences and functions == (keras.activations.tanh, keras.activations.sigmoid)
    )


def _torch_lstm(sequences, cell):
    """Outputs (batch, time, units) of PyTorch's LSTM with the weights of Keras's, whose gates are in the same order."""
    import torch

    kernel, recurrent, bias = (
        ops.cast(weight.value, sequences.dtype) for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)
    )
    weights = [kernel.T.contiguous(), recurrent.T.contiguous(), bias, torch.zeros_like(bias)]
    state = sequences.new_zeros(1, len(sequences), cell.units)
    layers, dropout, bidirectional, batch_first = 1, 0.0, False, True
    train = torch.is_grad_enabled()
    return torch.lstm(sequences, (state, state), weights, True, layers, dropout, train, bidirectional, batch_first)[0]


def _has_block_lstm():
    """Whether what is traced or run now may use TensorFlow's BlockLSTM, and gains by it."""
    if keras.backend.backend() != "tensorflow" or backend.is_portable():
        return False
    import tensorflow as tf
    from tensorflow.python.ops import control_flow_util

    # XLA does not know the operation, and no public function says that XLA compiles.
    cpu = all(device.device_type == "CPU" for device in tf.config.get_visible_devices())
    return cpu and not control_flow_util.GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def _block_lstm(x, kernel, bias):
    """Outputs (time, batch, units) of an LSTM of (time, batch, channels), by one operation, with a gradient of our own.

    TensorFlow registers the first version's gradient for the second, whose gates are in another order.
    """
    import tensorflow as tf

    @tf.custom_gradient
    def run(x, kernel, bias):
        units = bias.shape[0] // 4
        state, peephole = tf.zeros((tf.shape(x)[1], units)), tf.zeros((units,))
        inputs = {
            "seq_len_max": tf.shape(x, out_type="int64")[0],
            "x": x,
            "cs_prev": state,
            "h_prev": state,
            "w": kernel,
        }
        inputs |= {"wci": peephole, "wcf": peephole, "wco": peephole, "b": bias}
        outputs = tf.raw_ops.BlockLSTMV2(**inputs, use_peephole=False)._asdict()

        def gradient(upstream):
            options = {"cs_grad": tf.zeros_like(upstream), "h_grad": upstream, "use_peephole": False}
            slopes = tf.raw_ops.BlockLSTMGradV2(**inputs, **outputs, **options)
            return slopes.x_grad, slopes.w_grad, slopes.b_grad

        return outputs["h"], gradient

    return run(x, kernel, bias)


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
