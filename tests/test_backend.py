"""The backend's switches; what portable operations change is tested where they are."""

import functools
import logging

import keras
import numpy as np
import pytest
from keras import ops

from zoo import backend
from zoo.quality_net.model import QualityNetLite


def test_portable_operations_end_with_the_context_even_after_an_error():
    assert not backend.is_portable()
    with backend.portable_operations():
        with pytest.raises(KeyError), backend.portable_operations():
            raise KeyError
        assert backend.is_portable()
    assert not backend.is_portable()


@pytest.mark.parametrize(("name", "compiled"), [("tensorflow", False), ("jax", True), ("torch", False)])
def test_xla_compiles_on_jax_alone(monkeypatch, name, compiled):
    monkeypatch.setattr(keras.backend, "backend", lambda: name)
    assert backend.jit() is compiled


@pytest.mark.parametrize("condition", [False, True])
def test_the_fast_path_is_used_where_the_condition_holds(condition):
    value = float(backend.fast_path(ops.convert_to_tensor(condition), lambda: ops.ones(()), lambda: ops.zeros(())))
    assert value == (condition and keras.backend.backend() != "jax")


def test_without_branches_the_general_path_is_used():
    with backend.unbranched():
        assert float(backend.fast_path(True, lambda: 1.0, lambda: 0.0)) == 0.0


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="other backends trace nothing, or each length")
def test_a_model_is_traced_at_most_three_times_over_fifty_lengths_and_without_a_warning():
    records, traces = [], []
    handler = logging.Handler()
    handler.emit = records.append
    logging.getLogger("tensorflow").addHandler(handler)
    speech = np.random.default_rng(0).normal(size=16000) / 10

    def count(call, lengths, *inputs, **options):
        traces.append(lengths)
        return call(*inputs, **options)

    for lengths in (range(8000, 12000, 80), *[(8000, 9000)] * 5):  # TensorFlow counts the traces of all models together
        metric = QualityNetLite(bands=8, convolutions=((4, 2, 4),))
        metric.core.call = functools.partial(count, metric.core.call, lengths)
        for samples in lengths:
            metric.score(speech[:samples], speech[:samples], sample_rate=16000)
    logging.getLogger("tensorflow").removeHandler(handler)
    assert 1 <= traces.count(range(8000, 12000, 80)) <= 3
    assert [record.getMessage() for record in records] == []
