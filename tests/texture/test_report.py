"""`zoo evaluate texture`: the card of the random networks, that of a classifier, and what it refuses."""

import dataclasses
import inspect
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.evaluation import evaluate as run_command
from tests.support.texture import RATE, Loudness, make_networks_small, noise
from zoo.audio import io
from zoo.checkpoint import integrity, preset, registry
from zoo.data.environment import LabelledRecording
from zoo.errors import InputError
from zoo.texture import baselines, card, evaluate, report, synthesis, train
from zoo.texture.model import RandomConvEnsemble


@pytest.fixture
def small(monkeypatch):
    make_networks_small(monkeypatch)


def reverse(*arguments, **options):
    """The target backwards, in place of a synthesis, which takes the same arguments."""
    target = inspect.signature(synthesis.synthesize).bind(*arguments, **options).arguments["target"]
    return SimpleNamespace(audio=target[::-1].copy(), spectrogram=None)


@pytest.fixture
def bundled(small, tmp_path, monkeypatch):
    """An ensemble as a bundled checkpoint, two textures, and a classifier."""
    card = {"name": "texture-ensemble-16k", "family": "texture"}
    preset.save(RandomConvEnsemble((2,), filters=4), tmp_path / "zoo" / card["name"], card=card)
    monkeypatch.setattr(registry, "root", lambda: tmp_path / "zoo")
    (tmp_path / "textures").mkdir()
    for name in ("clock_tick_a", "rain_city"):
        io.write(tmp_path / "textures" / f"{name}.flac", noise(1.2, len(name)), RATE)
    monkeypatch.setattr("zoo.checkpoint.preset.load", lambda _: Loudness())
    monkeypatch.setattr(integrity, "sha256", lambda _: "0")
    monkeypatch.setattr(registry, "resolve", lambda name: tmp_path / "zoo" / name)
    monkeypatch.setattr(baselines, "one_network", lambda target, *_, **__: target[::-1].copy())
    monkeypatch.setattr(evaluate, "synthesize", reverse)
    monkeypatch.setattr(evaluate, "match_statistics", lambda target, *_, **__: (target[::-1].copy(), []))
    return tmp_path


def test_the_command_renews_the_card(bundled, capsys):
    options = ["--seconds", 1, "--iterations", 2, "--phase-iterations", 1]
    run_command("texture", "--data", bundled, "--runs", bundled / "runs", *options)
    printed = capsys.readouterr().out
    evaluation = registry.info("texture-ensemble-16k")["evaluation"]
    assert evaluation["command"] == "python tools/evaluate.py texture --seconds 1.0 --iterations 2 --phase-iterations 1"
    assert list(evaluation["results"]) == list(evaluate.systems({"iterations": 1, "phase_iterations": 1, "seed": 0}))
    assert len(evaluation["trade_off"]) == 6 and len(evaluation["rhythm"]) == 5 and len(evaluation["networks"]) == 10
    for system in evaluation["results"]:
        assert system in printed and set(evaluation["results"][system]) == {"rhythmic", "other"}
    directory = bundled / "zoo" / "texture-ensemble-16k"
    assert {path.name for path in directory.glob("*.png")} == {"shifts.png", "trade-off.png"}
    page = card.evaluation({"architecture": "RandomConvEnsemble", "evaluation": json.loads(json.dumps(evaluation))})
    assert "Table 1" in page and "| Gram alone | rhythmic |" in page
    assert len(list(Path(bundled / "runs").rglob("*.wav"))) == 2 * 8 + 3 + 5 + 9  # three weights are in both


def test_the_command_needs_textures(bundled, tmp_path):
    with pytest.raises(InputError, match="none of the textures"):
        run_command("texture", "--data", tmp_path / "none")


def test_a_trained_classifier_gets_its_accuracy(tmp_path, monkeypatch, capsys):
    recipe = train.Recipe("mine", {"channels": (2,)}, seconds=0.5, n_validation=2)
    sounds = [LabelledRecording(name, f"{name}.wav", noise(1.0, seed)) for seed, name in enumerate(("rain", "wind"))]
    card = {"name": "mine", "family": "texture", "training": {"recipe": dataclasses.asdict(recipe)}}
    preset.save(recipe.model(["rain", "wind"]), tmp_path / "mine", card=card)
    monkeypatch.setattr(train, "read_sounds", lambda data, split: sounds)
    report.evaluate_checkpoint(tmp_path / "mine", "data", tmp_path / "runs", 1, "python again")
    evaluation = registry.info(tmp_path / "mine")["evaluation"]
    assert list(evaluation)[:3] == ["command", "commit", "data"] and evaluation["command"] == "python again"
    assert evaluation["n"] == 4 and 0 <= evaluation["accuracy"][0] <= 1 and evaluation["chance"] == 0.5
    assert "on 4 clips of 2 sources" in capsys.readouterr().out
