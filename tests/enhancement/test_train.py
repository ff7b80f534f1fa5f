"""The enhancers' recipe: examples, true scores, the loss that falls, the refresh, going on, the card."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.support.enhancement import RATE, voice
from tests.support.harness import REPOSITORY
from zoo.checkpoint import golden, preset
from zoo.checkpoint.card import read_words, training_card
from zoo.enhancement import examples, train
from zoo.enhancement.callbacks import TrueScores
from zoo.enhancement.model import DNNEnhancer
from zoo.errors import InputError
from zoo.losses.weighted import LOSSES, build
from zoo.training.run import read_log

CONFIGS = [
    path
    for path in (REPOSITORY / "tools" / "configs").glob("*.toml")
    if path.stem.startswith(("blstm", "can", "dnn", "qrnn"))
]


@pytest.fixture
def small(surrogate):
    return train.Recipe(
        name="tiny", network="DNNEnhancer", options={"units": 8}, loss={"magnitude-mse": 1.0}, watch=surrogate,
        seconds=1.0, batch_size=4, steps=3, epochs=3, n_validation=5,
    )  # fmt: skip


@pytest.fixture
def refreshed(small, surrogate):
    refresh = {"examples": 8, "steps": 2, "learning_rate": 1e-3}
    return dataclasses.replace(small, loss={surrogate: 1.0, "magnitude-mse": 0.1}, refresh=refresh, monitor="pesq-wb")


def test_the_loss_falls_and_the_facts_are_whole_and_nothing_else_goes_on_with_it(small, source, validation, tmp_path):
    recipe = dataclasses.replace(small, steps=20, learning_rate=1e-2, monitor="val_loss")
    model, facts, minutes = train.train(recipe, source, validation, tmp_path, n_jobs=1, verbose=0)
    rows = read_log(tmp_path / "tiny" / "log.csv")
    assert float(rows[-1]["val_loss"]) < float(rows[0]["val_loss"])
    assert facts["curve"]["iteration"] == [0, 20, 40, 60]
    assert {len(values) for values in facts["curve"].values()} == {4}
    assert facts["best_iteration"] in (20, 40, 60) and minutes > 0
    assert not getattr(model, "optimizer", None)
    fields = {"lookahead": 1}
    card = training_card("enhancement", recipe, model, facts, minutes, "python train", "abc", fields=fields)
    assert card["family"] == "enhancement" and card["parameters"] == model.count_params()
    assert card["architecture"] == recipe.network and card["lookahead"] == 1 and card["training"]["commit"] == "abc"
    _, noisy = golden.voices_in_noise(16000, (0, 10))
    preset.save(model, tmp_path / "saved", card=card, golden=[noisy])
    preset.load(tmp_path / "saved", verify=True)
    with pytest.raises(InputError, match="another recipe"):
        train.train(dataclasses.replace(recipe, epochs=2), source, validation, tmp_path)
    others = examples.Mixtures({"talker": [voice(4.0, seed=77)]}, source.noise, (-8, 8))
    with pytest.raises(InputError, match="other data"):
        train.train(recipe, others, validation, tmp_path)


def test_fine_tuning_starts_from_a_checkpoint(small, source, validation, tmp_path):
    start = DNNEnhancer(units=8)
    preset.save(start, tmp_path / "start")
    recipe = dataclasses.replace(small, start=f"{tmp_path}/start/")
    for ours, theirs in zip(recipe.model().get_weights(), start.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.slow
def test_a_fixed_surrogate_stays_as_it_is(small, surrogate, source, validation, tmp_path, monkeypatch):
    recipe = dataclasses.replace(small, loss={surrogate: 1.0}, epochs=1, monitor="pesq-wb")
    seen = []
    monkeypatch.setattr(train, "build", lambda *terms, **rate: seen.append(build(*terms, **rate)) or seen[0])
    before = zoo.load(surrogate)
    train.train(recipe, source, validation, tmp_path, n_jobs=1, verbose=0)
    ((_, learned),) = seen[0].terms
    for ours, theirs in zip(learned.metric.get_weights(), before.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


ON_TORCH_ALONE = pytest.mark.skipif(keras.backend.backend() != "torch", reason="the refreshed one shows it as well")


class _Killed(BaseException):
    pass


@pytest.mark.slow
@pytest.mark.parametrize("name", ["refreshed", pytest.param("small", marks=[pytest.mark.on_torch, ON_TORCH_ALONE])])
def test_an_interrupted_training_ends_as_an_uninterrupted_one(name, request, source, validation, tmp_path, monkeypatch):
    recipe = dataclasses.replace(request.getfixturevalue(name), epochs=2)
    whole, facts, _ = train.train(recipe, source, validation, tmp_path / "whole", n_jobs=1, verbose=0)
    end = TrueScores.on_epoch_end

    def killed_in_the_last_epoch(self, epoch, logs=None):
        if epoch == 1:
            raise _Killed
        end(self, epoch, logs)

    with monkeypatch.context() as patch, pytest.raises(_Killed):
        patch.setattr(TrueScores, "on_epoch_end", killed_in_the_last_epoch)
        train.train(recipe, source, validation, tmp_path / "cut", n_jobs=1, verbose=0)
    resumed, again, _ = train.train(recipe, source, validation, tmp_path / "cut", n_jobs=1, verbose=0)
    for column, values in facts["curve"].items():
        np.testing.assert_allclose(again["curve"][column], values, rtol=1e-3, atol=2e-3, err_msg=column)
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    if recipe.refresh:
        surrogates = [zoo.load(f"{tmp_path}/{name}/tiny/surrogate/") for name in ("whole", "cut")]
        for one, other in zip(*(surrogate.get_weights() for surrogate in surrogates), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
        assert not list((tmp_path / "cut" / "tiny").glob("*_0*"))
    done = train.train(recipe, source, validation, tmp_path / "cut", n_jobs=1, verbose=0)
    assert done[1] == again


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "LSTM"}, "BLSTMEnhancer"),
        ({"monitor": "loss"}, "val_loss, pesq-wb, epochs"),
        ({"refresh": {"examples": 8, "steps": 1, "learning_rate": 1e-3}}, "one Quality-Net"),
        ({"loss": {"magnitude": 1.0}}, "magnitude"),
        ({"settle": "phase"}, "polarity or level"),
        ({"settle": "level"}, "leave out settle"),
    ],
)
def test_a_wrong_recipe_says_what_to_write(changes, message, small, source, validation, tmp_path):
    with pytest.raises(InputError, match=message):
        train.train(dataclasses.replace(small, **changes), source, validation, tmp_path, n_jobs=1, verbose=0)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_the_recipes_are_whole(config):
    recipe = train.Recipe.read(config)
    assert recipe.name == config.stem
    assert recipe.loss.keys() <= {*LOSSES, *zoo.list("quality-net*"), *zoo.list("jnd*")}
    words = read_words(config)
    assert words["data"] != "not stated" and words["limits"] and words["licence"]["weights"] == "MIT"


@pytest.mark.slow
def test_fit_takes_an_enhancer_and_any_loss(source, surrogate):
    """The way of the README: compile with a learned loss, fit on waveforms."""
    enhancer = DNNEnhancer(units=8)
    enhancer.compile("adam", loss=zoo.loss(surrogate))
    noisy, reference = examples.Batches(source, RATE, 4, 1, seed=0)[0]
    before = [ops.convert_to_numpy(v).copy() for v in enhancer.trainable_variables]
    enhancer.fit(noisy, reference, epochs=1, batch_size=2, verbose=0)
    assert any(np.any(a != ops.convert_to_numpy(b)) for a, b in zip(before, enhancer.trainable_variables, strict=True))


@pytest.mark.slow
@pytest.mark.on_jax
@pytest.mark.on_torch
def test_a_refreshed_surrogate_predicts_anew_after_every_epoch(refreshed, surrogate, source, validation, tmp_path):
    recipe = dataclasses.replace(
        refreshed, network="BLSTMEnhancer", options={"units": 8, "hidden": 8}, loss={surrogate: 1.0}, steps=2, epochs=2
    )
    _, facts, _ = train.train(recipe, source, validation, tmp_path, n_jobs=1, verbose=0)
    assert len(set(facts["curve"]["predicted"])) == 3


def test_a_refresh_by_another_metric_is_refused(small, source, validation, tmp_path):
    refresh = {"examples": 8, "steps": 1, "learning_rate": 1e-3}
    recipe = dataclasses.replace(small, loss={"quality-net-lite-stoi-16k": 1.0}, refresh=refresh)
    with pytest.raises(InputError, match="wide-band PESQ"):
        train.train(recipe, source, validation, tmp_path, n_jobs=1, verbose=0)
