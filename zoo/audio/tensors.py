"""Checks of waveforms that come as tensors, into a loss or a network: eager, and in a graph as far as shapes are known.

Arrays that a user gives to a method are checked by `zoo.audio.checks`.
"""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.audio import checks
from zoo.errors import InputError

Tensor = Any  # a tensor of the Keras backend, or a NumPy array


def check_shapes(arrays: Mapping[str, Tensor], axes: str, rank: int) -> None:
    """Raise an InputError unless all arrays are of a rank and of one shape, as far as it is known.

    Args:
        arrays: {name for the message: array or tensor}.
        axes: what to give, in words.
        rank: number of axes.

    Example:
        >>> check_shapes({"reference": np.ones((2, 9)), "estimate": np.ones((2, 9))}, "(batch, samples)", 2)
    """
    shapes = [tuple(array.shape) for array in arrays.values()]
    known = [set(sizes) - {None} for sizes in zip(*shapes, strict=False)]
    if {len(shape) for shape in shapes} != {rank} or any(len(sizes) > 1 for sizes in known):
        text = " and ".join(f"{name} has shape {shape}" for name, shape in zip(arrays, shapes, strict=True))
        raise InputError(f"{text}; give {axes}{', of one shape' if len(shapes) > 1 else ''}")


def check_waveforms(waveforms: Mapping[str, Tensor], lengths: Tensor | None = None) -> None:
    """Raise an InputError unless waveforms are (batch, samples), of one shape, and lengths are of that batch.

    Outside a graph the first, which is the reference where there is one, must be scaled too (`checks.check_scale`). An
    estimate may be of any size: a network in training gives such. A graph of TensorFlow that was traced for any shape
    compares the shapes when it runs; XLA leaves that out.

    Args:
        waveforms: {name for the message: float (batch, samples)}.
        lengths: (batch,), or None.

    Example:
        >>> check_waveforms({"reference": np.zeros((2, 9)), "estimate": np.ones((2, 9))}, np.array([9, 5]))
    """
    check_shapes(waveforms, "(batch, samples)", 2)
    for x in waveforms.values():
        if None not in tuple(x.shape):
            checks.check_samples_last(x)
    batch = {x.shape[0] for x in waveforms.values()} - {None}
    if lengths is not None:
        shape = tuple(np.shape(lengths) if isinstance(lengths, (list, tuple)) else lengths.shape)
        if len(shape) != 1 or len(batch | ({shape[0]} - {None})) > 1:
            count = f"{batch.pop()} " if batch else ""
            raise InputError(f"lengths has shape {shape}; give {count}integers, one a recording")
    _assert_shapes(waveforms, lengths)
    values = _values(next(iter(waveforms.values())))
    if values is not None:
        checks.check_scale(values)


def _assert_shapes(waveforms, lengths):
    """Let a graph of TensorFlow fail when it runs where shapes differ that were not known when it was traced."""
    (first, reference), *others = waveforms.items()
    unknown = keras.backend.backend() == "tensorflow" and None in reference.shape
    if not unknown or keras.utils.is_keras_tensor(reference):
        return
    import tensorflow as tf

    shape = tf.shape(reference)
    for name, other in others:
        tf.debugging.assert_equal(shape, tf.shape(other), f"{first} and {name} differ in shape")
    if lengths is not None:
        counts = shape[:1], tf.shape(lengths)
        tf.debugging.assert_equal(*counts, f"{first} and lengths differ in their batch size")


def waveform_pair(reference: Tensor, estimate: Tensor, lengths: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The waveforms that a loss or a metric compares, (batch, samples) each.

    A last axis of 1, as a convolution gives it, is dropped from either.

    Args:
        reference, estimate: float (batch, samples) or (batch, samples, 1).
        lengths: int (batch,), or None.

    Returns:
        reference, estimate: (batch, samples).

    Raises:
        InputError: another rank or order of axes, two shapes, lengths of another batch, or, outside a graph, a reference
            that is not scaled.

    Example:
        >>> reference, estimate = waveform_pair(np.zeros((2, 9)), np.ones((2, 9, 1)))
        >>> tuple(reference.shape), tuple(estimate.shape)
        ((2, 9), (2, 9))
    """
    reference, estimate = without_channel(reference), without_channel(estimate)
    check_waveforms({"reference": reference, "estimate": estimate}, lengths)
    return reference, estimate


def without_channel(waveform: Tensor) -> Tensor:
    """A tensor (batch, samples, 1) as (batch, samples); others as they are.

    Example:
        >>> tuple(without_channel(np.zeros((2, 9, 1))).shape)
        (2, 9)
    """
    waveform = waveform if hasattr(waveform, "shape") else np.asarray(waveform)
    if getattr(waveform.shape, "rank", 0) is None:
        # A step that TensorFlow traced for batches of several ranks; it knows no shape at all.
        import tensorflow as tf

        return tf.reshape(waveform, (tf.shape(waveform)[0], -1))
    return ops.squeeze(waveform, 2) if len(waveform.shape) == 3 and waveform.shape[2] == 1 else waveform


def _values(tensor):
    """The numbers of a tensor, as NumPy; None in a graph, and on a device of PyTorch's, which a step would wait for."""
    if isinstance(tensor, np.ndarray):
        return tensor
    on_device = keras.backend.backend() == "torch" and getattr(tensor, "device", None) and tensor.device.type != "cpu"
    if on_device or keras.utils.is_keras_tensor(tensor):
        return None
    try:
        return ops.convert_to_numpy(tensor)
    except (NotImplementedError, TypeError, RuntimeError):  # what a traced tensor raises on each backend
        return None
