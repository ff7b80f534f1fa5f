"""L-BFGS on the host and on the device, and the compiled gradient."""

import keras
import numpy as np
import pytest

from zoo.errors import InputError
from zoo.texture import optimize


def rosenbrock(x):
    return keras.ops.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.on_torch
def test_the_gradient_is_compiled_once():
    traced = []

    def square(x, scale):
        traced.append(1)
        return scale * keras.ops.sum(x * x), {"twice": 2 * keras.ops.sum(x)}

    compute = optimize.value_and_gradient(square)
    for scale in (1.0, 3.0):
        (value, others), gradient = compute(np.arange(3, dtype="float32"), np.float32(scale))
        assert float(value) == 5 * scale and float(others["twice"]) == 6
        np.testing.assert_allclose(gradient, scale * 2 * np.arange(3))
    assert len(traced) == (2 if keras.backend.backend() == "torch" else 1)


def test_the_host_finds_the_minimum_within_bounds():
    compute, seen = optimize.value_and_gradient(lambda x: (rosenbrock(x), ())), []

    def evaluate(x):
        (value, _), gradient = compute(x)
        return float(value), np.asarray(gradient)

    minimum = optimize.minimize(evaluate, np.zeros(4), 200, lambda x, value: seen.append(value))
    np.testing.assert_allclose(minimum, 1, atol=1e-4)
    assert len(seen) < 200  # no progress is left
    bounded = optimize.minimize(lambda x: (np.sum((x + 1) ** 2), 2 * (x + 1)), np.ones(3), 10, lambda *_: None)
    np.testing.assert_array_equal(bounded, 0)


def test_the_scale_of_the_function_does_not_matter():
    """Nor its first step, a tenth of the start, which the line search may make shorter."""
    paths = []
    for scale in (1e-4, 1.0, 1e4):
        path = []
        optimize.minimize(
            lambda x, scale=scale: (scale * np.sum((x - 9) ** 4), 4 * scale * (x - 9) ** 3),
            np.array([1.0, 2.0]),
            5,
            lambda x, _, path=path: path.append(x.copy()),
        )
        paths.append(path)
    np.testing.assert_allclose(paths[0], paths[1], rtol=1e-6)
    np.testing.assert_allclose(paths[2], paths[1], rtol=1e-6)
    first = np.linalg.norm(paths[1][0] - [1, 2])
    assert 0.01 * np.sqrt(5) < first <= 0.1 * np.sqrt(5) * 1.001


def test_so_many_iterations_and_not_more():
    seen = []
    optimize.minimize(lambda x: (np.sum(x**4), 4 * x**3), np.ones(3), 7, lambda x, value: seen.append(value))
    assert len(seen) == 7

    def stop(*_):
        raise StopIteration

    assert optimize.minimize(lambda x: (np.sum(x**4), 4 * x**3), np.ones(3), 7, stop).max() < 1


@pytest.mark.slow
@pytest.mark.on_torch
@pytest.mark.skipif(keras.backend.backend() == "jax", reason="JAX has no L-BFGS of its own here")
def test_the_device_finds_the_minimum():
    run = optimize.device_minimizer(rosenbrock, "torch" if keras.backend.backend() == "torch" else "tfp")
    minimum, done = run(np.zeros(4, "float32"), 100)
    np.testing.assert_allclose(minimum, 1, atol=1e-3)
    assert run(np.zeros(4, "float32"), 3)[1] == 3 < done <= 100


@pytest.mark.parametrize(("optimizer", "backend"), [("tfp", "tensorflow"), ("torch", "torch")])
def test_an_optimiser_of_another_backend_is_refused(monkeypatch, optimizer, backend):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(InputError, match=f"{optimizer} needs Keras on {backend}.*or use lbfgs-b"):
        optimize.device_minimizer(rosenbrock, optimizer)
