"""Every architecture gives on each backend what it gives on TensorFlow, and the same gradient."""

import functools
import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

from tests.support.checkpoints import REPRESENTATIVES
from tests.support.gradients import error, error_of_most, output_and_gradient
from tests.support.harness import REPOSITORY

NAMES = sorted(REPRESENTATIVES)


@functools.cache
def expected(name):
    return output_and_gradient(name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "backend", [pytest.param("jax", marks=pytest.mark.jax), pytest.param("torch", marks=pytest.mark.torch)]
)
def test_outputs_and_gradients_are_those_of_tensorflow(backend, tmp_path):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    path, environment = tmp_path / "numbers.npz", {**os.environ, "KERAS_BACKEND": backend}
    command = [sys.executable, "-m", "tests.support.gradients", path, *NAMES]
    done = subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    numbers = np.load(path)
    for name in NAMES:
        for key, value in expected(name).items():
            actual, is_gradient = numbers[f"{name}/{key}"], key == "gradient"
            assert error(actual, value) < (1e-2 if is_gradient else 1e-4), (name, key)
            assert not is_gradient or error_of_most(actual, value) < 1e-3, name
