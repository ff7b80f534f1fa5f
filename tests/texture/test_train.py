"""The classifier's recipe: it learns, is measured in groups, goes on to the same weights, and its tool saves a card."""

import dataclasses
import json
import sys

import numpy as np
import pytest

import zoo
from tests.support.harness import REPOSITORY, SOUND_CLASSES, data_path, labelled_sounds, predict
from tools import train as tool
from zoo.audio import io
from zoo.checkpoint.card import card_flaws, read_words
from zoo.data import clips as drawing
from zoo.data.environment import SPLITS
from zoo.errors import InputError
from zoo.texture import train
from zoo.training.run import open_run

CONFIG = REPOSITORY / "tools" / "configs" / "texture-classifier-16k.toml"


@pytest.fixture(scope="module")
def recordings():
    return labelled_sounds(train.SAMPLE_RATE)


@pytest.fixture
def small():
    return train.Recipe(
        name="tiny", options={"channels": [8, 8], "bands": 32, "dropout": 0.1}, seconds=0.1, batch_size=6, steps=8,
        epochs=3, learning_rate=2e-2, mixed=0.2, n_validation=4,
    )  # fmt: skip


@pytest.mark.slow
def test_it_learns_and_the_best_epoch_is_kept_and_measured(recordings, small, tmp_path):
    recipe = dataclasses.replace(small, epochs=5)
    model, facts, minutes = train.train(recipe, *recordings, tmp_path, verbose=0)
    curve = facts["curve"]
    assert curve["epoch"] == [1, 2, 3, 4, 5] and curve["loss"][-1] < curve["loss"][0] and minutes > 0
    assert facts["val_accuracy"] == max(curve["val_accuracy"]) > 0.6
    assert (facts["classes"], facts["n_train"], facts["n_validation"]) == (SOUND_CLASSES, 9, 6)
    assert model.classes == tuple(SOUND_CLASSES)
    measured = train.evaluate(model, recordings[1], recipe)
    value, low, high = measured["accuracy"]
    assert low <= value <= high and value == pytest.approx(facts["val_accuracy"], abs=1e-4)
    assert (measured["n"], measured["n_failed"], measured["n_sources"]) == (12, 0, 6)
    assert np.mean(list(measured["by_class"].values())) == pytest.approx(value, abs=1e-3)
    assert measured["chance"] == pytest.approx(1 / 3)


def test_silent_clips_are_counted_as_failed(recordings, small):
    silent = [dataclasses.replace(r, audio=0 * r.audio) if r.label == "hiss" else r for r in recordings[1]]
    measured = train.evaluate(small.model(SOUND_CLASSES), silent, small)
    assert (measured["n"], measured["n_failed"], measured["by_class"]["hiss"]) == (8, 4, None)
    assert np.isfinite(measured["accuracy"]).all()


@pytest.mark.on_torch
@pytest.mark.slow
def test_an_interrupted_training_goes_on_to_the_same_weights(recordings, small, tmp_path, monkeypatch):
    whole, facts, _ = train.train(small, *recordings, tmp_path / "whole", verbose=0)

    def interrupt(clips, epoch):
        if epoch == 2:
            raise KeyboardInterrupt
        clips.epoch = epoch

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(drawing.Clips, "shuffle", interrupt)
        train.train(small, *recordings, tmp_path / "cut", verbose=0)
    resumed, resumed_facts, _ = train.train(small, *recordings, tmp_path / "cut", verbose=0)
    assert resumed_facts["curve"] == facts["curve"]
    for ours, theirs in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    again, *_ = train.train(small, *recordings, tmp_path / "cut", verbose=0)  # ended: nothing more to do
    np.testing.assert_array_equal(again.get_weights()[0], resumed.get_weights()[0])


def test_what_cannot_be_trained_is_refused(recordings, small, tmp_path):
    sounds, validation = recordings
    with pytest.raises(InputError, match="different classes"):
        train.train(small, sounds, validation[:2], tmp_path)
    open_run(tmp_path / "tiny", small)
    with pytest.raises(InputError, match="another recipe"):
        train.train(small, sounds, validation, tmp_path)


def test_the_recipe_is_whole():
    recipe = train.Recipe.read(CONFIG)
    assert recipe.name == CONFIG.stem
    assert recipe.model([f"class {i}" for i in range(14)]).count_params() < 400_000
    words = read_words(CONFIG)
    assert "not the paper's AudioSet numbers" in words["description"]
    assert words["data"] != "not stated" and words["limits"] and words["departures"]
    assert words["licence"]["weights"] == "MIT"


def test_the_real_recordings_are_at_the_rate_of_the_network():
    recording = train.read_sounds(data_path("MANIFEST.csv").parent, "validation")[0]
    assert len(recording.audio) / train.SAMPLE_RATE > 0.5 and np.abs(recording.audio).max() > 0


def test_the_tool_saves_a_checkpoint_with_a_whole_card(recordings, tmp_path, monkeypatch, capsys):
    """On recordings of a manifest: what `zoo.load` reads, what it told, and the words of the config."""
    lines = ["path,speaker_or_class,split,attribution"]
    for recording in [*recordings[0], *recordings[1]]:
        path = f"noise/train/{recording.source.replace(' ', '/')}.flac"
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        io.write(tmp_path / path, recording.audio, train.SAMPLE_RATE)
        lines.append(f"{path},{recording.label},train,")
    (tmp_path / "MANIFEST.csv").write_text("\n".join(lines) + "\n")
    words = CONFIG.read_text().partition("[card]")[2]
    (tmp_path / "tiny.toml").write_text(
        'family = "texture"\nname = "tiny"\nseconds = 0.1\nbatch_size = 6\nsteps = 8\nn_validation = 4\nlearning_rate = 2e-2\n'
        f"[options]\nchannels = [8, 8]\nbands = 32\n[card]{words}"
    )
    arguments = ["--data", tmp_path, "--runs", tmp_path / "runs", "--output", tmp_path / "out", "--epochs", "2"]
    monkeypatch.setattr(sys, "argv", ["tools/train.py", *map(str, [tmp_path / "tiny.toml", *arguments])])
    tool.main()
    assert "accuracy" in capsys.readouterr().out
    model = zoo.load(tmp_path / "out" / "tiny", verify=True)
    card = json.loads((tmp_path / "out" / "tiny" / "card.json").read_text())
    assert card["family"] == "texture" and card["architecture"] == "SoundClassifier"
    assert card["classes"] == list(model.classes) == SOUND_CLASSES
    assert card["training"]["n_train"] + card["training"]["n_validation"] == 15 and card["training"]["seed"] == 0
    assert card["training"]["command"].startswith("python tools/train.py")
    assert card["evaluation"]["n"] == 12 and len(card["evaluation"]["accuracy"]) == 3
    assert card_flaws(card) == ([], [])
    for key in ("description", "data", "departures", "limits", "licence", "parameters", "files"):
        assert card[key], key
    held = [r for r in train.read_sounds(tmp_path, SPLITS[1])]
    assert predict(model, [held[0].audio[None]]).shape == (1, 3)
