"""The recipe on tiny networks: it learns, resumes to the same weights, and its configs are whole."""

import csv
import dataclasses
from argparse import Namespace

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.harness import REPOSITORY
from tests.support.jnd_training import TINY, judged, ladders
from zoo.checkpoint import preset
from zoo.checkpoint.card import read_words
from zoo.errors import InputError
from zoo.jnd import head, train
from zoo.jnd.model import JND
from zoo.jnd.train import Recipe
from zoo.training.config import Config
from zoo.training.distribution import ONE_DEVICE
from zoo.training.run import open_run

CONFIGS = sorted((REPOSITORY / "tools" / "configs").glob("jnd-*.toml"))


@pytest.fixture(autouse=True)
def one_short_fit_of_a_head(monkeypatch):
    """The fit that finds a head's best start has tests of its own."""
    monkeypatch.setattr(head, "_STARTS", 1)
    monkeypatch.setattr(head, "_EPOCHS", 5)


def run(recipe, runs):
    return train.train(recipe, judged(), judged(8, seed=5), ladders() if recipe.ladders else None, runs, verbose=0)


@pytest.mark.on_torch
@pytest.mark.slow
@pytest.mark.parametrize("network", ["SpectralJND", "JND"])
def test_it_learns_and_a_killed_training_ends_with_the_same_weights(tmp_path, network, monkeypatch):
    options = TINY.options if network == "SpectralJND" else {"channels": (4, 4, 4)}
    recipe = dataclasses.replace(TINY, network=network, options=options)
    whole, facts, minutes = run(recipe, tmp_path / "whole")
    assert facts["curve"]["loss"][-1] < facts["curve"]["loss"][0]
    assert facts["best_epoch"] == 1 + int(np.argmin(facts["curve"]["val_loss"]))
    assert minutes > 0

    class Killed(Exception):
        pass

    end = keras.callbacks.CSVLogger.on_epoch_end

    def die(self, epoch, logs=None):
        end(self, epoch, logs)
        if epoch == 0:
            raise Killed

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(keras.callbacks.CSVLogger, "on_epoch_end", die)
        run(recipe, tmp_path / "killed")
    resumed, again, _ = run(recipe, tmp_path / "killed")
    with open(tmp_path / "killed" / "tiny-0" / "log.csv") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "0", "1"]  # the killed one again
    np.testing.assert_allclose(again["curve"]["loss"], facts["curve"]["loss"], rtol=1e-3)
    for ours, theirs in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_frozen_features_stay_and_the_weights_and_the_head_move(tmp_path):
    start = JND(channels=(4, 4, 4))
    preset.save(start, tmp_path / "pre")
    recipe = dataclasses.replace(
        TINY,
        network="JND",
        options={"channels": (4, 4, 4)},
        start=f"{tmp_path}/pre/",
        trainable="weights",
        ladders=0,
        epochs=1,
    )
    model, _, _ = run(recipe, tmp_path)
    fresh = recipe.model()
    for ours, theirs in zip(model.backbone.get_weights(), start.backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    changed = set()
    for core in ("core", "head"):
        for new, old in zip(getattr(model, core).variables, getattr(fresh, core).variables, strict=True):
            if not np.array_equal(ops.convert_to_numpy(new), ops.convert_to_numpy(old)) and "seed" not in new.path:
                changed.add(new.path.split("/")[-2].split("_")[0])
    assert changed == {"distance", "dense"}


@pytest.mark.slow
def test_only_a_fresh_paper_network_gets_its_head_before_the_first_epoch(tmp_path, monkeypatch):
    fitted = []
    monkeypatch.setattr(train, "fit_head", lambda metric, *_: fitted.append(type(metric).__name__))
    fresh = dataclasses.replace(TINY, network="JND", options={"channels": (4, 4, 4)}, ladders=0, epochs=1)
    model, _, _ = run(fresh, tmp_path / "fresh")
    preset.save(model, tmp_path / "pre")
    run(dataclasses.replace(fresh, start=f"{tmp_path}/pre/"), tmp_path / "started")
    run(dataclasses.replace(TINY, epochs=1), tmp_path / "spectral")
    assert fitted == ["JND"]


def test_another_recipe_does_not_go_on_with_a_run(tmp_path):
    open_run(tmp_path / "tiny-0", TINY)
    with pytest.raises(InputError, match="another recipe"):
        run(dataclasses.replace(TINY, learning_rate=0.5), tmp_path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"network": "DPAM"}, "DPAM"),
        ({"trainable": "some"}, "some"),
        ({"trainable": "weights"}, "not of SpectralJND"),
        ({"network": "JND", "options": {}, "calibrate": True}, "leave calibrate out"),
    ],
)
def test_choices_that_do_not_fit_raise(changes, words):
    with pytest.raises(InputError, match=words):
        dataclasses.replace(TINY, **changes).model()


def test_a_start_of_another_kind_raises(tmp_path):
    preset.save(JND(channels=(4, 4)), tmp_path / "other")
    with pytest.raises(InputError, match="another network"):
        dataclasses.replace(TINY, start=f"{tmp_path}/other/").model()


@pytest.mark.parametrize("config", [path for path in CONFIGS if "-pre-" not in path.name], ids=lambda path: path.stem)
def test_configs_are_recipes_named_as_their_files(config):
    recipe = Recipe.read(config)
    assert recipe.name == config.stem
    assert recipe.network in train.NETWORKS
    assert recipe.trainable in train.TRAINABLE
    words = read_words(config)
    assert "not stated" not in [words["description"], words["data"], *words["licence"].values()]
    assert words["limits"]


# --- from a config ----------------------------------------------------------------------------------------------


def options(runs, **changes):
    usual = {"data": "data", "runs": runs, "jobs": 1, "verbose": 0, "judgments": None, "dcase": None, "lyra": None}
    return Namespace(**usual | {"seeds": None, "seed": None, "start": None} | changes)


@pytest.fixture
def rendered_pairs(monkeypatch):
    monkeypatch.setattr(train, "_rendered_answers", lambda options, renders: [judged(), judged(8, seed=5)])
    monkeypatch.setattr(train, "prepare_ladders", lambda *_: ladders())


@pytest.mark.slow
def test_of_several_seeds_the_best_is_kept_and_all_are_listed(rendered_pairs, tmp_path):
    config = Config("tiny.toml", "jnd", dataclasses.asdict(dataclasses.replace(TINY, epochs=1)), {})
    trained = train.train_config(config, options(tmp_path, seeds=[3, 4]), ONE_DEVICE)
    losses = {row["seed"]: row["cross_entropy"] for row in trained.facts["seeds"]}
    assert list(losses) == [3, 4] and trained.recipe.seed == min(losses, key=losses.get)
    assert trained.facts["curve"]["val_loss"] == [losses[trained.recipe.seed]] and trained.minutes > 0
    again = train.train_config(config, options(tmp_path, seed=trained.recipe.seed), ONE_DEVICE)
    for ours, theirs in zip(again.model.get_weights(), trained.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_features_get_a_head_by_the_leading_process_alone(rendered_pairs, tmp_path, monkeypatch):
    def pretrain(recipe, *sounds):
        keras.utils.set_random_seed(recipe.seed)
        return JND(channels=(4, 4, 4)), {"classes": []}, 1.0

    monkeypatch.setattr(train.pretrain, "read_sounds", lambda *_: [])
    monkeypatch.setattr(train.pretrain, "pretrain", pretrain)
    config = Config("pre.toml", "jnd", {"name": "pre"}, {})
    trained = train.train_config(config, options(tmp_path, seeds=[2]), ONE_DEVICE)
    assert trained.recipe.seed == 2 and trained.facts == {"classes": []}
    before = trained.model.head.get_weights()
    assert trained.complete()["head"]["answers"] == {"training": 16, "validation": 8}
    assert any(np.any(ours != theirs) for ours, theirs in zip(before, trained.model.head.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("fields", "changes", "message"),
    [
        ({"name": "pre"}, {"start": "jnd-22k"}, "no --start"),
        ({"name": "pre"}, {"seeds": [0, 1]}, "one of --seeds"),
        ({"name": "x", "network": "JND"}, {"dcase": "DCASE"}, "this one trains a metric"),
        ({"name": "x", "network": "JND"}, {"seeds": [0], "seed": 1}, "--seed or --seeds"),
    ],
)
def test_options_that_do_not_fit_the_config_are_refused(fields, changes, message, tmp_path):
    with pytest.raises(InputError, match=message):
        train.train_config(Config("x.toml", "jnd", fields, {}), options(tmp_path, **changes), ONE_DEVICE)
