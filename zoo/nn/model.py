"""Bases of the models on waveforms: what their wrappers around a functional core share."""

import os
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo import backend
from zoo.audio import checks, dsp, tensors
from zoo.errors import InputError
from zoo.nn.inference import MeasuredRecordings, OnnxModel, Recordings


class ServedModel(keras.Model):
    """A model that says what a server gives it.

    Attributes:
        serving_inputs: names of the float32 tensors that a served model takes, before their lengths.
        serving_shape: of each of them, None for any size.
        onnx_class: class of the same model on onnxruntime; None where there is none.
        onnx_networks: attributes that are the networks which that class runs.
    """

    serving_inputs: tuple[str, ...] = ("waveform",)
    serving_shape: tuple[int | None, ...] = (None, None)
    onnx_class: type[OnnxModel] | None = None
    onnx_networks: tuple[str, ...] = ("core",)

    @backend.plain_torch
    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return super().__call__(*inputs, **options)

    def export(
        self,
        filepath: str | os.PathLike,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
        **options: Any,
    ) -> None:
        """Keras's export, for any batch size and length; `zoo export` names its inputs and outputs, and checks it.

        Args: as for `keras.Model.export`; `input_signature` is by default of `serving_inputs` without lengths.
        """
        if input_signature is None:
            inputs = [keras.InputSpec("float32", self.serving_shape, name=name) for name in self.serving_inputs]
            input_signature = [inputs if len(inputs) > 1 else inputs[0]]
        super().export(filepath, format, verbose, input_signature, **options)


class WaveformModel(Recordings, ServedModel):
    """A functional core on features, inside a wrapper that takes waveforms at one sample rate.

    A subclass builds its core, passes it on to `__init__`, and defines `call`, `serve` (outputs of a served model, by
    name) and a method on NumPy arrays, such as `enhance`. The wrapper computes in float32 whatever the core computes in.

    Args:
        core: functional keras.Model on features; for fine-tuning on them.
        sample_rate: of the waveforms, in Hz.
        name: of the model.

    Example:
        >>> issubclass(zoo.enhancement.model.Enhancer, WaveformModel)
        True
    """

    def __init__(self, core: keras.Model, sample_rate: int, name: str):
        super().__init__(name=name, dtype="float32")
        self.core, self.sample_rate = core, checks.whole_rate(sample_rate)
        self.jit_compile = self.core.jit_compile = backend.jit()  # for `predict`
        self.built = True  # the core is functional: every variable exists already

    def as_list(self, inputs: Any) -> list:
        """The arguments of a call in their order: the waveforms, and lengths where they are there.

        Args:
            inputs: a waveform, a list of waveforms and perhaps lengths, or a dict of these by the names that a served
                model takes: `serving_inputs` and "lengths".

        Raises:
            InputError: another number of arguments, or other names.
        """
        names = self.serving_inputs
        if isinstance(inputs, Mapping):
            if not set(names) <= set(inputs) <= {*names, "lengths"}:
                raise InputError(f"the inputs are named {', '.join(inputs)}; give {', '.join(names)}, lengths optional")
            return [inputs[name] for name in (*names, "lengths") if name in inputs]
        arguments = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        if not len(names) <= len(arguments) <= len(names) + 1:
            text = ", ".join(names)
            raise InputError(f"a call has {len(arguments)} inputs; give [{text}] or [{text}, lengths]")
        return arguments

    def unpack(self, inputs: Any) -> tuple[list, Any, Any]:
        """The arguments of a call.

        Args:
            inputs: as for `as_list`; waveforms (batch, samples), int (batch,) lengths.

        Returns:
            List of the waveforms, float32 and zero after their lengths; the lengths, int32 (batch,); and the mask
            (batch, samples), 1 where a sample counts.

        Raises:
            InputError: as for `as_list` and `zoo.audio.tensors.check_waveforms`.
        """
        count = len(self.serving_inputs)
        arguments = [x if x is None or hasattr(x, "shape") else np.asarray(x) for x in self.as_list(inputs)]
        self._check(arguments)
        waveforms = [ops.cast(x, "float32") for x in arguments[:count]]
        lengths = dsp.resolve_lengths(waveforms[0], *arguments[count:])
        counted = dsp.sequence_mask(lengths, ops.shape(waveforms[0])[1])
        return [x * counted for x in waveforms], lengths, counted

    def waveform_shape(self, input_shape: tuple) -> tuple:
        """(batch, samples) of the first waveform in the shapes of a call's arguments, which are checked as `unpack` does."""
        # One shape is a tuple of sizes, not of shapes.
        whole = not isinstance(input_shape, Mapping) and not any(isinstance(x, (list, tuple)) for x in input_shape)
        shapes = self.as_list([input_shape] if whole else input_shape)
        symbols = [None if shape is None else keras.KerasTensor(shape) for shape in shapes]
        self._check(symbols)
        return tuple(shapes[0])

    def _check(self, arguments):
        """Check the waveforms of a call, and its lengths where they are there."""
        count = len(self.serving_inputs)
        waveforms = dict(zip(self.serving_inputs, arguments, strict=False))
        tensors.check_waveforms(waveforms, arguments[count] if len(arguments) > count else None)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return self.waveform_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {"sample_rate": self.sample_rate, "name": self.name, "trainable": self.trainable}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "WaveformModel":
        # A copy of a frozen metric, and one inside a model that is loaded, would else be trained.
        config = dict(config)
        trainable = config.pop("trainable", True)
        model = cls(**config)
        model.trainable = trainable
        return model


class WaveformMetric(MeasuredRecordings, WaveformModel):
    """Metric of a recording, or of several that belong together: one value, or several, of each.

    A subclass defines `core_features`, and as for `WaveformModel`.

    Example:
        >>> issubclass(zoo.quality_net.free.QualityNetFree, WaveformMetric)
        True
    """

    def core_features(self, *waveforms_and_lengths: Any) -> list:
        """What the core takes, of float32 (batch, samples) waveforms and int32 (batch,) lengths."""
        raise NotImplementedError

    def core_inputs(self, inputs: Any) -> list:
        """What the core takes, of a call's inputs: the waveforms, and lengths where they are there."""
        # What lies after the length must not reach a convolution that overlaps the end.
        waveforms, lengths, _ = self.unpack(inputs)
        return self.core_features(*waveforms, lengths)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (self.waveform_shape(input_shape)[0],)

    @property
    def value_shape(self) -> tuple[int, ...]:
        return self.core.output_shape[1:]

    @property
    def pads_segments(self) -> bool:
        return backend.jit()

    def core_values(self, *recordings_and_lengths: np.ndarray) -> np.ndarray:
        return backend.predict(self.core, self.core_inputs(list(recordings_and_lengths)))


class PairMetric(WaveformMetric):
    """Metric of a degraded recording and its reference.

    Example:
        >>> issubclass(zoo.jnd.model.JNDMetric, PairMetric)
        True
    """

    serving_inputs = ("reference", "degraded")
