"""The worked example of fine-tuning: what it learns, freezes, saves and refuses; on TensorFlow and on JAX."""

import csv
import os
import subprocess
import sys

import keras
import pytest
import soundfile

import zoo
from examples import fine_tune_quality_net as tool
from tests.support.harness import REPOSITORY
from zoo.checkpoint import golden, preset
from zoo.checkpoint.card import read_card
from zoo.quality_net.model import QualityNet, QualityNetLite
from zoo.serving import publish

WORDS = """
[card]
description = "Mean opinion scores."
data = "Tones in noise."
licence = { code = "MIT", weights = "MIT", data = "CC0" }
"""


@pytest.fixture(scope="module")
def ratings(tmp_path_factory):
    """Voices in noise, rated by their SNR: 1 at 0 dB to 5 at 40 dB."""
    folder = tmp_path_factory.mktemp("ratings")
    rows = [("reference", "degraded", "score", "split")]
    for i, snr_db in enumerate((0, 10, 20, 30, 40, 5, 15, 25)):
        for name, audio in zip(("reference", "degraded"), golden.voices_in_noise(16000, (snr_db, 0)), strict=True):
            soundfile.write(folder / f"{name}{i}.wav", audio[0, : 9000 + 500 * i], 16000)
        rows.append((f"reference{i}.wav", f"degraded{i}.wav", 1 + snr_db / 10, "test" if i > 5 else "train"))
    with open(folder / "ratings.csv", "w", newline="") as file:
        csv.writer(file).writerows(rows)
    (folder / "words.toml").write_text(WORDS)
    for name, network in (("lite", QualityNetLite()), ("net", QualityNet())):
        preset.save(network, folder / name, card={"name": name, "sample_rate": 16000})
    return folder


def command(ratings, output, *more, base="lite"):
    options = [
        "--base",
        f"{ratings / base}/",
        "--metric",
        "mos",
        "--range",
        "1",
        "5",
        "--words",
        str(ratings / "words.toml"),
    ]
    return ["examples/fine_tune_quality_net.py", str(ratings / "ratings.csv"), str(output), *options, *more]


def tune(monkeypatch, ratings, output, *more, base="lite"):
    monkeypatch.setattr(sys, "argv", command(ratings, output, *more, base=base))
    tool.main()


@pytest.mark.slow
@pytest.mark.parametrize(
    "base, policy",
    [("lite", "float32"), ("lite", "mixed_bfloat16"), pytest.param("net", "float32", marks=pytest.mark.slow)],
)
def test_it_learns_freezes_and_saves_what_can_be_published(ratings, tmp_path, monkeypatch, base, policy):
    more = ("--freeze", "2", "--epochs", "4", "--batch-size", "3", "--learning-rate", "1e-3", "--dtype-policy", policy)
    tune(monkeypatch, ratings, tmp_path / "mos", *more, base=base)
    before, after = zoo.load(ratings / base), zoo.load(tmp_path / "mos", verify=True)
    assert after.target_range == (1.0, 5.0) and keras.config.dtype_policy().name == "float32"
    kernels = [
        [layer.get_weights() for layer in model.core.layers if "conv2d" in layer.name or "spectral" in layer.name]
        for model in (before, after)
    ]
    moved = [any((x != y).any() for x, y in zip(*pair, strict=True)) for pair in zip(*kernels, strict=True)]
    assert not any(moved[:2]) and all(moved[2:4])
    card = publish.publishable_card(tmp_path / "mos")
    assert card["metric"] == {"name": "mos", "mode": None, "range": [1.0, 5.0], "higher_is_better": True}
    losses = card["training"]["curve"]["loss"]
    assert losses[-1] < losses[0] and card["evaluation"]["results"]["all"]["n"] == 2
    assert card["training"]["command"].startswith("KERAS_BACKEND=") and "val_loss" not in card["training"]["curve"]
    assert card["training"]["base"]["files"] == read_card(ratings / base)["files"]


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="exports on TensorFlow")
@pytest.mark.usefixtures("pushes_here")
def test_what_it_saves_is_published_and_exported(ratings, tmp_path, monkeypatch):
    text = (ratings / "ratings.csv").read_text().replace("train", "validation", 1)
    (ratings / "held.csv").write_text(text)
    monkeypatch.setattr(sys, "argv", command(ratings, tmp_path / "mos", "--epochs", "1", "--batch-size", "3"))
    sys.argv[1] = str(ratings / "held.csv")
    tool.main()
    assert "val_loss" in read_card(tmp_path / "mos")["training"]["curve"]
    files = zoo.push(tmp_path / "mos", "org/mos", dry_run=True)["files"]
    assert {"README.md", "saved_model/1/saved_model.pb", "model.weights.h5"} <= set(files)


@pytest.mark.slow
@pytest.mark.jax
def test_the_same_script_runs_on_jax(ratings, tmp_path):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("this is the other backend already")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(REPOSITORY)}
    script = [sys.executable, *command(ratings, tmp_path / "mos", "--epochs", "2", "--batch-size", "3")]
    subprocess.run(script, cwd=REPOSITORY, env=environment, check=True, capture_output=True)
    zoo.load(tmp_path / "mos", verify=True)  # on TensorFlow
    assert read_card(tmp_path / "mos")["training"]["versions"]["backend"] == "jax"


@pytest.mark.parametrize(
    "change, more, says",
    [
        (lambda text: text.replace("test", "train"), (), "has the splits train; give train and test"),
        (lambda text: text.replace("test", "Test"), (), "has the splits train, Test; give train and test"),
        (lambda text: text.replace("1.0", "0.5"), (), "scores are 0.5 to .*, not within the --range 1 to 5"),
        (lambda text: text.replace("1.0", "nan"), (), "scores are nan"),
        (lambda text: text.replace("1.0", "good"), (), "a score is no number: .*'good'"),
        (lambda text: text.replace("degraded0.wav", "nothing.wav"), (), "nothing.wav"),
        (lambda text: text.replace("score", "rating"), (), "needs the columns reference, degraded and score"),
        (str, ("--freeze", "7"), "--freeze is 7; the network has 6 convolutions"),
    ],
)
def test_what_cannot_be_used_is_said(ratings, tmp_path, monkeypatch, change, more, says):
    text = (ratings / "ratings.csv").read_text()
    monkeypatch.setattr(sys, "argv", command(ratings, tmp_path / "mos", *more))
    (ratings / "changed.csv").write_text(change(text))
    sys.argv[1] = str(ratings / "changed.csv")
    with pytest.raises(zoo.InputError, match=says):
        tool.main()
    assert not (tmp_path / "mos").exists()
