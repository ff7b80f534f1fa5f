"""What the check of an exported model refuses, and that it sees nothing of the zoo."""

import ast
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

if keras.backend.backend() != "tensorflow":
    pytest.skip("exports on TensorFlow", allow_module_level=True)

import tensorflow as tf

from zoo.serving import export

OPERATIONS = [
    (lambda x: tf.cast(tf.cast(x, tf.float64) * 2, tf.float32), "float64"),
    (lambda x: tf.numpy_function(lambda x: x, [x], tf.float32), "PyFunc"),
    (
        lambda x: tf.raw_ops.CudnnRNN(input=x[None], input_h=x[None], input_c=x[None], params=x[0])[0][0],
        "CudnnRNN",
    ),
]


def save(function, folder):
    """A SavedModel of the function, with two signatures."""
    module = tf.Module()
    spec = tf.TensorSpec((None, 4), tf.float32, "x")
    module.f = tf.function(lambda x: {"y": function(x)}, input_signature=[spec])
    tf.saved_model.save(module, str(folder / "m"), signatures={"serving_default": module.f, "lengths": module.f})
    return [sys.executable, "-P", str(export._PROBE), str(folder / "m"), str(folder), "16000"]


@pytest.mark.parametrize("function, says", OPERATIONS)
def test_what_a_cpu_server_would_not_like_is_refused(function, says, tmp_path, probe):
    done = probe.run(save(function, tmp_path))
    assert done.returncode and says in done.stderr


@pytest.mark.slow
def test_it_runs_every_signature_as_a_process_of_its_own(tmp_path):
    x = np.arange(8, dtype="float32").reshape(2, 4)
    np.savez(tmp_path / "inputs_0.npz", x=x, lengths=np.array([4, 3], "int32"))
    command = save(lambda x: 2 * x, tmp_path)
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run(command, check=True, env=environment, capture_output=True)
    signatures = json.loads((tmp_path / "signatures.json").read_text())
    assert signatures == {name: {"inputs": ["x"], "outputs": ["y"]} for name in ("serving_default", "lengths")}
    with np.load(tmp_path / "outputs_0.npz") as outputs:
        assert set(outputs) == {"serving_default/y", "lengths/y"}
        np.testing.assert_array_equal(outputs["lengths/y"], 2 * x)


@pytest.mark.slow
def test_a_refusal_is_a_status_and_a_message(tmp_path):
    function, says = OPERATIONS[1]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(save(function, tmp_path), check=False, env=environment, capture_output=True, text=True)
    assert done.returncode and says in done.stderr


def test_it_imports_nothing_of_the_zoo_nor_keras():
    nodes = ast.walk(ast.parse(export._PROBE.read_text(encoding="utf-8")))
    modules = [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    nodes = ast.walk(ast.parse(export._PROBE.read_text(encoding="utf-8")))
    modules += [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
    assert "tensorflow" in modules and not {name.split(".")[0] for name in modules} & {"zoo", "keras"}
