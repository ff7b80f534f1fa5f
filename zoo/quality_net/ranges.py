"""Labels of a fine-tuning: all must lie in the metric's range, wherever they come from."""

import re
import types
from typing import Any

import keras
import numpy as np

from zoo.errors import InputError

_SLACK = 0.05  # of the range: Q = (PESQ + 0.5) / 5, for one, is a little more than 1 for the best PESQ, 4.64
_FIX = "say their worst and best value by metric.set_target_range(worst, best)"
_REFUSAL = re.compile(r"the labels are .*?" + re.escape(_FIX))


def check_labels(labels: Any, low: float, high: float) -> None:
    """Raise an InputError unless all labels lie in a range, or at most a twentieth of it outside.

    Args:
        labels: array of any shape.
        low, high: lowest and highest value of the metric.

    Example:
        >>> check_labels([1.5, 4.64], -0.5, 4.5)
    """
    labels, slack = np.asarray(labels), _SLACK * (high - low)
    if labels.size and not (low - slack <= labels.min() and labels.max() <= high + slack):
        raise InputError(_words(f"{labels.min():g}", f"{labels.max():g}", low, high))


def checked(data: Any, low: float, high: float) -> Any:
    """Data for `fit` whose labels are checked as they come.

    Args:
        data: tf.data.Dataset, PyDataset or generator of batches (inputs, labels) or (inputs, labels, weights).
        low, high: as for `check_labels`.

    Returns:
        The same kind of data; what is of no such kind, as it is.

    Example:
        >>> next(checked((batch for batch in [(np.zeros(3), np.ones(3))]), 0.0, 1.0))[1].tolist()
        [1.0, 1.0, 1.0]
    """
    if isinstance(data, keras.utils.PyDataset):
        return _CheckedBatches(data, low, high)
    if isinstance(data, types.GeneratorType):
        return (_checked_batch(batch, low, high) for batch in data)
    if hasattr(data, "element_spec") and hasattr(data, "map"):  # of tf.data; a distributed one has no `map`
        return data.map(lambda *batch: _checked_in_graph(batch, low, high))
    return data


def refusal(error: BaseException) -> str:
    """What `check_labels` said, where TensorFlow has wrapped it in an error of its own; "" for other errors.

    Example:
        >>> refusal(RuntimeError("a graph failed"))
        ''
    """
    match = _REFUSAL.search(str(error))
    return match[0] if match else ""


class _CheckedBatches(keras.utils.PyDataset):
    """A PyDataset whose labels are checked as they come."""

    def __init__(self, batches, low, high):
        super().__init__(batches.workers, batches.use_multiprocessing, batches.max_queue_size)
        self.batches, self.range = batches, (low, high)

    def __getitem__(self, index):
        return _checked_batch(self.batches[index], *self.range)

    @property
    def num_batches(self):
        return self.batches.num_batches

    def on_epoch_begin(self):
        self.batches.on_epoch_begin()

    def on_epoch_end(self):
        self.batches.on_epoch_end()


def _words(least, most, low, high):
    return f"the labels are {least} to {most}, and the metric goes from {low:g} to {high:g}; {_FIX}"


def _checked_batch(batch, low, high):
    if isinstance(batch, (list, tuple)) and len(batch) > 1:
        check_labels(batch[1], low, high)
    return batch


def _checked_in_graph(batch, low, high):
    """A batch of a tf.data.Dataset, whose graph fails where its labels lie outside."""
    if len(batch) == 1:
        return batch[0]
    import tensorflow as tf

    labels, slack = tf.cast(batch[1], "float64"), _SLACK * (high - low)
    inside = tf.reduce_all((labels >= low - slack) & (labels <= high + slack))
    words = tf.strings.format(_words("{}", "{}", low, high), (tf.reduce_min(labels), tf.reduce_max(labels)))
    with tf.control_dependencies([tf.debugging.Assert(inside, [words])]):
        return (batch[0], tf.identity(batch[1]), *batch[2:])
