"""Learned losses: a frozen metric of a family says how far an estimate is from its reference."""

import os
from typing import Any

import keras

from zoo.audio import checks, dsp, tensors
from zoo.checkpoint import preset
from zoo.errors import InputError
from zoo.families import FAMILIES
from zoo.losses.operation import WaveformLoss, one_operation


class LearnedLoss(WaveformLoss):
    """Base of the learned losses: a frozen metric of waveforms, at any sample rate.

    The metric is used in inference mode, and a training step through it changes none of its variables; the gradient
    reaches the estimate. A subclass defines `measure`.

    Args:
        metric: a `zoo.nn.model.WaveformMetric`, or a source string, which is then loaded. Only a loss made from a source
            can be saved with a compiled model.
        sample_rate: of the waveforms, in Hz; another than the metric's is resampled inside the loss, with a gradient.
            None for the metric's own.
        reduction: as for any Keras loss.
        name: of the loss.

    Attributes:
        metric: the model.
        source: its source string; None where the loss was made from a model.

    Call:
        (reference, estimate) -> scalar (reduced); float (batch, samples) in [-1, 1], or (batch, samples, 1).
        `loss.call(reference, estimate, lengths)` -> float32 (batch,), 0 and up, lower is better, with int32 (batch,)
        `lengths` in samples.

    Raises:
        InputError: as for `zoo.audio.tensors.waveform_pair` and `whole_rate`, or a loss made from a model is saved.

    Example:
        >>> issubclass(zoo.jnd.loss.JNDLoss, LearnedLoss)
        True
    """

    def __init__(self, metric: keras.Model | str, sample_rate: float | None, reduction: str, name: str):
        super().__init__(reduction, name)
        self.source = metric if isinstance(metric, str) else None
        self.metric = preset.load(metric) if isinstance(metric, str) else metric
        self.sample_rate = None if sample_rate is None else checks.whole_rate(sample_rate)

    def measure(self, reference: Any, estimate: Any, lengths: Any) -> Any:
        """The loss (batch,) of waveforms (batch, samples) at the metric's rate, with int32 (batch,) lengths."""
        raise NotImplementedError

    @one_operation
    def call(self, reference: Any, estimate: Any, lengths: Any = None) -> Any:
        reference, estimate = tensors.waveform_pair(reference, estimate, lengths)
        rates = self.sample_rate or self.metric.sample_rate, self.metric.sample_rate
        lengths = dsp.resolve_lengths(reference, lengths)
        pair = [dsp.resample(x, *rates, lengths) for x in (reference, estimate)]
        return self.measure(*pair, dsp.resampled_length(lengths, *rates))

    def get_config(self) -> dict[str, Any]:
        if self.source is None:
            raise InputError("a loss made from a model cannot be saved: make it from the source string instead")
        return {**super().get_config(), "metric": self.source, "sample_rate": self.sample_rate}


def learned_loss(source: str | os.PathLike, sample_rate: float | None = None) -> LearnedLoss:
    """The loss of a checkpoint, of the class that its family names.

    Args:
        source: as for `zoo.load`. It is resolved and loaded once.
        sample_rate: of the waveforms, in Hz; None for the checkpoint's own.

    Returns:
        A `LearnedLoss`.

    Raises:
        InputError: the source cannot be loaded, or its model has no loss.

    Example:
        >>> learned_loss("jnd-22k", sample_rate=16000).source
        'jnd-22k'
    """
    metric = preset.load(source)
    family = _family_of(metric)
    # A saved loss holds the text, by which a path must be told from a name.
    text = source if isinstance(source, str) else f"{os.fspath(source)}/"
    if family is None or family.loss is None:
        kind = f"{type(metric).__module__}.{type(metric).__name__}"
        raise InputError(f"{text!r} has no loss: it holds a {kind}; give the checkpoint of a metric")
    loss = getattr(family.module("loss"), family.loss)(metric, sample_rate=sample_rate)
    loss.source = text
    return loss


def _family_of(model):
    """The family of a model's class, or of the class that it extends; None for others."""
    for cls in type(model).mro():
        package, _, rest = cls.__module__.partition(".")
        family = FAMILIES.get(rest.split(".")[0])
        if package == "zoo" and family is not None:
            return family
    return None
