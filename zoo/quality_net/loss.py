"""The learned loss: a frozen surrogate says how far from perfect an estimate sounds."""

from typing import Any

import keras
from keras import ops

from zoo.audio import dsp, tensors
from zoo.errors import InputError
from zoo.losses.learned import LearnedLoss
from zoo.losses.operation import one_operation


@keras.saving.register_keras_serializable(package="zoo")
class QualityNetLoss(LearnedLoss):
    """(1 - Q)^2 of each example, where Q is a frozen surrogate's quality (Fu, Liao and Tsao 2019, equation 1).

    Q = 1 stands for the metric's upper anchor: PESQ 4.5 by Q = (PESQ + 0.5) / 5. The surrogate is used in inference
    mode, and a training step through it changes none of its variables; the gradient reaches the estimate. One that needs
    no reference hears the estimate alone.

    Args:
        metric: a surrogate (`zoo.load(...)`), or a source string, which is then loaded. Only a loss made from a
            source can be saved with a compiled model.
        inputs: "waveform" for float (batch, samples) or (batch, samples, 1), or "magnitude" for spectra (batch, frames, bins) of
            `zoo.audio.dsp.magnitude` with the surrogate's n_fft and hop_length.
        sample_rate: of the waveforms, in Hz; another than the surrogate's is resampled inside the loss, with a
            gradient. None for the surrogate's own.
        reduction: as for any Keras loss.
        name: of the loss.

    Call:
        (reference, estimate) -> scalar (reduced). `loss.call(reference, estimate, lengths)` -> float32 (batch,),
        0 and up, lower is better, with int32 (batch,) `lengths` in samples (frames for magnitudes).

    Raises:
        InputError: other `inputs`, a `sample_rate` of magnitudes, inputs of another rank or of two lengths, or a loss
            made from a model is saved.

    Example:
        >>> loss = QualityNetLoss("quality-net-lite-pesq-wb-16k")
        >>> speech = np.random.default_rng(0).normal(size=(1, 16000)).astype("float32") / 10
        >>> bool(loss(speech, speech) < 0.05)
        True
    """

    def __init__(
        self,
        metric: keras.Model | str,
        inputs: str = "waveform",
        sample_rate: float | None = None,
        reduction: str = "sum_over_batch_size",
        name: str = "quality_net_loss",
    ):
        if inputs not in ("waveform", "magnitude"):
            raise InputError(f'inputs must be "waveform" or "magnitude", not {inputs!r}')
        if inputs == "magnitude" and sample_rate is not None:
            raise InputError("sample_rate is of waveforms; magnitudes are not resampled: leave it out")
        super().__init__(metric, sample_rate, reduction, name)
        self.inputs = inputs

    @one_operation
    def call(self, reference: Any, estimate: Any, lengths: Any = None) -> Any:
        if self.inputs == "waveform":
            return super().call(reference, estimate, lengths)
        tensors.check_shapes({"reference": reference, "estimate": estimate}, "(batch, frames, bins) magnitudes", 3)
        lengths = dsp.resolve_lengths(reference, lengths)
        spectra = reversed(self.metric.of_pair(reference, estimate))
        return ops.square(1.0 - self.metric.core([*spectra, lengths], training=False))

    def measure(self, reference: Any, estimate: Any, lengths: Any) -> Any:
        counted = dsp.sequence_mask(lengths, ops.shape(estimate)[1])
        waveforms = [counted * ops.cast(x, "float32") for x in self.metric.of_pair(reference, estimate)]
        # Not a call of the metric, which refuses what is beyond full scale: an estimate in training may be of any size.
        features = self.metric.core_features(*waveforms, lengths)
        return ops.square(1.0 - self.metric.core(features, training=False))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "inputs": self.inputs}
