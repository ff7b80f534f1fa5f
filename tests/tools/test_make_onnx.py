"""tools/make_onnx.py writes the file of small checkpoints, or of those that are named."""

import shutil
import sys
from importlib.util import find_spec

import keras
import pytest

import zoo
from tools import make_onnx
from zoo.checkpoint import integrity, registry
from zoo.checkpoint.card import read_card


def test_small_networks_that_run_there_are_chosen():
    assert make_onnx.is_small("jnd-22k") and make_onnx.is_small("chandna-4stem-44k")
    assert not make_onnx.is_small("chandna-4stem-large-44k") and not make_onnx.is_small("texture-classifier-16k")


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow" or find_spec("tf2onnx") is None, reason="TensorFlow and tf2onnx write it"
)
def test_the_file_is_written_and_pinned(tmp_path, monkeypatch, capsys):
    directory = shutil.copytree(registry.root() / "dnn-mse-16k", tmp_path / "dnn-mse-16k")
    monkeypatch.setattr(registry, "root", lambda: tmp_path)
    monkeypatch.setattr(sys, "argv", ["make_onnx.py"])
    make_onnx.main()
    assert capsys.readouterr().out == "dnn-mse-16k 1.06 MB\n"
    assert read_card(directory)["files"]["model.onnx"] == integrity.sha256(directory / "model.onnx")
    assert zoo.load(directory, runtime="onnx").sample_rate == 16000
