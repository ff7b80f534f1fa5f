"""model.onnx: written beside the weights, checked against Keras, pinned in the card, and refused where it is damaged."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec

import keras
import numpy as np
import pytest

import zoo
from tests.support import onnx
from tests.support.harness import REPOSITORY
from zoo.checkpoint import integrity, network, preset, registry
from zoo.checkpoint.card import read_card
from zoo.enhancement.model import BLSTMEnhancer
from zoo.errors import InputError
from zoo.quality_net.model import QualityNetLite

WITHOUT_BACKEND = """
import sys
import zoo
for name in ("keras", "tensorflow", "jax", "torch", "h5py"):
    sys.modules[name] = None
import numpy as np
speech = np.random.default_rng(0).normal(size=16000) / 10
print(zoo.load("quality-net-lite-pesq-wb-16k", runtime="onnx").score(speech, speech, sample_rate=16000).shape)
for call in (lambda: zoo.load("jnd-22k"), lambda: zoo.loss("jnd-22k")):
    try:
        call()
    except zoo.InputError as error:
        print(error)
"""
writes = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow" or find_spec("tf2onnx") is None, reason="TensorFlow and tf2onnx write it"
)


@pytest.fixture
def copied(tmp_path):
    return shutil.copytree(registry.root() / "quality-net-tiny-pesq-wb-16k", tmp_path / "copied")


def test_it_needs_no_backend_and_says_how_to_get_one():
    command = [sys.executable, "-c", WITHOUT_BACKEND]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == ["(1,)"] + ['keras is not installed: pip install "audio-zoo[tensorflow]"'] * 2


@writes
def test_it_is_written_with_every_card_and_pinned(tmp_path):
    model = BLSTMEnhancer(units=4, hidden=4)
    preset.save(model, tmp_path / "mine", card={"name": "mine"})
    assert network.is_writable(model)
    network.write(model, tmp_path / "mine")
    assert read_card(tmp_path / "mine")["files"]["model.onnx"] == integrity.sha256(tmp_path / "mine" / "model.onnx")
    noisy = onnx.recordings(16000, 2, 0.5)[1]
    expected = model.enhance(noisy, 16000)
    enhanced = zoo.load(tmp_path / "mine", runtime="onnx").enhance(noisy, 16000)
    np.testing.assert_allclose(enhanced, expected, atol=1e-5)


@writes
def test_a_file_that_gives_other_values_is_not_written(tmp_path, monkeypatch):
    preset.save(QualityNetLite(bands=8), tmp_path / "mine")
    other, encode = QualityNetLite(bands=8), network.encode
    monkeypatch.setattr(network, "encode", lambda model: encode(other))
    with pytest.raises(InputError, match="its core differs from the Keras model's"):
        network.write(zoo.load(tmp_path / "mine"), tmp_path / "mine")
    assert not list((tmp_path / "mine").glob("*onnx*"))


def test_what_runs_on_keras_alone_is_not_written(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    assert not network.is_writable(model)
    with pytest.raises(InputError, match="Sequential runs on Keras alone"):
        network.write(model, tmp_path)


def test_every_bundled_file_is_pinned_and_small():
    assert len(onnx.ONNX_NAMES) >= 17
    for name in onnx.ONNX_NAMES:
        path = registry.root() / name / network.FILE
        assert path.stat().st_size < 20e6
        assert read_card(path.parent)["files"][network.FILE] == integrity.sha256(path)


@pytest.mark.parametrize("content", [b"", b"<html>", b"version https://git-lfs.github.com/spec/v1\n"])
def test_a_damaged_file_is_refused(copied, content):
    (copied / network.FILE).write_bytes(content)
    with pytest.raises(InputError, match=r"model.onnx differs from the sha256 in its card: get it again"):
        zoo.load(copied, runtime="onnx")
    card = read_card(copied)
    (copied / "card.json").write_text(json.dumps({key: value for key, value in card.items() if key != "files"}))
    with pytest.raises(InputError, match=r"model.onnx is damaged, get it again"):
        zoo.load(copied, runtime="onnx")


def test_a_checkpoint_without_the_file_names_the_other_runtime(copied):
    (copied / network.FILE).unlink()
    (copied / "card.json").unlink()
    with pytest.raises(InputError, match='has no model.onnx: load it with runtime="keras"'):
        zoo.load(copied, runtime="onnx")


@pytest.mark.parametrize("options", [{"runtime": "torch"}, {"runtime": "onnx", "trainable": True}])
def test_what_a_runtime_cannot_do_is_refused(options):
    with pytest.raises(InputError, match='give "keras", or "onnx" without trainable and verify'):
        zoo.load("jnd-22k", **options)
