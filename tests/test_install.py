"""The wheel in environments of its own, out of sight of the repository: alone, and with each backend."""

import os
import subprocess
from importlib.util import find_spec

import pytest

from tests.support.environment import build_wheel, make_environment

BASE = """
import contextlib, io
import zoo
from zoo.cli import main
assert "site-packages" in zoo.__file__ and len(zoo.list()) > 20
files = zoo.examples()
with contextlib.redirect_stdout(io.StringIO()) as out:
    assert main(["score", str(files["reference"]), str(files["degraded"])]) == 0
assert out.getvalue().split()[-1] == "1.154"
(reference, rate), (degraded, _) = (zoo.audio.io.read(files[name]) for name in ("reference", "degraded"))
assert zoo.load("jnd-22k", runtime="onnx").distance(reference, degraded, rate, resample=True) > 1
"""
ALONE = """
for call in (lambda: zoo.load("jnd-22k"), lambda: zoo.loss("jnd-22k"), lambda: zoo.client.connect("localhost:1")):
    try:
        call()
    except zoo.InputError as error:
        print(error)
print(main(["texture", str(files["reference"]), "more.wav"]))
"""
WITH_BACKEND = """
import keras, numpy as np
metric = zoo.load("quality-net-tiny-pesq-wb-16k")
assert 1 < metric.score(reference, degraded, sample_rate=rate)[0] < 2
pair = reference[None, :16000], degraded[None, :16000]
model = keras.Sequential([keras.Input((16000,)), keras.layers.Reshape((16000, 1)), keras.layers.Conv1D(1, 3, padding="same"),
                          keras.layers.Reshape((16000,))])
model.compile("adam", loss=zoo.loss("quality-net-tiny-pesq-wb-16k"), jit_compile=keras.backend.backend() == "jax")
before = [np.array(weight) for weight in model.get_weights()]
model.fit(pair[1], pair[0], verbose=0)
assert any((new != old).any() for new, old in zip(model.get_weights(), before, strict=True))
print(keras.backend.backend())
"""
WITHOUT_TENSORFLOW = """
import warnings
zoo.save(model := zoo.load("dnn-mse-16k", trainable=True), "mine/")
assert (zoo.load("mine/").enhance(degraded, rate) == model.enhance(degraded, rate)).all()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    zoo.push("quality-net-tiny-pesq-wb-16k", "pushed/")
print(*(caution.message for caution in caught if issubclass(caution.category, zoo.errors.InputWarning)))
again = zoo.load("pushed/", verify=True)  # its weights and its golden output, without TensorFlow
assert (again.score(reference, degraded, rate) == metric.score(reference, degraded, rate)).all()
tone = np.sin(np.arange(16000, dtype="float32") / 9) / 2
for call in (
    lambda: zoo.serving.export.export("dnn-mse-16k", "served"),
    lambda: zoo.client.connect("localhost:1"),
    lambda: zoo.texture.synthesize(tone, rate, seconds=1, iterations=1, optimizer="tfp"),
):
    try:
        with zoo.errors.extras():
            call()
    except zoo.InputError as error:
        print(error)
print(main(["export", "dnn-mse-16k", "served"]))
"""
EXTRAS_NAMED = [
    'tensorflow is not installed: pip install "audio-zoo[tensorflow]"',
    'grpc is not installed: pip install "audio-zoo[serve]"',
    'tfp needs Keras on tensorflow: pip install "audio-zoo[tensorflow,textures]", set KERAS_BACKEND=tensorflow, or use lbfgs-b',
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def run(python, code, folder, **environment):
    """Output lines of code in an environment, run in an empty folder; what it prints otherwise where it fails."""
    outer = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "KERAS_BACKEND")}
    settings = {"env": outer | environment, "cwd": folder, "capture_output": True, "text": True}
    done = subprocess.run([python, "-c", code], check=False, **settings)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.splitlines()


@pytest.mark.slow
def test_the_wheel_alone_scores_and_names_the_extra_for_the_rest(wheel, tmp_path):
    python = make_environment(tmp_path / "environment", wheel)
    keras, serve = (
        '{} is not installed: pip install "audio-zoo[{}]"'.format(*names)
        for names in (("keras", "tensorflow"), ("grpc", "serve"))
    )
    assert run(python, BASE + ALONE, tmp_path) == [keras, keras, serve, "2"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "backend",
    ["tensorflow", pytest.param("jax", marks=pytest.mark.jax), pytest.param("torch", marks=pytest.mark.torch)],
)
def test_the_wheel_trains_with_a_backend(wheel, tmp_path, backend):
    if find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    python = make_environment(tmp_path / "environment", wheel, [backend])
    others = [other for other in ("tensorflow", "jax", "torch") if other != backend]
    absent = f"from importlib.util import find_spec\nassert not any(map(find_spec, {others}))\n"
    code = absent + BASE + WITH_BACKEND + WITHOUT_TENSORFLOW * (backend != "tensorflow")
    chosen, *lines = run(python, code, tmp_path, KERAS_BACKEND=backend)
    assert chosen == backend
    if backend != "tensorflow":
        saved_model, *extras, status = lines
        assert "SavedModel" in saved_model and extras == EXTRAS_NAMED and status == "2"
