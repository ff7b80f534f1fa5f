"""The recipe on a small scale: its batches, its configs, what it learns, going on after an interruption."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.harness import REPOSITORY
from tests.support.quality_net import RATE, noise_pairs
from zoo.checkpoint.card import read_words
from zoo.errors import InputError
from zoo.quality_net import examples, labels, train
from zoo.training import callbacks
from zoo.training.run import read_log

# --- batches ----------------------------------------------------------------------------------------------------


def test_batches_hold_every_labelled_pair_once():
    chunks = noise_pairs()
    scores = np.arange(12.0)
    scores[4] = np.nan
    labels = []
    batches = train.Pairs(chunks, scores, batch_size=4, seed=3)
    for i in range(len(batches)):
        (reference, degraded), y = batches[i]
        assert reference.shape == degraded.shape == (len(y), reference.shape[1])
        for row, score in enumerate(y.astype(int)):
            source = chunks[score // 6][score % 6]
            np.testing.assert_array_equal(np.stack([reference[row], degraded[row]]), examples.as_float(source))
        labels += list(y)
    assert sorted(labels) == [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11]


def test_batches_for_a_network_without_a_reference_are_the_degraded_recordings():
    chunks, scores = noise_pairs(), np.arange(12.0)
    both, alone = (train.Pairs(chunks, scores, 4, 3, references=with_them) for with_them in (True, False))
    for ((_, expected), y), (degraded, same) in zip(map(both.__getitem__, range(3)), alone, strict=False):
        np.testing.assert_array_equal(degraded, expected)
        np.testing.assert_array_equal(y, same)


def test_order_depends_on_seed_and_epoch_alone():
    chunks, scores = noise_pairs(), np.arange(12.0)
    first, again, other = (train.Pairs(chunks, scores, 4, seed) for seed in (1, 1, 2))
    assert first.batches == again.batches != other.batches
    again.shuffle(1)
    assert first.batches != again.batches
    first.shuffle(1)
    assert first.batches == again.batches


def test_lengths_take_turns():
    batches = train.Pairs(noise_pairs(), np.arange(12.0), 2)
    assert [batches[i][0][0].shape[1] for i in range(4)] == [8000, 9000, 8000, 9000]


# --- recipe -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config", sorted((REPOSITORY / "tools" / "configs").glob("quality-net-*.toml")), ids=lambda path: path.stem
)
def test_recipes_read(config):
    recipe = train.Recipe.read(config, {"epochs": 1, "seed": None})
    assert recipe.name == config.stem
    assert recipe.epochs == 1
    model, target = recipe.model(), recipe.target()
    assert model.target_range == (target.low, target.high)
    assert read_words(config)["description"]


def test_bad_recipes(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.toml"):
        train.Recipe.read(tmp_path / "nowhere.toml")
    (tmp_path / "odd.toml").write_text(
        'family = "quality_net"\nname = "x"\nnetwork = "QualityNet"\nmetric = "stoi"\nlayers = 3'
    )
    with pytest.raises(InputError, match="layers"):
        train.Recipe.read(tmp_path / "odd.toml")
    with pytest.raises(InputError, match="use one of QualityNet, QualityNetLite, QualityNetFree"):
        train.Recipe("x", "UNet", "stoi").model()


def test_only_training_pairs_vary_and_have_a_folder_of_their_own(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(examples, "build", lambda data, split, n, folder, *more: calls.append((folder, *more[2:4])))
    monkeypatch.setattr(examples, "Chunks", lambda *_: type("Chunks", (), {"audio": []}))
    monkeypatch.setattr(labels, "label", lambda *_: np.empty(0))
    plain = train.Recipe("x", "QualityNetLite", "stoi")
    varied = dataclasses.replace(plain, variety=["rooms", "babble"])
    enhanced = dataclasses.replace(plain, enhancers=["blstm-mse-16k"])
    for recipe in (plain, varied, enhanced):
        for split in ("train", "validation", "test", "test2"):
            train.prepare(recipe, tmp_path, tmp_path, split)
    train.prepare(plain, tmp_path, tmp_path, "validation", 1, ("babble",))
    train.prepare(plain, tmp_path, tmp_path, "test", seconds=(1.0, 30.0))
    folders = [folder.name for folder, *_ in calls]
    assert folders.pop() == f"{folders[0]}-1-30-s" and calls.pop()[1:] == ((), ("simulated",))
    assert [set(kinds) for _, kinds, _ in calls] == [set()] * 4 + [{"rooms", "babble"}] + [set()] * 7 + [{"babble"}]
    assert [i for i, (*_, enhancers) in enumerate(calls) if enhancers != ("simulated",)] == [8]
    assert len(set(folders[:4] + folders[5:8] + folders[9:12])) == 1 and len(set(folders)) == 4
    assert folders[0].startswith(f"examples-v{examples.VERSION}-") and folders[4] == f"{folders[0]}-babble-rooms"


def test_references_with_noise_of_their_own_are_left_out_and_clean_ones_added(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    pauses = np.repeat([1.0, 0.001], 4000) * rng.integers(-9000, 9000, (6, 2, 8000))
    pauses[::2, 0] += rng.integers(-3000, 3000, (3, 8000))  # of 10 dB
    chunks, scores = SimpleNamespace(audio=[pauses.astype("int16")]), np.array([1.0, 2.0, 3.0, np.nan, 1.5, 2.5])
    recipe = train.Recipe("x", "QualityNetFree", "pesq-wb", reference_range_db=30, clean_share=1.0)
    kept = train._without_noisy_references(recipe, chunks, scores)
    np.testing.assert_array_equal(kept, [np.nan, 2.0, np.nan, np.nan, np.nan, 2.5])
    monkeypatch.setattr(labels, "label", lambda batches, *_: np.arange(sum(map(len, batches))))
    (first, clean), scores = train._with_clean(recipe, chunks.audio, kept, tmp_path, 1)
    assert first is chunks.audio[0]
    np.testing.assert_array_equal(clean[:, 0], first[[1, 5], 0])
    np.testing.assert_array_equal(clean[1, 1], clean[1, 0])
    loud = np.repeat([True, False], 4000)  # the first is gated: speech stays, the pause is silent
    np.testing.assert_allclose(clean[0, 1, loud][:3900], clean[0, 0, loud][:3900], atol=1)
    assert np.abs(clean[0, 1, 5000:]).max() < 0.3 * np.abs(clean[0, 0, 5000:]).max()
    np.testing.assert_array_equal(scores, [*kept, 0, 1])
    plain = train.Recipe("x", "QualityNetFree", "pesq-wb")
    assert train._without_noisy_references(plain, chunks, kept) is kept
    assert train._with_clean(plain, chunks.audio, kept, tmp_path, 1)[0] is chunks.audio


@pytest.fixture
def small(monkeypatch):
    """Tiny chunks of made-up pairs in the place of real ones, and no test data needed."""
    made = {split: noise_pairs(8, (8000, 8000), seed=i) for i, split in enumerate(examples.SPLITS)}

    def prepare(recipe, data, runs, split, n_jobs=-1):
        chunks = made[split]
        scores = labels.label(chunks, recipe.target(), f"{runs}/labels.sqlite", RATE, n_jobs=1)
        return type("Chunks", (), {"audio": chunks}), scores

    monkeypatch.setattr(train, "prepare", prepare)
    recipe = train.Recipe(
        "tiny", "QualityNetLite", "tests.support.quality_net:loudness", {"dropout": 0.0}, batch_size=4, epochs=3
    )
    return recipe


def test_training_learns_and_keeps_the_best_and_another_recipe_does_not_go_on_with_it(small, tmp_path):
    _, facts, minutes = train.train(small, "no data", tmp_path, verbose=0)
    rows = read_log(tmp_path / "tiny" / "log.csv")
    assert len(rows) == 3
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert facts["validation_rmse"] == min(float(row["val_rmse"]) for row in rows)
    assert minutes > 0
    assert facts["n_train"] == 16
    with pytest.raises(InputError, match="another recipe"):
        train.train(dataclasses.replace(small, seed=1), "no data", tmp_path, verbose=0)


@pytest.mark.slow
@pytest.mark.slow
def test_a_network_without_a_reference_trains_on_the_degraded_recordings(small, tmp_path):
    recipe = dataclasses.replace(small, network="QualityNetFree", epochs=2)
    model, facts, _ = train.train(recipe, "no data", tmp_path, verbose=0)
    rows = read_log(tmp_path / "tiny" / "log.csv")
    assert not model.needs_reference and facts["n_train_used"] == facts["n_train"] - facts["n_train_failed"]
    assert len(rows) == 2 and all(np.isfinite(float(row["val_rmse"])) for row in rows)
    assert not np.array_equal(recipe.model().trainable_variables[0], model.trainable_variables[0])


def test_a_finished_training_is_not_repeated(small, tmp_path):
    recipe = dataclasses.replace(small, epochs=1)
    first, again = (train.train(recipe, "no data", tmp_path, verbose=0) for _ in range(2))
    assert first[1:] == again[1:]
    for one, other in zip(first[0].get_weights(), again[0].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.on_torch
@pytest.mark.slow
def test_an_interrupted_training_ends_as_an_uninterrupted_one(small, tmp_path, monkeypatch):
    whole, *_ = train.train(small, "no data", tmp_path / "whole", verbose=0)

    class Killed(BaseException):
        pass

    begin = callbacks.Epoch.on_epoch_begin

    def killed_in_the_last_epoch(self, epoch, logs=None):
        if epoch == 2:
            raise Killed
        begin(self, epoch, logs)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(callbacks.Epoch, "on_epoch_begin", killed_in_the_last_epoch)
        train.train(small, "no data", tmp_path / "cut", verbose=0)
    resumed, *_ = train.train(small, "no data", tmp_path / "cut", verbose=0)
    logs = [read_log(tmp_path / name / "tiny" / "log.csv") for name in ("whole", "cut")]
    assert [row["epoch"] for row in logs[1]] == ["0", "1", "2"]
    for one, other in zip(*logs, strict=True):
        assert float(one["val_rmse"]) == pytest.approx(float(other["val_rmse"]), rel=1e-3)
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-2, atol=1e-3)
