"""Layers of the enhancers."""

import contextlib

import keras
import numpy as np
from keras import ops

from zoo.audio.dsp import masked_moments, sequence_mask

_by_loops = False


@keras.saving.register_keras_serializable(package="zoo")
class FrameMask(keras.layers.Layer):
    """bool (batch, time): True for the first (batch,) int32 frames of (batch, time, bins)."""

    def call(self, inputs, frames):
        return sequence_mask(frames, ops.shape(inputs)[1]) > 0

    def compute_output_spec(self, inputs, frames):
        return keras.KerasTensor(inputs.shape[:2], "bool")


@keras.saving.register_keras_serializable(package="zoo")
class Bidirectional(keras.layers.Bidirectional):
    """Keras's layer of this name around two LSTMs; in inference on TensorFlow, each is one operation instead of a loop.

    TensorFlow's BlockLSTM, which takes a third of the loop's time for one recording. Its gradient takes longer than the
    loop's, so training, and GPUs, precisions and backends that have no use for it, are left to Keras. Outputs are the
    same, but for rounding. The class has Keras's name, by which files of weights know it.

    Args:
        layer, backward_layer: keras.layers.LSTM that return sequences, the second one backwards, otherwise as they are made
            by default.

    Call:
        sequences: float (batch, time, channels).
        initial_state: as for Keras's layer, which a call with one, or without a mask, is left to.
        mask: bool (batch, time), True for the first times of each row, which count.
        Returns (batch, time, 2 units), zero where the mask is False.

    Example:
        >>> lstms = [keras.layers.LSTM(4, return_sequences=True, go_backwards=back) for back in (False, True)]
        >>> tuple(Bidirectional(*lstms)(ops.ones((2, 9, 3)), mask=ops.ones((2, 9), "bool")).shape)
        (2, 9, 8)
    """

    def __init__(self, layer, backward_layer, **options):
        super().__init__(layer, backward_layer=backward_layer, **options)
        self.supports_jit = keras.backend.backend() != "tensorflow"  # XLA does not know the operation

    def call(self, sequences, initial_state=None, mask=None, training=False):
        other = initial_state is not None or mask is None
        if training or other or _by_loops or self.compute_dtype != "float32" or not _on_tensorflows_cpu():
            return super().call(sequences, initial_state, mask, training)
        import tensorflow as tf

        lengths = ops.sum(ops.cast(mask, "int32"), axis=1)
        outputs = []
        for layer in (self.forward_layer, self.backward_layer):
            x = ops.transpose(sequences, (1, 0, 2))
            # Backwards from each row's own end.
            x = tf.reverse_sequence(x, lengths, 0, 1) if layer.go_backwards else x
            kernel = ops.concatenate([layer.cell.kernel, layer.cell.recurrent_kernel], axis=0)
            x = _block_lstm(x, kernel, tf.identity(layer.cell.bias.value))
            outputs.append(tf.reverse_sequence(x, lengths, 0, 1) if layer.go_backwards else x)
        outputs = ops.transpose(ops.concatenate(outputs, axis=2), (1, 0, 2))
        return outputs * ops.expand_dims(ops.cast(mask, outputs.dtype), 2)


@contextlib.contextmanager
def by_loops():
    """Context in which a `Bidirectional` is Keras's loops: for graphs that go where TensorFlow's BlockLSTM is not.

    Example:
        >>> with by_loops():
        ...     enhanced = model(noisy)  # doctest: +SKIP
    """
    global _by_loops
    _by_loops = True
    try:
        yield
    finally:
        _by_loops = False


def _on_tensorflows_cpu():
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.get_visible_devices("GPU")  # where Keras's layer is cuDNN's


def _block_lstm(x, kernel, bias):
    """Outputs (time, batch, units) of an LSTM of (time, batch, channels), by one operation, with its own gradient.

    TensorFlow registers the first version's gradient for the second, whose gates are in another order.
    """
    import tensorflow as tf

    @tf.custom_gradient
    def run(x, kernel, bias):
        units = bias.shape[0] // 4
        state, peephole = tf.zeros((tf.shape(x)[1], units)), tf.zeros((units,))
        inputs = {"seq_len_max": tf.shape(x, out_type="int64")[0], "x": x, "cs_prev": state, "h_prev": state, "w": kernel}
        inputs |= {"wci": peephole, "wcf": peephole, "wco": peephole, "b": bias}
        outputs = tf.raw_ops.BlockLSTMV2(**inputs, use_peephole=False)._asdict()

        def gradient(upstream):
            given = {"cs_grad": tf.zeros_like(upstream), "h_grad": upstream, "use_peephole": False}
            found = tf.raw_ops.BlockLSTMGradV2(**inputs, **outputs, **given)
            return found.x_grad, found.w_grad, found.b_grad

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
