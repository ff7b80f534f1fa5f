"""The JND distance as a loss: a frozen metric says how far an estimate sounds from its reference."""

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.errors import InputError
from zoo.losses.learned import LearnedLoss


@keras.saving.register_keras_serializable(package="zoo")
class JNDLoss(LearnedLoss):
    """The distance of each example from its reference (Manocha et al. 2020, section 4.2).

    On a metric of the regime `pre`, whose channels all weigh the same, it is the deep-feature loss of Germain et al.
    2019: L1 of the features of a classifier, layer by layer. The metric is used in inference mode, and a training step
    through it changes none of its variables; the gradient reaches the estimate.

    Args:
        metric: a JND metric (`zoo.load(...)`), or a source string, which is then loaded. Only a loss made from a
            source can be saved with a compiled model.
        sample_rate: of the waveforms, in Hz; another than the metric's is resampled inside the loss, with a gradient.
            None for the metric's own.
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        (reference, estimate) -> scalar (reduced); float (batch, samples) in [-1, 1], or (batch, samples, channels), of
        which one channel is heard after the other, as by `distance`.
        `loss.call(reference, estimate, lengths)` -> float32 (batch,), 0 and up, lower is better, with int32 (batch,)
        `lengths` in samples, which several channels do not take.

    Raises:
        InputError: waveforms of another rank or of two lengths, lengths of several channels, or a loss made from a model
            is saved.

    Example:
        >>> loss = JNDLoss("jnd-22k", sample_rate=16000)
        >>> speech = np.random.default_rng(0).normal(size=(1, 16000)).astype("float32") / 10
        >>> bool(loss(speech, 0.5 * speech) > loss(speech, 0.9 * speech))
        True
    """

    def __init__(
        self,
        metric: keras.Model | str,
        sample_rate: float | None = None,
        reduction: str = "sum_over_batch_size",
        name: str = "jnd_loss",
    ):
        super().__init__(metric, sample_rate, reduction, name)

    def call(self, reference: Any, estimate: Any, lengths: Any = None) -> Any:
        return super().call(_in_turn(reference, lengths), _in_turn(estimate, lengths), lengths)

    def measure(self, reference: Any, estimate: Any, lengths: Any) -> Any:
        return self.metric([reference, estimate, lengths], training=False)


def _in_turn(waveform, lengths):
    """(batch, samples, channels) as (batch, channels * samples), one channel after the other; others as they are."""
    waveform = waveform if hasattr(waveform, "shape") else np.asarray(waveform)
    if getattr(waveform.shape, "rank", 0) is None:
        return _in_turn_of_any_rank(waveform, lengths)
    if len(waveform.shape) != 3:
        return waveform
    samples, channels = waveform.shape[1:]
    if channels == 1 or (samples and channels and channels > samples):  # the latter are in the wrong order
        return waveform
    if lengths is not None:
        raise InputError(f"waveforms of {channels} channels take no lengths: cut them to one length")
    return ops.reshape(ops.transpose(waveform, (0, 2, 1)), (ops.shape(waveform)[0], -1))


def _in_turn_of_any_rank(waveform, lengths):
    """`_in_turn` in a step that TensorFlow traced for batches of several ranks."""
    import tensorflow as tf

    if lengths is not None:
        channels = tf.reduce_prod(tf.shape(waveform)[2:])
        tf.debugging.assert_equal(channels, 1, "waveforms of several channels take no lengths: cut them to one length")
    size, samples = tf.shape(waveform)[0], tf.shape(waveform)[1]
    by_channel = tf.transpose(tf.reshape(waveform, (size, samples, -1)), (0, 2, 1))
    return tf.reshape(by_channel, (size, -1))
