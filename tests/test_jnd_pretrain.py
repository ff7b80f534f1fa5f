"""The regime `pre`: clips and their targets, a classifier that learns, the backbone that is kept, going on."""

import dataclasses

import keras
import numpy as np
import pytest
from harness import REPOSITORY, data_path, predict
from keras import ops

from zoo import training
from zoo.audio import mix
from zoo.errors import InputError
from zoo.jnd import pretrain as pre
from zoo.jnd.effects import SAMPLE_RATE
from zoo.jnd.environment import LabelledRecording, read_noise_classes
from zoo.jnd.model import JND

CONFIG = REPOSITORY / "tools" / "configs" / "jnd-pre-22k.toml"
CLASSES = ["clicks", "hiss", "tone"]


def sound(label, seed, seconds=0.5):
    rng = np.random.default_rng(seed)
    samples = int(seconds * SAMPLE_RATE)
    made = {
        "hiss": mix.colored_noise(samples, 0.0, rng),
        "tone": 0.1 * np.sin(2 * np.pi * rng.uniform(300, 600) * np.arange(samples) / SAMPLE_RATE),
        "clicks": 0.5 * (rng.random(samples) < 0.005),
    }
    return LabelledRecording(label, f"{label} {seed}", made[label].astype("float32"))


@pytest.fixture(scope="module")
def recordings():
    return [[sound(label, seed) for label in CLASSES for seed in seeds] for seeds in ((0, 1, 2), (3, 4))]


@pytest.fixture
def small():
    return pre.Recipe(
        name="tiny", options={"channels": [4, 4, 8]}, seconds=0.1, batch_size=6, steps=8, epochs=3,
        learning_rate=2e-2, dropout=0.1, mixed=0.2, n_validation=4,
    )  # fmt: skip


def arrays(model):
    return [ops.convert_to_numpy(variable) for variable in model.weights]


# --- clips ------------------------------------------------------------------------------------------------------


def test_clips_are_those_of_seed_epoch_and_index(recordings, small):
    one, other = (pre.Clips(recordings[0], CLASSES, small) for _ in range(2))
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one[0][0], one[1][0])
    other.shuffle(1)
    assert not np.array_equal(one[1][0], other[1][0])
    clips, targets = one[0]
    assert clips.shape == (6, int(0.1 * SAMPLE_RATE)) and clips.dtype == targets.dtype == np.float32
    assert targets.shape == (6, 3) and len(one) == 8


def test_unmixed_clips_are_of_their_class_at_one_level(recordings, small):
    recipe = dataclasses.replace(small, mixed=0.0, speed=(1.0, 1.0), batch_size=30)
    clips, targets = pre.Clips(recordings[0], CLASSES, recipe)[0]
    assert targets.sum(axis=0).all() and set(np.unique(targets)) == {0.0, 1.0}
    np.testing.assert_allclose(mix.rms(clips), 0.1, rtol=1e-4)
    crest = np.abs(clips).max(axis=1) / 0.1
    kind = np.array(CLASSES)[targets.argmax(axis=1)]
    assert crest[kind == "clicks"].min() > 6 > crest[kind == "hiss"].max() > 2.5 > crest[kind == "tone"].max()


def test_a_mixture_is_the_weighted_sum_that_its_target_says(small):
    constant = [LabelledRecording(name, name, np.full(4000, value, "float32")) for name, value in (("a", 1), ("b", -1))]
    clips, targets = pre.Clips(constant, ["a", "b"], dataclasses.replace(small, mixed=1.0, batch_size=20))[0]
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(clips, 0.1 * (targets[:, :1] - targets[:, 1:]) * np.ones_like(clips), atol=1e-6)
    assert np.any((targets > 0.1) & (targets < 0.9))


def test_speed_moves_the_pitch(small):
    recipe = dataclasses.replace(small, mixed=0.0, speed=(2.0, 2.0), seconds=0.4)
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = LabelledRecording("a", "a", np.sin(2 * np.pi * 500 * time).astype("float32"))
    spectrum = np.abs(np.fft.rfft(pre.Clips([tone], ["a"], recipe)[0][0][0]))
    assert spectrum.argmax() / 0.4 == pytest.approx(1000, abs=5)


def test_silence_gives_a_finite_clip(small):
    silence = LabelledRecording("a", "a", np.zeros(4000, "float32"))
    assert not pre.Clips([silence], ["a"], small)[0][0].any()


def test_validation_takes_the_recordings_in_turn_unchanged(small):
    recordings = [LabelledRecording("ab"[i // 2], str(i), np.full(9000, i + 1, "float32")) for i in range(4)]
    clips, targets = pre.held_back(recordings, ["a", "b"], small)
    np.testing.assert_array_equal(clips[:, 0], [1, 2, 1, 2, 3, 4, 3, 4])
    np.testing.assert_array_equal(targets.argmax(axis=1), [0] * 4 + [1] * 4)


# --- training ---------------------------------------------------------------------------------------------------


def test_the_classifier_does_not_hear_level(recordings, small):
    classifier = small.classifier(3)
    clips = pre.Clips(recordings[0], CLASSES, small)[0][0]
    np.testing.assert_allclose(predict(classifier, [clips]), predict(classifier, [0.1 * clips]), atol=1e-3)


def test_it_learns_and_the_backbone_of_the_best_epoch_is_kept(recordings, small, tmp_path):
    recipe = dataclasses.replace(small, epochs=5)
    model, facts, minutes = pre.pretrain(recipe, *recordings, tmp_path, verbose=0)
    curve = facts["curve"]
    assert curve["epoch"] == [1, 2, 3, 4, 5] and curve["loss"][-1] < curve["loss"][0]
    assert facts["val_accuracy"] == max(curve["val_accuracy"]) > 0.6 and minutes > 0
    assert curve["val_accuracy"][facts["best_epoch"] - 1] == facts["val_accuracy"]
    assert (facts["classes"], facts["n_train"], facts["n_validation"]) == (CLASSES, 9, 6)
    best = recipe.classifier(3)
    best(np.zeros((2, 2205), "float32"))
    best.load_weights(tmp_path / "tiny" / "best.weights.h5")
    for ours, theirs in zip(arrays(model.backbone), arrays(best.backbone), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    clips, targets = pre.held_back(recordings[1], CLASSES, recipe)
    accuracy = np.mean(predict(best, [clips]).argmax(axis=1) == targets.argmax(axis=1))
    assert accuracy == pytest.approx(facts["val_accuracy"], abs=1e-4)


def test_only_the_backbone_is_trained(recordings, small, tmp_path):
    model, *_ = pre.pretrain(dataclasses.replace(small, epochs=1), *recordings, tmp_path, verbose=0)
    keras.utils.set_random_seed(small.seed)
    fresh = JND(channels=[4, 4, 8])
    assert model.get_config() == fresh.get_config()  # the dropout of the metric, not of this training
    for layer in model.core.layers:
        if layer.name.startswith("distance_"):
            np.testing.assert_array_equal(layer.weight, np.ones(layer.weight.shape))
    for ours, theirs in zip(arrays(model.head), arrays(fresh.head), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert any(np.any(a != b) for a, b in zip(arrays(model.backbone), arrays(fresh.backbone), strict=True))


def test_an_interrupted_training_goes_on_to_the_same_weights(recordings, small, tmp_path, monkeypatch):
    whole, facts, _ = pre.pretrain(small, *recordings, tmp_path / "whole", verbose=0)

    def interrupt(clips, epoch):
        if epoch == 2:
            raise KeyboardInterrupt
        clips.epoch = epoch

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(pre.Clips, "shuffle", interrupt)
        pre.pretrain(small, *recordings, tmp_path / "cut", verbose=0)
    resumed, resumed_facts, _ = pre.pretrain(small, *recordings, tmp_path / "cut", verbose=0)
    assert resumed_facts["curve"] == facts["curve"]
    for ours, theirs in zip(arrays(resumed), arrays(whole), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
    again, *_ = pre.pretrain(small, *recordings, tmp_path / "cut", verbose=0)  # ended: nothing more to do
    np.testing.assert_array_equal(again.get_weights()[0], resumed.get_weights()[0])


def test_what_cannot_be_trained_is_refused(recordings, small, tmp_path):
    train, validation = recordings
    with pytest.raises(InputError, match="different classes"):
        pre.pretrain(small, train, validation[:2], tmp_path)
    with pytest.raises(InputError, match="even batch_size"):
        pre.pretrain(dataclasses.replace(small, batch_size=5), train, validation, tmp_path)
    pre.claim(tmp_path / "tiny", small)
    with pytest.raises(InputError, match="another recipe"):
        pre.pretrain(small, train, validation, tmp_path)


# --- the recipe and the real data -------------------------------------------------------------------------------


def test_the_recipe_is_whole():
    recipe = pre.Recipe.read(CONFIG)
    assert recipe.name == CONFIG.stem and recipe.batch_size % 2 == 0
    assert recipe.options == {}  # the paper's network
    words = training.read_words(CONFIG)
    assert words["data"] != "not stated" and words["limits"] and words["departures"]
    assert words["licence"]["weights"] == "MIT"


def test_real_clips_are_loud_and_finite():
    recordings = read_noise_classes(data_path("MANIFEST.csv").parent, "validation")
    recipe, classes = pre.Recipe.read(CONFIG), sorted({recording.label for recording in recordings})
    clips, targets = pre.Clips(recordings, classes, recipe)[0]
    assert np.isfinite(clips).all() and mix.rms(clips).min() > 0.01
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    held, _ = pre.held_back(recordings, classes, recipe)
    assert len(held) == len(classes) * recipe.n_validation
    assert (mix.rms(held) > 1e-4).mean() > 0.95
