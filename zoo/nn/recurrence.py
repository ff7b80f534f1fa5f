"""Recurrences that no matrix couples: each channel remembers by itself, so that all else is computed for all times at once."""

from typing import Any

import keras
from keras import ops


def linear_recurrence(decay: Any, inputs: Any, initial: Any) -> Any:
    """h[t] = decay[t] h[t - 1] + inputs[t], with h[-1] = `initial`, elementwise.

    Args:
        decay, inputs: float tensors (batch, time, ...), of one shape.
        initial: float tensor (batch, ...).

    Returns:
        h, (batch, time, ...).

    Example:
        >>> half = ops.full((1, 3, 1), 0.5)
        >>> ops.convert_to_numpy(linear_recurrence(half, ops.ones((1, 3, 1)), ops.zeros((1, 1))))[0, :, 0].tolist()
        [1.0, 1.5, 1.75]
    """
    if decay.shape[1] == 1:  # a stream's frame: no loop
        return decay * initial[:, None] + inputs
    order = (1, 0, *range(2, len(inputs.shape)))  # time first, and back
    decay, inputs = ops.transpose(decay, order), ops.transpose(inputs, order)
    recurrence = _by_tensorflow if keras.backend.backend() == "tensorflow" else _by_scan
    return ops.transpose(recurrence(decay, inputs, initial), order)


def _by_scan(decay, inputs, initial):
    """The recurrence along the first axis."""

    def step(state, now):
        state = now[0] * state + now[1]
        return state, state

    return ops.scan(step, initial, (decay, inputs))[1]


@ops.custom_gradient
def _by_tensorflow(decay, inputs, initial):
    """`_by_scan` for any number of times, which Keras's scan does not take; its gradient is one recurrence backwards.

    TensorFlow's own gradient of a loop keeps every step of it.
    """
    states = _loop(decay, inputs, initial, backwards=False)

    def gradient(upstream):
        following = ops.concatenate([decay[1:], ops.zeros_like(decay[:1])], axis=0)
        slopes = _loop(following, upstream, ops.zeros_like(initial), backwards=True)
        before = ops.concatenate([initial[None], states[:-1]], axis=0)
        return slopes * before, slopes, decay[0] * slopes[0]

    return states, gradient


def _loop(decay, inputs, initial, backwards):
    """The recurrence along the first axis, forwards or backwards, as a loop of TensorFlow."""
    import tensorflow as tf

    count = tf.shape(inputs)[0]
    rows = [tf.TensorArray(x.dtype, count).unstack(x) for x in (decay, inputs)]

    def step(i, state, states):
        place = count - 1 - i if backwards else i
        state = rows[0].read(place) * state + rows[1].read(place)
        return i + 1, state, states.write(place, state)

    start = 0, initial, tf.TensorArray(inputs.dtype, count, element_shape=initial.shape)
    states = tf.while_loop(lambda i, *_: i < count, step, start)[2].stack()
    states.set_shape(inputs.shape)
    return states
