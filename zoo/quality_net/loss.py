"""The learned loss: a frozen surrogate says how far from perfect an estimate sounds."""

import keras
from keras import ops

from zoo.audio import dsp
from zoo.errors import InputError


@keras.saving.register_keras_serializable(package="zoo")
class QualityNetLoss(keras.losses.Loss):
    """(1 - Q)^2 of each example, where Q is a frozen surrogate's quality (Fu, Liao and Tsao 2019, equation 1).

    Q = 1 stands for the metric's upper anchor: PESQ 4.5 by Q = (PESQ + 0.5) / 5. The surrogate is used in inference
    mode, and a training step through it changes none of its variables; the gradient reaches the estimate.

    Args:
        metric: a surrogate (`zoo.load(...)`), or a source string, which `zoo.load` then reads. Only a string can be
            saved with a compiled model.
        inputs: "waveform" for float (batch, samples), or "magnitude" for spectra (batch, frames, bins) as
            `zoo.audio.dsp.magnitude` makes them with the surrogate's n_fft and hop_length.
        sample_rate: of the waveforms, in Hz; another than the surrogate's is resampled on the way, with a gradient.
            None for the surrogate's own.
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        (reference, estimate) -> scalar (reduced). `loss.call(reference, estimate, lengths)` -> float32 (batch,),
        0 and up, lower is better, with int32 (batch,) `lengths` in samples (frames for magnitudes).

    Raises:
        InputError: for other `inputs`, or when a loss made from a model object is saved.

    Example:
        >>> loss = QualityNetLoss("quality-net-lite-pesq-wb-16k")  # doctest: +SKIP
        >>> enhancer.compile("adam", loss=loss)  # doctest: +SKIP
    """

    def __init__(
        self,
        metric,
        inputs="waveform",
        sample_rate=None,
        reduction="sum_over_batch_size",
        name="quality_net_loss",
    ):
        super().__init__(name=name, reduction=reduction)
        if inputs not in ("waveform", "magnitude"):
            raise InputError(f'inputs must be "waveform" or "magnitude", not {inputs!r}')
        if inputs == "magnitude" and sample_rate is not None:
            raise InputError("sample_rate is of waveforms; magnitudes are taken as they are")
        self.source = metric if isinstance(metric, str) else None
        self.inputs = inputs
        if self.source is not None:
            from zoo import load  # here, because zoo.load's families import this module

            metric = load(self.source)
        self.metric = metric
        self.sample_rate = sample_rate

    def call(self, reference, estimate, lengths=None):
        if self.inputs == "waveform":
            rates = self.sample_rate or self.metric.sample_rate, self.metric.sample_rate
            lengths = dsp.resolve_lengths(reference, lengths)
            pair = [dsp.resample(x, *rates, lengths) for x in (reference, estimate)]
            quality = self.metric.quality(*pair, dsp.resampled_length(lengths, *rates))
        else:
            quality = self.metric.core([estimate, reference, dsp.resolve_lengths(reference, lengths)], training=False)
        return ops.square(1.0 - quality)

    def get_config(self):
        if self.source is None:
            raise InputError("a loss made from a model cannot be saved: make it from the source string instead")
        own = {"metric": self.source, "inputs": self.inputs, "sample_rate": self.sample_rate}
        return {**super().get_config(), **own}
