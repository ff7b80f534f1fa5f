"""The recipe on a small scale: labels and their cache, batches, resuming, evaluation, cards, and any function."""

import dataclasses
import platform
import resource
import sqlite3
import subprocess
import sys

import keras
import numpy as np
import pytest

import zoo
from tests.support.harness import REPOSITORY, data_path
from zoo.audio import io, mix
from zoo.audio import pairs as audio_pairs
from zoo.checkpoint.card import read_words
from zoo.data.speech import read_corpus
from zoo.errors import InputError
from zoo.quality_net import evaluate, examples, labels, train
from zoo.quality_net.model import QualityNetLite
from zoo.training import callbacks
from zoo.training.run import read_log

RATE = examples.SAMPLE_RATE


def loudness(reference, degraded, sample_rate):
    """A metric of our own: 1 for equal levels; NaN where the reference is silent."""
    level = np.sqrt(np.mean(reference**2))
    return 1 - abs(level - np.sqrt(np.mean(degraded**2))) / level if level else np.nan


TARGET = labels.Target("loudness", loudness, 0.0, 1.0, {"name": "loudness", "mode": None})


def pairs(n=6, samples=(8000, 9000), seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(-3000, 3000, (n, 2, count)).astype("int16") for count in samples]


# --- labels -----------------------------------------------------------------------------------------------------


def test_labels_are_in_order_with_nan_in_place(tmp_path):
    batches = pairs()
    batches[1][2, 0] = 0
    found = labels.label(batches, TARGET, tmp_path / "labels.sqlite", RATE, n_jobs=1)
    expected = [loudness(*(pair / np.float32(32768)), RATE) for batch in batches for pair in batch]
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert np.flatnonzero(np.isnan(found)).tolist() == [8]


def test_labels_are_cached_by_content_and_metric(tmp_path):
    batches, cache, calls = pairs(), tmp_path / "labels.sqlite", []

    def counted(*pair):
        calls.append(pair)
        return loudness(*pair)

    target = dataclasses.replace(TARGET, function=counted)
    first = labels.label(batches, target, cache, RATE, n_jobs=1)
    again = labels.label(batches[::-1], target, cache, RATE, n_jobs=1)
    assert len(calls) == 12
    np.testing.assert_array_equal(again, np.concatenate([first[6:], first[:6]]))
    batches[0][0, 1, 0] += 1
    labels.label(batches, target, cache, RATE, n_jobs=1)
    assert len(calls) == 13
    labels.label(batches, dataclasses.replace(target, name="other"), cache, RATE, n_jobs=1)
    assert len(calls) == 25


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc")
def test_workers_keep_what_arrays_free(tmp_path):
    """Else each array of a MB comes with page faults by the hundred, whenever it is made."""

    def faults(reference, degraded, sample_rate):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(20):
            arrays = [np.ones(125_000) for _ in range(8)]
            del arrays
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    target = dataclasses.replace(TARGET, function=faults)
    found = labels.label(pairs(), target, tmp_path / "labels.sqlite", RATE, n_jobs=2)
    assert np.median(found) < 100


def test_labels_before_an_interruption_are_kept(tmp_path):
    batches, cache = pairs(), tmp_path / "labels.sqlite"

    def interrupted(reference, degraded, rate):
        if np.array_equal(reference, batches[1][0, 0] / np.float32(32768)):
            raise KeyboardInterrupt
        return loudness(reference, degraded, rate)

    with pytest.raises(KeyboardInterrupt):
        labels.label(batches, dataclasses.replace(TARGET, function=interrupted), cache, RATE, n_jobs=1)
    with sqlite3.connect(cache) as store:
        assert store.execute("SELECT COUNT(*) FROM labels").fetchone() == (len(batches[0]),)


def test_failures_are_cached_too(tmp_path):
    silent = [np.zeros((2, 2, 8000), "int16")]
    for _ in range(2):
        assert np.isnan(labels.label(silent, TARGET, tmp_path / "labels.sqlite", RATE, n_jobs=1)).all()
    with sqlite3.connect(tmp_path / "labels.sqlite") as store:
        assert store.execute("SELECT COUNT(*) FROM labels").fetchone() == (1,)


def test_targets_by_name():
    assert labels.target("pesq-nb").metric["mode"] == "nb"
    custom = labels.target("test_quality_net_train:loudness", -1.0, 2.0)
    assert (custom.function.__name__, custom.low, custom.high) == ("loudness", -1.0, 2.0)
    with pytest.raises(InputError, match="pesq-wb"):
        labels.target("pesq")


def known_pair():
    """Reference, degraded and rate of the pair whose scores are known."""
    paths = [data_path("known_scores", "pesq_pair", file) for file in ("speech.flac", "speech_bab_0dB.flac")]
    return audio_pairs.read(audio_pairs.Pair("known", *paths), (RATE,))


@pytest.mark.parametrize(("name", "score"), [("pesq-wb", 1.0832337), ("pesq-nb", 1.6072082), ("stoi", 0.6739178)])
def test_targets_on_the_known_pair(name, score):
    assert labels.target(name).function(*known_pair()) == pytest.approx(score, abs=1e-5)


# --- batches ----------------------------------------------------------------------------------------------------


def test_batches_hold_every_labelled_pair_once():
    chunks = pairs()
    scores = np.arange(12.0)
    scores[4] = np.nan
    found = []
    batches = train.Pairs(chunks, scores, batch_size=4, seed=3)
    for i in range(len(batches)):
        (reference, degraded), y = batches[i]
        assert reference.shape == degraded.shape == (len(y), reference.shape[1])
        for row, score in enumerate(y.astype(int)):
            source = chunks[score // 6][score % 6]
            np.testing.assert_array_equal(np.stack([reference[row], degraded[row]]), examples.as_float(source))
        found += list(y)
    assert sorted(found) == [0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11]


def test_order_depends_on_seed_and_epoch_alone():
    chunks, scores = pairs(), np.arange(12.0)
    first, again, other = (train.Pairs(chunks, scores, 4, seed) for seed in (1, 1, 2))
    assert first.batches == again.batches != other.batches
    again.shuffle(1)
    assert first.batches != again.batches
    first.shuffle(1)
    assert first.batches == again.batches


def test_lengths_take_turns():
    batches = train.Pairs(pairs(), np.arange(12.0), 2)
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
    with pytest.raises(InputError, match="QualityNet or QualityNetLite"):
        train.Recipe("x", "UNet", "stoi").model()


def test_a_function_of_the_working_directory_reaches_the_workers(tmp_path):
    """In a process of its own, as a script of another folder would: there the working directory is not on the path."""
    (tmp_path / "own_metric.py").write_text("def score(reference, degraded, sample_rate):\n    return 0.25\n")
    script = tmp_path / "elsewhere" / "script.py"
    script.parent.mkdir()
    script.write_text(
        "import numpy as np\n"
        "from zoo.quality_net import labels\n"
        "if __name__ == '__main__':\n"
        "    pairs = [np.ones((2, 2, 100), 'int16')]\n"
        "    print(labels.label(pairs, labels.target('own_metric:score'), 'labels.sqlite', 16000, n_jobs=2))\n"
    )
    done = subprocess.run([sys.executable, script], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[0.25 0.25]"


def test_functions_that_cannot_be_imported_say_so():
    with pytest.raises(InputError, match="cannot import the metric nowhere:score"):
        labels.target("nowhere:score")


@pytest.fixture
def small(monkeypatch):
    """Tiny chunks of made-up pairs in the place of real ones, and no test data needed."""
    made = {split: pairs(8, (8000, 8000), seed=i) for i, split in enumerate(examples.SPLITS)}

    def prepare(recipe, data, runs, split, n_jobs=-1):
        chunks = made[split]
        scores = labels.label(chunks, recipe.target(), f"{runs}/labels.sqlite", RATE, n_jobs=1)
        return type("Chunks", (), {"audio": chunks}), scores

    monkeypatch.setattr(train, "prepare", prepare)
    recipe = train.Recipe(
        "tiny", "QualityNetLite", "test_quality_net_train:loudness", {"dropout": 0.0}, batch_size=4, epochs=3
    )
    return recipe


def test_training_learns_and_keeps_the_best(small, tmp_path):
    _, facts, minutes = train.train(small, "no data", tmp_path, verbose=0)
    rows = read_log(tmp_path / "tiny" / "log.csv")
    assert len(rows) == 3
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert facts["validation_rmse"] == min(float(row["val_rmse"]) for row in rows)
    assert minutes > 0
    assert facts["n_train"] == 16


def test_another_recipe_does_not_go_on_with_this_run(small, tmp_path):
    train.train(dataclasses.replace(small, epochs=1), "no data", tmp_path, verbose=0)
    with pytest.raises(InputError, match="another recipe"):
        train.train(dataclasses.replace(small, epochs=1, seed=1), "no data", tmp_path, verbose=0)


def test_a_finished_training_is_not_repeated(small, tmp_path):
    recipe = dataclasses.replace(small, epochs=1)
    first, again = (train.train(recipe, "no data", tmp_path, verbose=0) for _ in range(2))
    assert first[1:] == again[1:]
    for one, other in zip(first[0].get_weights(), again[0].get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


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


# --- evaluation -------------------------------------------------------------------------------------------------


def test_report_groups():
    facts = [{"kind": "noisy", "snr_db": snr} for snr in (-5.0, 5.0, 15.0, 29.0)]
    facts += [{"kind": kind, "snr_db": None} for kind in ("enhanced", "clean", "codec", "reverb")]
    truth = np.arange(8.0)
    truth[1] = np.nan
    report = evaluate.report(facts, truth, truth + 1)
    counts = {group: (found["n"], found["n_failed"]) for group, found in report.items()}
    assert counts["all"] == (7, 1)
    assert counts["noisy"] == (3, 1)
    assert counts["other"] == (2, 0)
    assert counts["snr 0..10"] == (0, 1)
    assert report["all"]["rmse"][0] == pytest.approx(1.0)


def test_ascent_raises_what_the_surrogate_says(monkeypatch):
    monkeypatch.setattr(evaluate, "_ASCENT_STEPS", (0, 4))
    keras.utils.set_random_seed(0)
    model = QualityNetLite(target_range=(0.0, 1.0))
    reference, noisy = (np.random.default_rng(i).standard_normal((2, 9000)).astype("float32") * 0.1 for i in (0, 1))
    before = [weight.copy() for weight in model.get_weights()]
    ascent = evaluate.ascend(model, reference, noisy, TARGET, n_jobs=1)
    assert (ascent["predicted"][1] > ascent["predicted"][0]).all()
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_ascent_report():
    truth = np.array([[1.0, 2.0], [2.0, 3.0], [1.5, np.nan]])
    report = evaluate.ascent_report({"steps": [0, 1, 5], "truth": truth, "predicted": truth + 1})
    assert report["best_step"] == 1
    assert report["gain_at_best"][0] == 1.0
    assert report["fooled_at_step"] == 5


# --- what the trained checkpoints must do -----------------------------------------------------------------------


@pytest.mark.parametrize("name", zoo.list("quality-net*"))
def test_checkpoints_agree_with_the_metric_on_a_known_pair(name):
    reference, degraded, rate = known_pair()
    metric = zoo.info(name)["metric"]
    known = {("pesq", "wb"): (1.0832, 0.3), ("pesq", "nb"): (1.6072, 0.5), ("stoi", None): (0.6739, 0.08)}
    truth, tolerance = known[metric["name"], metric["mode"]]
    model = zoo.load(name)
    assert model.score(reference, degraded, rate)[0] == pytest.approx(truth, abs=tolerance)
    assert model.score(reference, reference, rate)[0] > model.score(reference, degraded, rate)[0]


@pytest.mark.parametrize("name", zoo.list("quality-net*"))
def test_scores_rise_with_snr(name):
    reference, rate = io.read(REPOSITORY / "zoo" / "data" / "audio" / "speech_reference.flac", RATE)
    noise = mix.colored_noise(len(reference), 1.0, np.random.default_rng(0))
    degraded = np.stack([mix.mix_at_snr(reference, noise, snr) for snr in (-5, 5, 15, 25, 35)])
    scores = zoo.load(name).score(np.tile(reference, (5, 1)), degraded, rate)
    assert (np.diff(scores) > 0).all(), scores


@pytest.mark.parametrize("name", zoo.list("quality-net*"))
def test_a_few_steps_up_the_gradient_raise_the_true_metric(name, monkeypatch):
    monkeypatch.setattr(evaluate, "_ASCENT_STEPS", (0, 3))
    data = data_path("MANIFEST.csv").parent
    corpus = read_corpus(data, "test")
    found = []
    for seed in range(200):
        reference, noisy, facts = examples.draw(corpus, 2 * RATE, np.random.default_rng(seed))
        if facts["kind"] == "noisy" and 0 <= facts["snr_db"] < 15:
            found.append((reference, noisy))
    reference, noisy = (np.stack(side) for side in zip(*found[:8], strict=True))
    target = train.Recipe(**zoo.info(name)["training"]["recipe"]).target()
    ascent = evaluate.ascend(zoo.load(name), reference, noisy, target, n_jobs=1)
    assert np.mean(ascent["truth"][1] - ascent["truth"][0]) > 0
