"""The separator's recipe: it learns, stops, goes on to the same weights, follows its milestones; its tool."""

import dataclasses
import shutil
import sys

import numpy as np
import pytest

import zoo
from tests.support.harness import REPOSITORY
from tests.support.separation import SMALL, songs
from tools import train as tool
from zoo.checkpoint.card import card_flaws
from zoo.errors import InputError
from zoo.separation import mixing, train
from zoo.training.run import open_run


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    return songs(tmp_path_factory.mktemp("songs"))


@pytest.fixture
def small():
    return train.Recipe(
        name="tiny", model=SMALL, loss="squared-error", optimizer="Adam", learning_rate=1e-2, batch_size=8, steps=6,
        epochs=3, n_validation=16, gains_db=(-3.0, 3.0), drop=0.1,
    )  # fmt: skip


def test_it_learns_and_the_best_epoch_is_kept(tracks, small, tmp_path):
    recipe = dataclasses.replace(small, epochs=6)
    model, facts, minutes = train.train(recipe, *tracks, tmp_path, verbose=0)
    curve = facts["curve"]
    assert curve["epoch"] == [1, 2, 3, 4, 5, 6] and minutes > 0
    assert min(curve["val_loss"]) < 0.7 * curve["val_loss"][0]
    assert facts["val_loss"] == min(curve["val_loss"]) == curve["val_loss"][facts["best_epoch"] - 1]
    assert not hasattr(model, "optimizer") or model.optimizer is None
    (held,) = mixing.Remixes(tracks[1], 8448, 16, 1, recipe.seed, remix=0.0)[0]
    training = train._Training(model, train.LOSSES["squared-error"]())
    loss = float(training.compute_loss(y_pred=training(held)))
    assert loss == pytest.approx(facts["val_loss"], rel=1e-3)


def test_true_magnitudes_in_phase_are_what_a_mask_can_give():
    """Of one source they are its magnitude; of two in opposite phase one is negative; they sum to the mixture's."""
    model = train._compiled(train.Recipe("x", model=SMALL)).separator
    sources = np.random.default_rng(0).standard_normal((1, 4, train.excerpt_length(model))).astype("float32")
    sources[:, 1:] = 0
    training = train._Training(model, None, in_phase=True)
    plain = train._Training(model, None)
    np.testing.assert_allclose(training(sources)[0][:, 0], plain(sources)[0][:, 0], rtol=1e-3, atol=1e-3)
    sources[:, 1] = -0.25 * sources[:, 0]
    true, magnitude = training(sources)[0], plain(sources)[0]
    np.testing.assert_allclose(true[:, 1], -magnitude[:, 1], rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(np.sum(true, axis=1), 0.75 * magnitude[:, 0], rtol=1e-3, atol=1e-3)


def test_a_share_of_the_tracks_is_drawn_by_the_seed():
    tracks = list("abcdefghij")
    assert train._part(tracks, 1.0, 0) == tracks
    some = train._part(tracks, 0.5, 0)
    assert len(some) == 5 and some == sorted(some) and some != train._part(tracks, 0.5, 1)
    assert len(train._part(tracks, 0.01, 0)) == 1


def test_an_excerpt_is_a_segment_of_whole_frames(tracks):
    model = train._compiled(train.Recipe("x", model=SMALL)).separator
    true, estimate = train._Training(model, None)(np.ones((1, 4, train.excerpt_length(model)), "float32"))
    assert tuple(true.shape) == tuple(estimate.shape) == (1, 4, 30, 513)
    np.testing.assert_allclose(true[0, 0], np.broadcast_to(true[0, 0, :1], (30, 513)), atol=1e-3)  # no frame is cut
    np.testing.assert_allclose(np.sum(estimate, axis=1), 4 * true[:, 0], rtol=1e-3, atol=1e-3)


@pytest.mark.on_torch
@pytest.mark.slow
def test_an_interrupted_training_goes_on_to_the_same_weights(tracks, small, tmp_path, monkeypatch):
    whole, facts, _ = train.train(small, *tracks, tmp_path / "whole", verbose=0)

    def interrupt(batches, epoch):
        if epoch == 2:
            raise KeyboardInterrupt
        batches.epoch = epoch

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(mixing.Remixes, "shuffle", interrupt)
        train.train(small, *tracks, tmp_path / "cut", verbose=0)
    resumed, resumed_facts, _ = train.train(small, *tracks, tmp_path / "cut", verbose=0)
    assert resumed_facts["curve"] == facts["curve"]
    for ours, theirs in zip(resumed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.slow
@pytest.mark.on_jax
@pytest.mark.on_torch
def test_the_papers_loss_falls_in_one_epoch(tracks, small, tmp_path):
    recipe = dataclasses.replace(
        small, loss="chandna", gains_db=train.Recipe.gains_db, drop=train.Recipe.drop, epochs=2
    )
    _, facts, _ = train.train(recipe, *tracks, tmp_path, verbose=0)
    first, second = facts["curve"]["val_loss"]
    assert second < 0.7 * first


@pytest.mark.slow
def test_it_stops_when_no_better(tracks, small, tmp_path):
    recipe = dataclasses.replace(small, learning_rate=0.0, epochs=9, patience=2, steps=1)
    _, facts, _ = train.train(recipe, *tracks, tmp_path, verbose=0)
    assert facts["curve"]["epoch"] == [1, 2, 3]


def test_milestones_lower_the_rate(small):
    model = train._compiled(dataclasses.replace(small, milestones=(1, 2), decay=0.5))
    rates = [float(model.optimizer._learning_rate(step)) for step in (0, 6, 7, 12, 13)]
    np.testing.assert_allclose(rates, [1e-2, 1e-2, 5e-3, 5e-3, 2.5e-3], rtol=1e-5)


@pytest.mark.slow
def test_the_papers_optimiser_and_loss_train(tracks, small, tmp_path):
    recipe = dataclasses.replace(small, loss="chandna", optimizer="Adadelta", learning_rate=1.0, epochs=1)
    _, facts, _ = train.train(recipe, *tracks, tmp_path, verbose=0)
    assert np.isfinite(facts["val_loss"])


def test_a_complete_pass_over_segments_trains_a_perceptron(tracks, small, tmp_path):
    recipe = dataclasses.replace(
        small, model={"hidden": (4,)}, architecture="perceptron", loss="report", learning_rate=1e-4, steps=0, epochs=1,
        segment_seconds=0.5,
    )  # fmt: skip
    model, facts, _ = train.train(recipe, *tracks, tmp_path, verbose=0)
    assert type(model).__name__ == "PerceptronSeparator" and np.isfinite(facts["val_loss"])


def test_what_cannot_be_trained_is_refused(tracks, small, tmp_path):
    with pytest.raises(InputError, match="no loss 'l1': use squared-error, error-level, chandna, report"):
        train.train(dataclasses.replace(small, loss="l1"), *tracks, tmp_path)
    open_run(tmp_path / "tiny", dataclasses.replace(small, epochs=1))
    with pytest.raises(InputError, match="another recipe"):
        train.train(small, *tracks, tmp_path)


def test_the_step_is_compiled_once(tracks, small, monkeypatch):
    traced, model = [], train._compiled(small)
    compute_loss = model.compute_loss
    monkeypatch.setattr(model, "compute_loss", lambda *args, **named: traced.append(1) or compute_loss(*args, **named))
    sources = mixing.Remixes(tracks[0], train.excerpt_length(model.separator), 4, 1, 0)[0][0]
    losses = [float(model.train_on_batch(sources)) for _ in range(4)]
    assert len(set(losses)) == 4 and len(traced) == 1  # Python runs while the step is traced, not after


@pytest.mark.parametrize("name, size", [("chandna-4stem-44k", 585_742), ("chandna-4stem-large-44k", 3_938_884)])
def test_the_bundled_recipes_build_and_are_named_as_their_files(name, size):
    recipe = train.Recipe.read(REPOSITORY / "tools" / "configs" / f"{name}.toml")
    assert recipe.name == name
    assert train._compiled(recipe).separator.count_params() == size


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_the_tool_saves_a_checkpoint_with_its_card(tmp_path, monkeypatch):
    """With a bundled recipe, on a folder that tells no kinds of tracks and has no validation split."""
    songs(tmp_path / "music", count=11, seconds=0.3)
    shutil.rmtree(tmp_path / "music" / "validation")
    config = REPOSITORY / "tools" / "configs" / "chandna-4stem-44k.toml"
    arguments = [
        "--tracks",
        "music",
        "--runs",
        "runs",
        "--output",
        "my",
        "--name",
        "mine",
        "--epochs",
        "1",
        "--steps",
        "2",
        "--jobs",
        "1",
    ]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["tools/train.py", str(config), *arguments])
    tool.main()
    model, card = zoo.load("my/mine/", verify=True), zoo.info("my/mine/")
    assert model.count_params() == card["parameters"] == 585_742
    assert card["training"]["command"].startswith("python tools/train.py") and card["n_tracks"] == 9
    assert card_flaws(card) == ([], [])
    assert card["evaluation"]["command"] == "python tools/evaluate.py separation --checkpoint my/mine/"
    assert card["sources"] == ["vocals", "drums", "bass", "other"] and card["latency"] == 0.1916
