"""Layers that more than one family needs."""

import keras
import numpy as np
from keras import ops

from zoo.audio.dsp import sequence_mask
from zoo.backend import fast_path

_EPS = 1e-12


@keras.saving.register_keras_serializable(package="zoo")
class SpectralNormalization(keras.layers.Wrapper):
    """Divides the kernel of a Conv2D or Dense layer by its largest singular value, without overwriting it.

    sigma(W) = max ||W h|| / ||h|| of the kernel reshaped to (k * k * c_in, c_out), by power iteration (Miyato et al.
    2018, Algorithm 1) that starts from the exact direction. The raw kernel stays the trained variable; `kernel / sigma`
    is computed at each call, so a call has no side effect except in training, where one power iteration is kept. A
    frozen layer never changes. Keras's own layer of this name assigns its kernel at each call, even when frozen, and
    normalises nothing before training.

    It bounds the reshaped matrix, not the convolution: a k x k convolution may still amplify by up to k.

    Args:
        layer: keras.layers.Conv2D (groups=1) or keras.layers.Dense.

    Input and output: those of the layer.

    Raises:
        ValueError: for any other layer.

    Example:
        >>> layer = SpectralNormalization(keras.layers.Dense(4))
        >>> tuple(layer(ops.ones((2, 8))).shape)
        (2, 4)
    """

    def __init__(self, layer, **kwargs):
        convolution = isinstance(layer, keras.layers.Conv2D) and layer.groups == 1
        if not (convolution or isinstance(layer, keras.layers.Dense)):
            raise ValueError(f"SpectralNormalization wraps Conv2D (groups=1) or Dense, not {type(layer).__name__}")
        super().__init__(layer, **{**kwargs, "dtype": "float32"})  # sigma is; the layer computes in its own

    def build(self, input_shape=None):
        super().build(input_shape)
        # From the exact direction: some power iterations from a random one leave sigma off by several per cent.
        matrix = ops.convert_to_numpy(ops.cast(self.layer.kernel, "float32"))
        right = np.linalg.svd(matrix.reshape(-1, matrix.shape[-1]), full_matrices=False)[2][0]
        self.direction = self.add_weight(
            name="direction",
            shape=right.shape,
            initializer=lambda shape, dtype=None: ops.convert_to_tensor(right, dtype),
            trainable=False,
            autocast=False,
            dtype="float32",
        )

    def call(self, inputs, training=False):
        sigma, direction = self._power_iteration()
        if training and self.trainable:
            self.direction.assign(direction)
        layer = self.layer
        inputs, kernel = (ops.cast(x, layer.compute_dtype) for x in (inputs, layer.kernel / sigma))
        if isinstance(layer, keras.layers.Dense):
            outputs = ops.matmul(inputs, kernel)
        else:
            outputs = layer.convolution_op(inputs, kernel)
        if layer.use_bias:
            outputs = outputs + ops.cast(layer.bias, outputs.dtype)
        return layer.activation(outputs)

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def effective_kernel(self):
        """The kernel that a call uses now: the raw kernel over its largest singular value."""
        return self.layer.kernel / self._power_iteration()[0]

    def _power_iteration(self):
        """One step from the kept direction: sigma (differentiable in the kernel) and the next direction."""
        kernel = ops.cast(self.layer.kernel, "float32")
        matrix = ops.reshape(kernel, (-1, kernel.shape[-1]))
        fixed = ops.stop_gradient(matrix)
        left = _unit(ops.matmul(fixed, ops.reshape(self.direction, (-1, 1))))
        right = _unit(ops.matmul(ops.transpose(fixed), left))
        sigma = ops.sum(left * ops.matmul(matrix, right))
        return sigma + _EPS, ops.reshape(right, (-1,))


@keras.saving.register_keras_serializable(package="zoo")
class Dropout(keras.layers.Dropout):
    """Keras's layer of this name, by which files of weights know it; where it is frozen, it does nothing.

    Keras's drops units in the training of a model that a frozen one is a part of: its values would change from step to
    step.

    Example:
        >>> layer = Dropout(0.5)
        >>> layer.trainable = False
        >>> float(ops.sum(layer(ops.ones((1, 100)), training=True)))
        100.0
    """

    def call(self, inputs, training=False):
        return super().call(inputs, training=bool(training) and self.trainable)


def _unit(vector):
    return vector / (ops.sqrt(ops.sum(ops.square(vector))) + _EPS)


def fold_spectral_normalization(model):
    """A copy of a functional model in which each SpectralNormalization is Keras's plain layer with the effective kernel.

    For export: the same outputs, and neither power iterations nor transformed kernels in the graph. The copy no longer
    renormalises when trained.

    Args:
        model: functional or Sequential keras.Model.

    Returns:
        keras.Model with the same inputs, outputs and layer names.
    """

    def plain(layer):
        if not isinstance(layer, SpectralNormalization):
            return layer.__class__.from_config(layer.get_config())
        kind = keras.layers.Conv2D if isinstance(layer.layer, keras.layers.Conv2D) else keras.layers.Dense
        return kind.from_config({**layer.layer.get_config(), "name": layer.name})

    folded = keras.models.clone_model(model, clone_function=plain)
    for layer in model.layers:
        weights = layer.get_weights()
        if isinstance(layer, SpectralNormalization):
            bias = [layer.layer.bias] if layer.layer.use_bias else []
            weights = [ops.convert_to_numpy(value) for value in (layer.effective_kernel(), *bias)]
        folded.get_layer(layer.name).set_weights(weights)
    return folded


@keras.saving.register_keras_serializable(package="zoo")
class MaskTime(keras.layers.Layer):
    """Sets (batch, time, frequency, channels) to zero at and after (batch,) int32 lengths of the time axis."""

    def call(self, inputs, lengths):
        whole = ops.all(lengths >= ops.shape(inputs)[1])
        return fast_path(whole, lambda: inputs, lambda: inputs * _time_mask(inputs, lengths))

    def compute_output_shape(self, inputs_shape, lengths_shape=None):
        return inputs_shape


@keras.saving.register_keras_serializable(package="zoo")
class MeanOverTime(keras.layers.Layer):
    """Mean of (batch, time, frequency, channels) over the first (batch,) int32 lengths of the time axis."""

    def call(self, inputs, lengths):
        count = ops.cast(ops.maximum(lengths, 1), inputs.dtype)[:, None, None]
        return ops.sum(inputs * _time_mask(inputs, lengths), axis=1) / count

    def compute_output_shape(self, inputs_shape, lengths_shape=None):
        return (inputs_shape[0], *inputs_shape[2:])


@keras.saving.register_keras_serializable(package="zoo")
class MaxOverTime(keras.layers.Layer):
    """Maximum of (batch, time, frequency, channels) over the first (batch,) int32 lengths of the time axis."""

    def call(self, inputs, lengths):
        lowest = ops.cast(-1e4, inputs.dtype)
        return ops.max(ops.where(_time_mask(inputs, lengths) > 0, inputs, lowest), axis=1)

    def compute_output_shape(self, inputs_shape, lengths_shape=None):
        return (inputs_shape[0], *inputs_shape[2:])


def overlapping_blocks(x, size, hop, covered):
    """Blocks of a time axis, a hop apart, with zeros where they go past its end.

    Args:
        x: (batch, time, ...), the rest of a known shape.
        size: of a block, `hop` or up to twice as much.
        hop: from block to block.
        covered: so many times, from the first on, lie in the first hop of some block; `time - hop` or more.

    Returns:
        (batch, ceil(covered / hop), size, ...).

    Example:
        >>> ops.convert_to_numpy(overlapping_blocks(ops.arange(7)[None], 4, 2, 5)).tolist()
        [[[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 0]]]
    """
    time, rest = ops.shape(x)[1], x.shape[2:]
    blocks = (covered + hop - 1) // hop
    # One more block than needed lends its start to the last one.
    end = [[0, 0], [0, (blocks + 1) * hop - time], *[[0, 0]] * len(rest)]
    pieces = ops.reshape(ops.pad(x, end), (-1, blocks + 1, hop, *rest))
    return ops.concatenate([pieces[:, :-1], pieces[:, 1:, : size - hop]], axis=2)


def _time_mask(inputs, lengths):
    """(batch, time, 1, 1): 1 where the time counts."""
    return ops.expand_dims(ops.cast(sequence_mask(lengths, ops.shape(inputs)[1]), inputs.dtype), (2, 3))
