"""What a user calls on NumPy arrays, whatever runs the network: a Keras backend, or onnxruntime. Imports neither.

The classes here and in the `inference` modules of the families are mixed into the Keras models (`zoo.nn.model`), and are
the whole of a model on onnxruntime, `OnnxModel`.
"""

import os
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from zoo.audio import checks
from zoo.nn import segments


class Recordings:
    """Takes recordings at one sample rate.

    Attributes:
        sample_rate: of the waveforms, in Hz.
    """

    sample_rate: int

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


class MeasuredRecordings(Recordings):
    """Takes recordings to measure, alone or several that belong together, in segments where they are long.

    A class that runs networks defines `core_values` and `value_shape`.

    Attributes:
        value_shape: of what the core gives of each.
        pads_segments: whether segments are padded to few lengths, each of which is compiled by itself.
        needs_reference: whether it compares a recording with a reference, or hears it alone.
    """

    value_shape: tuple[int, ...]
    pads_segments = False
    needs_reference = True

    def of_pair(self, reference: Any, degraded: Any) -> list:
        """What it takes of a pair: both, or the degraded recording alone.

        Example:
            >>> zoo.load("quality-net-free-pesq-wb-16k").of_pair("clean", "noisy")
            ['noisy']
        """
        return [reference, degraded] if self.needs_reference else [degraded]

    def core_values(self, *recordings_and_lengths: np.ndarray) -> np.ndarray:
        """What the core gives of recordings, (batch, *value_shape); float32 (batch, samples), zero after int32 lengths."""
        raise NotImplementedError

    def predict_core(self, recordings: list[np.ndarray], spans: np.ndarray, batch_size: int) -> np.ndarray:
        """What the core predicts of segments of recordings, in batches of bounded memory.

        Args:
            recordings: each (batch, samples), as `prepare` returns them; cut alike.
            spans: as `zoo.nn.segments.cut` returns them.
            batch_size: segments at a time; fewer where they are long.

        Returns:
            float64 (segments, ...), the core's outputs.
        """
        outputs = np.empty((len(spans), *self.value_shape))
        for places, batch in segments.batches(recordings, spans, batch_size, self.sample_rate, self.pads_segments):
            outputs[places] = self.core_values(*batch)
        return outputs


class Network:
    """Networks in a file of ONNX.

    Args:
        path: of the file.

    Attributes:
        settings: texts that the file has beside the networks, {name: text}.

    Example:
        >>> from zoo.checkpoint import registry
        >>> Network(registry.resolve("jnd-22k") / "model.onnx").shape("core")
        (6,)
    """

    def __init__(self, path: str | Path):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors alone
        # One of several processes has one core: the same variable tells TensorFlow (`zoo.base.workers`).
        options.intra_op_num_threads = int(os.environ.get("TF_NUM_INTRAOP_THREADS", "0"))
        # Threads that wait in a loop would take the cores from what runs between two networks.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(Path(path).read_bytes(), options, ["CPUExecutionProvider"])
        self._inputs = self._session.get_inputs()
        self.settings = self._session.get_modelmeta().custom_metadata_map

    def shape(self, output: str) -> tuple[int, ...]:
        """Of an output, without the axis of the batch."""
        return tuple(next(one.shape for one in self._session.get_outputs() if one.name == output)[1:])

    def run(self, *outputs: str, **inputs: np.ndarray) -> Any:
        """An output, or a list of several, by the inputs that they depend on: what others depend on may be left out."""
        others = {one.name: _smallest(one) for one in self._inputs if one.name not in inputs}
        values = self._session.run(outputs, inputs | others)
        return values[0] if len(outputs) == 1 else values


def _smallest(symbol):
    """Ones for an input of an output that is not wanted: onnxruntime runs nothing without a value for each."""
    kind = {"tensor(float)": "float32", "tensor(int32)": "int32"}[symbol.type]
    return np.ones([size if isinstance(size, int) else 1 for size in symbol.shape], kind)


class OnnxModel(Recordings):
    """A model on onnxruntime: the methods on NumPy arrays of a Keras model, and no gradient.

    Args:
        network: with the outputs that the class needs: those of the Keras model's `onnx_networks`.
        settings: attributes of the Keras model, those that `settings` of the class names.
    """

    settings: ClassVar[tuple[str, ...]] = ("sample_rate",)

    def __init__(self, network: Network, **settings: Any):
        self.network = network
        vars(self).update(settings)
