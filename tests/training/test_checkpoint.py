"""From a config to a checkpoint: every family's train module offers the same, and a training ends in evaluation."""

import argparse
import dataclasses
import importlib
import json
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest

from zoo.checkpoint import network, preset
from zoo.enhancement.model import DNNEnhancer
from zoo.errors import InputError
from zoo.families import FAMILIES
from zoo.training.checkpoint import Trained, train_checkpoint
from zoo.training.config import Config
from zoo.training.distribution import Distribution


@keras.saving.register_keras_serializable(package="zoo-tests")
class Network(keras.Sequential):
    sample_rate = 16000


@dataclasses.dataclass
class Recipe:
    name: str = "mine"
    seed: int = 3


@pytest.fixture
def trained():
    model = Network([keras.Input((2,)), keras.layers.Dense(1)])
    facts = {"curve": {"epoch": [1]}}
    inputs = [np.ones((1, 2), "float32")]
    return Trained(Recipe(), model, facts, 1.26, inputs, {"own": 7}, complete=lambda: {"head": "fitted"})


@pytest.fixture
def options(tmp_path):
    folders = {name: str(tmp_path / name) for name in ("data", "runs", "output")}
    return argparse.Namespace(**folders, jobs=1, distribution=None)


@pytest.fixture
def train(monkeypatch, options):
    """Train with stand-ins for a family's modules; gives the calls of its evaluation."""

    def run(trained, evaluate=None):
        calls = []
        monkeypatch.setattr(
            importlib.import_module("zoo.texture.train"), "train_config", lambda config, options, distribution: trained
        )
        report = importlib.import_module("zoo.texture.report")
        monkeypatch.setattr(report, "evaluate_checkpoint", evaluate or (lambda *call: calls.append(call)))
        train_checkpoint(Config("mine.toml", "texture", {}, {"description": "Mine."}), options, "python train")
        return calls

    return run


def test_it_ends_in_a_card_and_an_evaluation(train, trained, options):
    calls = train(trained)
    directory = Path(options.output) / "mine"
    again = f"python tools/evaluate.py texture --checkpoint {directory}/"
    assert calls == [(directory, options.data, options.runs, 1, again)]
    card = json.loads((directory / "card.json").read_text())
    assert (card["name"], card["family"], card["architecture"]) == ("mine", "texture", "Network")
    assert (card["description"], card["data"], card["own"]) == ("Mine.", "not stated", 7)
    facts = card["training"]
    assert (facts["command"], facts["seed"], facts["minutes"], facts["head"]) == ("python train", 3, 1.3, "fitted")
    assert facts["curve"] == {"epoch": [1]} and card["files"].keys() >= {"golden.npz", "model.weights.h5"}
    np.testing.assert_array_equal(preset.load(directory).get_weights()[0], trained.model.get_weights()[0])


def test_the_card_names_the_version_of_the_data(train, trained, options):
    train(trained)
    card = Path(options.output) / "mine" / "card.json"
    assert "data_version" not in json.loads(card.read_text())["training"]
    Path(options.data).mkdir()
    Path(options.data, "VERSION").write_text("2\n")
    train(trained)
    assert json.loads(card.read_text())["training"]["data_version"] == "manifest version 2"


def test_an_evaluation_that_fails_says_that_the_checkpoint_is_saved(train, trained, options):
    def fail(*call):
        raise InputError("no recordings")

    with pytest.raises(InputError, match=r"mine is saved, but cannot be evaluated: no recordings"):
        train(trained, fail)
    assert (Path(options.output) / "mine" / "card.json").is_file()


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow" or find_spec("tf2onnx") is None, reason="TensorFlow and tf2onnx write it"
)
def test_a_small_network_is_written_for_onnxruntime_too(train, trained, options, monkeypatch, capsys):
    trained.model, trained.golden = DNNEnhancer(units=4), [np.zeros((1, 800), "float32")]
    train(trained)
    directory = Path(options.output) / "mine"
    assert "model.onnx" in json.loads((directory / "card.json").read_text())["files"]
    assert preset.load(directory).sample_rate == 16000

    def refuse(model):
        raise InputError("no converter")

    monkeypatch.setattr(network, "encode", refuse)
    train(trained)
    assert f"{directory} has no model.onnx: no converter" in capsys.readouterr().err
    assert "model.onnx" not in json.loads((directory / "card.json").read_text())["files"]


def test_only_the_leading_process_saves(train, trained, options, monkeypatch):
    monkeypatch.setattr(Distribution, "disband", lambda self: False)
    trained.complete = lambda: pytest.fail("the leading process alone does this")
    assert train(trained) == [] and not Path(options.output).exists()


@pytest.mark.parametrize("family", FAMILIES.values(), ids=lambda family: family.name)
def test_every_family_can_be_trained_and_evaluated(family):
    module = family.module("train")
    assert {"name", "seed", "epochs"} <= {field.name for field in dataclasses.fields(module.Recipe)}
    module.add_arguments(argparse.ArgumentParser())
    report = family.module("report")
    assert callable(module.train_config) and callable(report.evaluate_checkpoint)
    command = report.COMMAND.format("mine/").split()
    assert command[:2] == ["python", "tools/evaluate.py"] and "mine/" in command
