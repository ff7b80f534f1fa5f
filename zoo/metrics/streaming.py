"""True speech metrics as `keras.metrics.Metric`s, for `fit` and `evaluate` on every backend.

They run NumPy from inside the graph, which XLA on TensorFlow cannot compile: use `jit_compile=False` there.
"""

import keras
import numpy as np
from keras import ops

from zoo.audio import checks, tensors
from zoo.metrics import speech


class _SpeechMetric(keras.metrics.Metric):
    """Weighted mean of a subclass's `_score_batch`; pairs without a score are left out and counted."""

    def __init__(self, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.total = self.add_variable((), "zeros", name="total")
        self.weight = self.add_variable((), "zeros", name="weight")
        self.failed = self.add_variable((), "zeros", name="failed")

    @property
    def n_failed(self) -> int:
        """Number of pairs since the last reset that could not be scored."""
        return int(self.failed)

    def update_state(self, reference, estimate, sample_weight=None):
        """Score a batch.

        Args:
            reference: clean speech, `(batch, samples)` or `(batch, samples, 1)`, in [-1, 1], unpadded: padding changes
                the scores.
            estimate: the same speech as it reaches a listener, of the same batch and samples.
            sample_weight: weight of each pair, `(batch,)`; None gives all the same.

        Raises:
            InputError: as for `zoo.audio.tensors.waveform_pair`.
        """
        reference, estimate = tensors.waveform_pair(reference, estimate)
        scores = ops.cast(_on_host(self._score_batch, reference, estimate), self.dtype)
        scored = ops.logical_not(ops.isnan(scores))
        weight = ops.cast(scored, self.dtype)
        self.failed.assign_add(ops.sum(1 - weight))
        if sample_weight is not None:
            weight = weight * ops.reshape(ops.cast(sample_weight, self.dtype), (-1,))
        # `where`, not a product alone: NaN x 0 is NaN.
        self.total.assign_add(ops.sum(weight * ops.where(scored, scores, 0)))
        self.weight.assign_add(ops.sum(weight))

    def result(self):
        """Weighted mean score, higher is better; NaN where no pair could be scored."""
        return self.total / self.weight


class _RatedMetric(_SpeechMetric):
    def __init__(self, sample_rate, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.sample_rate = checks.whole_rate(sample_rate)

    def get_config(self):
        return {**super().get_config(), "sample_rate": self.sample_rate}


@keras.saving.register_keras_serializable("zoo")
class PESQ(_RatedMetric):
    """Mean PESQ, MOS-LQO; higher is better, 1.04..4.64 for `wb` and 1.02..4.55 for `nb`.

    Args:
        sample_rate: Hz; 16000 for `wb`, 8000 or 16000 for `nb`.
        mode: `"wb"` (P.862.2) or `"nb"` (P.862.1).
        name: of the metric; None takes `pesq_wb` or `pesq_nb`.
        dtype: of the state.

    Raises:
        InputError: at the first batch, where the mode does not take this sample rate.

    Example:
        >>> model = keras.Sequential([keras.Input((16000,)), keras.layers.Rescaling(0.5)])
        >>> model.compile("adam", loss="mse", metrics=[PESQ(16000)], jit_compile=False)
    """

    def __init__(self, sample_rate: int, mode: str = "wb", name: str | None = None, dtype: str | None = None):
        super().__init__(sample_rate, name=name or f"pesq_{mode}", dtype=dtype)
        self.mode = mode

    def get_config(self):
        return {**super().get_config(), "mode": self.mode}

    def _score_batch(self, reference, estimate):
        return speech.pesq(reference, estimate, self.sample_rate, mode=self.mode)


@keras.saving.register_keras_serializable("zoo")
class STOI(_RatedMetric):
    """Mean STOI, at most 1; higher is better.

    Args:
        sample_rate: Hz.
        name: of the metric.
        dtype: of the state.

    Example:
        >>> model = keras.Sequential([keras.Input((16000,)), keras.layers.Rescaling(0.5)])
        >>> model.compile("adam", loss="mse", metrics=[STOI(16000)], jit_compile=False)
    """

    def __init__(self, sample_rate: int, name: str = "stoi", dtype: str | None = None):
        super().__init__(sample_rate, name=name, dtype=dtype)

    def _score_batch(self, reference, estimate):
        return speech.stoi(reference, estimate, self.sample_rate)


@keras.saving.register_keras_serializable("zoo")
class ESTOI(_RatedMetric):
    """Mean ESTOI, -1..1; higher is better.

    Args:
        sample_rate: Hz.
        name: of the metric.
        dtype: of the state.

    Example:
        >>> model = keras.Sequential([keras.Input((16000,)), keras.layers.Rescaling(0.5)])
        >>> model.compile("adam", loss="mse", metrics=[ESTOI(16000)], jit_compile=False)
    """

    def __init__(self, sample_rate: int, name: str = "estoi", dtype: str | None = None):
        super().__init__(sample_rate, name=name, dtype=dtype)

    def _score_batch(self, reference, estimate):
        return speech.estoi(reference, estimate, self.sample_rate)


@keras.saving.register_keras_serializable("zoo")
class SISDR(_SpeechMetric):
    """Mean SI-SDR, dB within +-156.5; higher is better.

    Args:
        name: of the metric.
        dtype: of the state.

    Example:
        >>> model = keras.Sequential([keras.Input((16000,)), keras.layers.Rescaling(0.5)])
        >>> model.compile("adam", loss="mse", metrics=[SISDR()], jit_compile=False)
    """

    def __init__(self, name: str = "si_sdr", dtype: str | None = None):
        super().__init__(name=name, dtype=dtype)

    def _score_batch(self, reference, estimate):
        return speech.si_sdr(reference, estimate)


def _on_host(function, reference, estimate):
    """Call a NumPy function of two batches, which gives (batch,), from inside a compiled step or outside."""

    def score(reference, estimate):
        return function(np.asarray(reference), np.asarray(estimate)).astype(np.float32)

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        scores = tf.numpy_function(score, [reference, estimate], tf.float32, stateful=False)
        scores.set_shape([None])
        return scores
    if backend == "jax":
        import jax

        shape = jax.ShapeDtypeStruct(reference.shape[:1], np.float32)
        return jax.pure_callback(score, shape, reference, estimate)
    return ops.convert_to_tensor(score(ops.convert_to_numpy(reference), ops.convert_to_numpy(estimate)))
