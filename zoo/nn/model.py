"""Bases of the models on waveforms: what their wrappers around a functional core share."""

from typing import Any

import keras
import numpy as np
from keras import ops

from zoo import backend
from zoo.audio import checks, dsp
from zoo.nn import segments


class WaveformModel(keras.Model):
    """A functional core on features, inside a wrapper that takes waveforms at one sample rate.

    A subclass builds its core, passes it on to `__init__`, and defines `call`, `serve` (outputs of a served model, by
    name) and a method on NumPy arrays, such as `enhance`. The wrapper computes in float32 whatever the core computes in.

    Args:
        core: functional keras.Model on features; for fine-tuning on them.
        sample_rate: of the waveforms, in Hz.
        name: of the model.

    Attributes:
        serving_inputs: names of the waveforms that a served model takes, before their lengths.

    Example:
        >>> issubclass(zoo.enhancement.model.Enhancer, WaveformModel)
        True
    """

    serving_inputs: tuple[str, ...] = ("waveform",)

    def __init__(self, core: keras.Model, sample_rate: int, name: str):
        super().__init__(name=name, dtype="float32")
        self.core, self.sample_rate = core, sample_rate
        self.jit_compile = self.core.jit_compile = backend.jit()  # for `predict`
        self.built = True  # the core is functional: every variable exists already

    def unpack(self, inputs: Any) -> tuple[list, Any, Any]:
        """The arguments of a call.

        Args:
            inputs: a waveform (batch, samples), or a list of as many as `serving_inputs` names, and after them int
                (batch,) lengths or nothing.

        Returns:
            List of the waveforms, float32 and zero after their lengths; the lengths, int32 (batch,); and the mask
            (batch, samples), 1 where a sample counts.
        """
        inputs = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        count = len(self.serving_inputs)
        waveforms = [ops.cast(x, "float32") for x in inputs[:count]]
        lengths = dsp.resolve_lengths(waveforms[0], *inputs[count:])
        counted = dsp.sequence_mask(lengths, ops.shape(waveforms[0])[1])
        return [x * counted for x in waveforms], lengths, counted

    def waveform_shape(self, input_shape: tuple) -> tuple:
        """(batch, samples) of the first waveform in the shapes of a call's arguments."""
        return input_shape[0] if isinstance(input_shape[0], (list, tuple)) else input_shape

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return self.waveform_shape(input_shape)

    def prepare(
        self, *recordings: Any, sample_rate: float, lengths: Any = None, resample: bool = False
    ) -> tuple[np.ndarray, ...]:
        """Recordings of a user, checked, as a batch at the model's rate.

        Args:
            recordings: float (samples,) or (batch, samples) in [-1, 1], all of one shape.
            sample_rate: of them, in Hz.
            lengths: int (batch,) samples that count of each padded recording; None for all.
            resample: bring another rate to the model's, instead of raising.

        Returns:
            Each of the recordings, float32 (batch, samples), and last the lengths, int32 (batch,).

        Raises:
            InputError: as for `zoo.audio.checks.as_batch` and `at_rate`.
        """
        *batch, lengths = checks.as_batch(*recordings, lengths=lengths)
        return checks.at_rate(
            *batch, lengths=lengths, sample_rate=sample_rate, model_rate=self.sample_rate, resample=resample
        )


class PairMetric(WaveformModel):
    """Metric of a degraded recording and its reference: one value, or several, a pair.

    A subclass defines `pair_features`, and as for `WaveformModel`.

    Example:
        >>> issubclass(zoo.jnd.model.JNDMetric, PairMetric)
        True
    """

    serving_inputs = ("reference", "degraded")

    def pair_features(self, reference: Any, degraded: Any, lengths: Any) -> list:
        """What the core takes, of float32 (batch, samples) waveforms and int32 (batch,) lengths."""
        raise NotImplementedError

    def core_inputs(self, inputs: Any) -> list:
        """What the core takes, of a call's [reference, degraded] or [reference, degraded, lengths]."""
        # What lies after the length must not reach a convolution that overlaps the end.
        waveforms, lengths, _ = self.unpack(inputs)
        return self.pair_features(*waveforms, lengths)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (self.waveform_shape(input_shape)[0],)

    def predict_core(
        self, reference: np.ndarray, degraded: np.ndarray, spans: np.ndarray, batch_size: int
    ) -> np.ndarray:
        """What the core predicts of segments of recordings, in batches of bounded memory.

        Args:
            reference, degraded: (batch, samples), as `prepare` returns them.
            spans: as `zoo.nn.segments.cut` returns them.
            batch_size: segments at a time; fewer where they are long.

        Returns:
            float64 (segments, ...), the core's outputs.
        """
        outputs = np.empty((len(spans), *self.core.output_shape[1:]))
        for places, batch in segments.batches([reference, degraded], spans, batch_size, self.sample_rate):
            outputs[places] = backend.predict(self.core, self.core_inputs(batch))
        return outputs
