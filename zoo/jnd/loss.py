"""The JND distance as a loss: a frozen metric says how far an estimate sounds from its reference."""

from typing import Any

import keras

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
        (reference, estimate) -> scalar (reduced); float (batch, samples) in [-1, 1], or (batch, samples, 1).
        `loss.call(reference, estimate, lengths)` -> float32 (batch,), 0 and up, lower is better, with int32 (batch,)
        `lengths` in samples.

    Raises:
        InputError: waveforms of another rank or of two lengths, or a loss made from a model is saved.

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

    def measure(self, reference: Any, estimate: Any, lengths: Any) -> Any:
        return self.metric([reference, estimate, lengths], training=False)
