"""The backend's switches; what portable operations change is tested where they are."""

import keras
import pytest
from keras import ops

from zoo import backend


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
