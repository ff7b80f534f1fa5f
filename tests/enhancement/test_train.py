"""The enhancers' recipe: examples, true scores, the loss that falls, the refresh, going on, the card."""

import dataclasses
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.support.harness import REPOSITORY
from zoo.audio import mix
from zoo.checkpoint import golden, preset
from zoo.checkpoint.card import read_words, training_card
from zoo.enhancement import examples, train
from zoo.enhancement.callbacks import Refresh, TrueScores
from zoo.enhancement.model import DNNEnhancer
from zoo.errors import InputError
from zoo.losses.weighted import LOSSES, build
from zoo.metrics import speech
from zoo.quality_net.model import QualityNetLite
from zoo.training.callbacks import StopWhenNoBetter
from zoo.training.run import read_log

RATE = 16000
CONFIGS = [
    path for path in (REPOSITORY / "tools" / "configs").glob("*.toml") if path.stem.startswith(("blstm", "can", "dnn"))
]


def voice(seconds, seed):
    """Speech-like: a tone complex that comes and goes."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * k * rng.uniform(100, 200) * time) / k for k in range(1, 20))
    return (0.05 * tone * np.sin(2 * np.pi * 2.5 * time) ** 2).astype("float32")


@pytest.fixture(scope="module")
def speech_clips():
    return {f"talker {i}": [voice(4.0, seed=i), voice(5.0, seed=10 + i)] for i in range(3)}


@pytest.fixture(scope="module")
def noise_clips():
    return [mix.colored_noise(3 * RATE, exponent, np.random.default_rng(9)) for exponent in (0.0, 1.0)]


@pytest.fixture(scope="module")
def source(speech_clips, noise_clips):
    return examples.Mixtures(speech_clips, noise_clips, (-8, 8))


@pytest.fixture(scope="module")
def validation(speech_clips, noise_clips):
    return examples.validation_set(speech_clips, noise_clips, 5, seconds=1.0)


@pytest.fixture(scope="module")
def surrogate(tmp_path_factory):
    """A small Quality-Net that knows nothing, as a source string."""
    directory = tmp_path_factory.mktemp("surrogate") / "lite"
    keras.utils.set_random_seed(0)
    preset.save(QualityNetLite(bands=8), directory)
    return f"{directory}/"


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


# --- examples ---------------------------------------------------------------------------------------------------


def test_mixtures_have_the_snr_asked_for(speech_clips, noise_clips):
    reference, noisy = examples.Mixtures(speech_clips, noise_clips, (3, 3)).draw(RATE, np.random.default_rng(0))
    assert 20 * np.log10(mix.rms(reference) / mix.rms(noisy - reference)) == pytest.approx(3, abs=0.01)
    assert 20 * np.log10(mix.rms(reference)) == pytest.approx(-26, abs=0.01)


def test_batches_are_those_of_seed_epoch_and_index(source):
    one, other = (examples.Batches(source, RATE, 2, 3, seed=5) for _ in range(2))
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one[0][0], one[1][0])
    other.shuffle(1)
    assert not np.array_equal(one[1][0], other[1][0])
    noisy, reference = one[0]
    assert noisy.shape == reference.shape == (2, RATE) and noisy.dtype == np.float32 and len(one) == 3


def test_recordings_are_cut_alike():
    reference = voice(3.0, seed=1)
    drawn = examples.Recordings([(reference, 0.5 * reference)]).draw(RATE, np.random.default_rng(0))
    np.testing.assert_allclose(drawn[1], 0.5 * drawn[0], rtol=1e-5)
    with pytest.raises(InputError, match="1000 s"):
        examples.Recordings([(reference, reference)]).draw(1000 * RATE, np.random.default_rng(0))


def test_validation_takes_turns_from_minus_10_to_10_db(validation):
    assert [example.snr_db for example in validation] == [-10, -5, 0, 5, 10]
    assert {len(example.noisy) for example in validation} == {RATE}


def test_the_test_set_has_whole_utterances_at_each_snr(speech_clips, noise_clips):
    made = examples.test_set(speech_clips, noise_clips, noises=2)
    assert len(made) == 6 * 2 * 5
    assert len({example.name for example in made}) == 6
    assert {len(example.reference) for example in made} == {4 * RATE, 5 * RATE}
    for example in made[:5]:
        noise = example.noisy - example.reference
        assert 20 * np.log10(mix.rms(example.reference) / mix.rms(noise)) == pytest.approx(example.snr_db, abs=0.05)
    with pytest.raises(InputError, match="recording of noise"):
        examples.test_set(speech_clips, [])
    with pytest.raises(InputError, match="utterance of 1 s"):
        examples.test_set({"talker": [np.ones(100, "float32")]}, noise_clips)


# --- callbacks --------------------------------------------------------------------------------------------------


def test_true_scores_are_those_of_the_metrics(validation):
    enhancer = DNNEnhancer(units=8)
    scores = TrueScores(enhancer, validation, n_jobs=1)
    found = scores.measure()
    enhanced = enhancer.enhance(scores.noisy, RATE)
    assert found["si-sdr"] == pytest.approx(np.nanmean(speech.si_sdr(scores.reference, enhanced)), abs=1e-3)
    assert found["stoi"] == pytest.approx(np.nanmean(speech.stoi(scores.reference, enhanced, RATE)), abs=1e-4)
    assert found["pesq-wb"] == pytest.approx(np.nanmean(speech.pesq(scores.reference, enhanced, RATE)), abs=1e-3)
    assert found["n_failed"] == 0 and "predicted" not in found


@pytest.mark.parametrize(
    ("mode", "values", "ended"),
    [("max", [1, 3, 2, 2], True), ("max", [1, 2, 3], False), ("min", [3, 1, 2, 2], True), ("min", [], False)],
)
def test_stopping_looks_back(mode, values, ended):
    assert StopWhenNoBetter("pesq-wb", mode, 2, values).ended() == ended


def test_a_round_teaches_the_surrogate_what_the_enhancer_makes(source, surrogate, tmp_path):
    teacher, student = zoo.load(surrogate), zoo.load(surrogate, trainable=True)
    student.compile(keras.optimizers.Adam(1e-2), loss="mse", loss_weights=1 / 25)
    student.optimizer.build(student.trainable_variables)
    batches = examples.Batches(source, RATE, 8, 1, seed=3)
    refresh = Refresh(DNNEnhancer(units=8), teacher, student, batches, tmp_path, steps=40, n_jobs=1)
    reference, degraded, scores = refresh._label(0)
    assert len(scores) == 8 + 2 and np.isfinite(scores).all()

    def error():
        return np.mean(np.square(teacher.score(reference / 32767, degraded / 32767, RATE) - scores))

    before = error()
    for epoch in range(2):
        refresh.on_epoch_begin(epoch)
    assert error() < 0.5 * before
    for ours, theirs in zip(teacher.get_weights(), student.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not teacher.trainable_variables
    stored = np.load(tmp_path / "round_0000.npz")
    np.testing.assert_array_equal(stored["arr_2"], scores)


# --- training ---------------------------------------------------------------------------------------------------


def test_the_loss_falls_and_the_facts_are_whole(small, source, validation, tmp_path):
    recipe = dataclasses.replace(small, steps=20, learning_rate=1e-2, monitor="val_loss")
    model, facts, minutes = train.train(recipe, source, validation, tmp_path, n_jobs=1, verbose=0)
    rows = read_log(tmp_path / "tiny" / "log.csv")
    assert float(rows[-1]["val_loss"]) < float(rows[0]["val_loss"])
    assert facts["curve"]["iteration"] == [0, 20, 40, 60]
    assert {len(values) for values in facts["curve"].values()} == {4}
    assert facts["best_iteration"] in (20, 40, 60) and minutes > 0
    assert not getattr(model, "optimizer", None)
    fields = {"lookahead": 1}
    about = training_card("enhancement", recipe, model, facts, minutes, "python train", "abc", fields=fields)
    assert about["family"] == "enhancement" and about["parameters"] == model.count_params()
    assert about["architecture"] == recipe.network and about["lookahead"] == 1 and about["training"]["commit"] == "abc"
    _, noisy = golden.voices_in_noise(16000, (0, 10))
    preset.save(model, tmp_path / "saved", card=about, golden=[noisy])
    preset.load(tmp_path / "saved", verify=True)


def test_fine_tuning_starts_from_a_checkpoint(small, source, validation, tmp_path):
    start = DNNEnhancer(units=8)
    preset.save(start, tmp_path / "start")
    recipe = dataclasses.replace(small, start=f"{tmp_path}/start/")
    for ours, theirs in zip(recipe.model().get_weights(), start.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_fixed_surrogate_stays_as_it_is(small, surrogate, source, validation, tmp_path, monkeypatch):
    recipe = dataclasses.replace(small, loss={surrogate: 1.0}, epochs=1, monitor="pesq-wb")
    seen = []
    monkeypatch.setattr(train, "build", lambda *terms, **rate: seen.append(build(*terms, **rate)) or seen[0])
    before = zoo.load(surrogate)
    train.train(recipe, source, validation, tmp_path, n_jobs=1, verbose=0)
    ((_, learned),) = seen[0].terms
    for ours, theirs in zip(learned.metric.get_weights(), before.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


class _Killed(BaseException):
    pass


@pytest.mark.parametrize("name", ["small", "refreshed"])
def test_an_interrupted_training_ends_as_an_uninterrupted_one(name, request, source, validation, tmp_path, monkeypatch):
    recipe = request.getfixturevalue(name)
    whole, facts, _ = train.train(recipe, source, validation, tmp_path / "whole", n_jobs=1, verbose=0)
    end = TrueScores.on_epoch_end

    def killed_in_the_last_epoch(self, epoch, logs=None):
        if epoch == 2:
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


def test_another_recipe_does_not_go_on_with_this_run(small, source, validation, tmp_path):
    train.train(dataclasses.replace(small, epochs=1), source, validation, tmp_path, n_jobs=1, verbose=0)
    with pytest.raises(InputError, match="another recipe"):
        train.train(dataclasses.replace(small, epochs=2), source, validation, tmp_path)
    others = examples.Mixtures({"talker": [voice(4.0, seed=77)]}, source.noise, (-8, 8))
    with pytest.raises(InputError, match="other data"):
        train.train(dataclasses.replace(small, epochs=1), others, validation, tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "LSTM"}, "BLSTMEnhancer"),
        ({"monitor": "loss"}, "val_loss or pesq-wb"),
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


def test_fit_takes_an_enhancer_and_any_loss(source, surrogate):
    """The way of the README: compile with a learned loss, fit on waveforms."""
    enhancer = DNNEnhancer(units=8)
    enhancer.compile("adam", loss=zoo.loss(surrogate))
    noisy, reference = examples.Batches(source, RATE, 4, 1, seed=0)[0]
    before = [ops.convert_to_numpy(v).copy() for v in enhancer.trainable_variables]
    enhancer.fit(noisy, reference, epochs=1, batch_size=2, verbose=0)
    assert any(np.any(a != ops.convert_to_numpy(b)) for a, b in zip(before, enhancer.trainable_variables, strict=True))


@pytest.mark.slow
def test_the_same_recipe_on_jax(surrogate, tmp_path):
    script = f"""
import sys
sys.path.insert(0, {str(REPOSITORY)!r})
import numpy as np
from tests.enhancement.test_train import examples, mix, train, voice
speech = {{"talker": [voice(4.0, seed=1)]}}
noise = [mix.colored_noise(48000, 1.0, np.random.default_rng(9))]
refresh = {{"examples": 8, "steps": 2, "learning_rate": 1e-3}}
recipe = train.Recipe(
    name="tiny", network="BLSTMEnhancer", options={{"units": 8, "hidden": 8}}, loss={{{surrogate!r}: 1.0}},
    refresh=refresh, seconds=1.0, batch_size=4, steps=2, epochs=2, monitor="pesq-wb")
validation = examples.validation_set(speech, noise, 5, seconds=1.0)
_, facts, _ = train.train(recipe, examples.Mixtures(speech, noise, (0, 5)), validation, {str(tmp_path)!r}, 1, 0)
import keras
print(keras.backend.backend(), facts["curve"]["predicted"])
predicted = facts["curve"]["predicted"]
assert len(set(predicted)) == 3
"""
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.startswith("jax")


def test_a_refresh_by_another_metric_is_refused(small, source, validation, tmp_path):
    refresh = {"examples": 8, "steps": 1, "learning_rate": 1e-3}
    recipe = dataclasses.replace(small, loss={"quality-net-lite-stoi-16k": 1.0}, refresh=refresh)
    with pytest.raises(InputError, match="wide-band PESQ"):
        train.train(recipe, source, validation, tmp_path, n_jobs=1, verbose=0)


def test_a_training_that_diverges_says_so():
    stop = StopWhenNoBetter("pesq-wb", "max", 3)
    with pytest.raises(InputError, match="learning rate"):
        stop.on_epoch_end(0, {"loss": np.nan, "pesq-wb": 1.0})
