"""The JND distance as a loss: a frozen metric says how far an estimate sounds from its reference."""

import keras

from zoo.audio import dsp
from zoo.errors import InputError


@keras.saving.register_keras_serializable(package="zoo")
class JNDLoss(keras.losses.Loss):
    """The distance of each example from its reference (Manocha et al. 2020, section 3.4).

    On a metric of the regime `pre`, whose channels all weigh the same, it is the deep-feature loss of Germain et al.
    2019: L1 of the features of a classifier, layer by layer. The metric is used in inference mode, and a training step
    through it changes none of its variables; the gradient reaches the estimate.

    Args:
        metric: a JND metric (`zoo.load(...)`), or a source string, which `zoo.load` then reads. Only a string can be
            saved with a compiled model.
        sample_rate: of the waveforms, in Hz; another than the metric's is resampled on the way, with a gradient. None
            for the metric's own.
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        (reference, estimate) -> scalar (reduced); float (batch, samples) in [-1, 1].
        `loss.call(reference, estimate, lengths)` -> float32 (batch,), 0 and up, lower is better, with int32 (batch,)
        `lengths` in samples.

    Raises:
        InputError: waveforms of another rank, or a loss made from a model object is saved.

    Example:
        >>> loss = JNDLoss("jnd-22k", sample_rate=16000)  # doctest: +SKIP
        >>> denoiser.compile("adam", loss=loss)  # doctest: +SKIP
    """

    def __init__(self, metric, sample_rate=None, reduction="sum_over_batch_size", name="jnd_loss"):
        super().__init__(name=name, reduction=reduction)
        self.source = metric if isinstance(metric, str) else None
        if self.source is not None:
            from zoo import load  # here, because zoo.load's families import this module

            metric = load(self.source)
        self.metric = metric
        self.sample_rate = sample_rate or metric.sample_rate

    def call(self, reference, estimate, lengths=None):
        if {len(reference.shape), len(estimate.shape)} != {2}:
            found = f"{tuple(reference.shape)} and {tuple(estimate.shape)}"
            raise InputError(f"the waveforms have the shapes {found}; give (batch, samples), without a channel axis")
        rates = self.sample_rate, self.metric.sample_rate
        lengths = dsp.resolve_lengths(reference, lengths)
        pair = [dsp.resample(x, *rates, lengths) for x in (reference, estimate)]
        return self.metric([*pair, dsp.resampled_length(lengths, *rates)], training=False)

    def get_config(self):
        if self.source is None:
            raise InputError("a loss made from a model cannot be saved: make it from the source string instead")
        return {**super().get_config(), "metric": self.source, "sample_rate": self.sample_rate}
