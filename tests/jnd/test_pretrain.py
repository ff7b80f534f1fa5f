"""The regime `pre`: its recordings, a classifier that learns, the backbone that is kept, going on."""

import dataclasses

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.harness import REPOSITORY, SOUND_CLASSES, data_path, labelled_sounds, predict
from zoo.checkpoint.card import read_words
from zoo.data.clips import Clips, held_back
from zoo.data.environment import SPLITS, read_noise_classes
from zoo.errors import InputError
from zoo.jnd import pretrain as pre
from zoo.jnd.effects import SAMPLE_RATE
from zoo.jnd.model import JND
from zoo.training.run import open_run

CONFIG = REPOSITORY / "tools" / "configs" / "jnd-pre-22k.toml"


@pytest.fixture(scope="module")
def recordings():
    return labelled_sounds(SAMPLE_RATE)


@pytest.fixture
def small():
    return pre.Recipe(
        name="tiny", options={"channels": [4, 4, 8]}, seconds=0.1, batch_size=6, steps=8, epochs=3,
        learning_rate=2e-2, dropout=0.1, mixed=0.2, n_validation=4,
    )  # fmt: skip


def arrays(model):
    return [ops.convert_to_numpy(variable) for variable in model.weights]


# --- training ---------------------------------------------------------------------------------------------------


def test_the_classifier_does_not_hear_level(recordings, small):
    classifier = small.classifier(3)
    clips = Clips(recordings[0], SOUND_CLASSES, small, SAMPLE_RATE)[0][0]
    np.testing.assert_allclose(predict(classifier, [clips]), predict(classifier, [0.1 * clips]), atol=1e-3)


@pytest.mark.slow
def test_it_learns_and_the_backbone_of_the_best_epoch_is_kept(recordings, small, tmp_path):
    recipe = dataclasses.replace(small, epochs=5)
    model, facts, minutes = pre.pretrain(recipe, *recordings, tmp_path, verbose=0)
    curve = facts["curve"]
    assert curve["epoch"] == [1, 2, 3, 4, 5] and curve["loss"][-1] < curve["loss"][0]
    assert facts["val_accuracy"] == max(curve["val_accuracy"]) > 0.6 and minutes > 0
    assert curve["val_accuracy"][facts["best_epoch"] - 1] == facts["val_accuracy"]
    assert (facts["classes"], facts["n_train"], facts["n_validation"]) == (SOUND_CLASSES, 9, 6)
    best = recipe.classifier(3)
    best(np.zeros((2, 2205), "float32"))
    best.load_weights(tmp_path / "tiny" / "best.weights.h5")
    for ours, theirs in zip(arrays(model.backbone), arrays(best.backbone), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    clips, targets, _ = held_back(recordings[1], SOUND_CLASSES, recipe, SAMPLE_RATE)
    accuracy = np.mean(predict(best, [clips]).argmax(axis=1) == targets.argmax(axis=1))
    assert accuracy == pytest.approx(facts["val_accuracy"], abs=1e-4)


@pytest.mark.slow
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


@pytest.mark.slow
def test_an_interrupted_training_goes_on_to_the_same_weights(recordings, small, tmp_path, monkeypatch):
    whole, facts, _ = pre.pretrain(small, *recordings, tmp_path / "whole", verbose=0)

    def interrupt(clips, epoch):
        if epoch == 2:
            raise KeyboardInterrupt
        clips.epoch = epoch

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Clips, "shuffle", interrupt)
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
    open_run(tmp_path / "tiny", small)
    with pytest.raises(InputError, match="another recipe"):
        pre.pretrain(small, train, validation, tmp_path)


# --- the recipe and the real data -------------------------------------------------------------------------------


def test_the_recipe_is_whole():
    recipe = pre.Recipe.read(CONFIG)
    assert recipe.name == CONFIG.stem and recipe.batch_size % 2 == 0
    assert recipe.options == {}  # the paper's network
    words = read_words(CONFIG)
    assert words["data"] != "not stated" and words["limits"] and words["departures"]
    assert words["licence"]["weights"] == "MIT"


@pytest.mark.slow
def test_recordings_that_perturbations_draw_from_end_where_their_training_part_does():
    """A running tap, insects, a fan, a fridge ... are noises of the answers' perturbations too: their ends are kept."""
    data = data_path("MANIFEST.csv").parent
    for split in SPLITS:
        whole = read_noise_classes(data, split, SAMPLE_RATE)
        sounds = pre.read_sounds(data, split)
        assert [r.source for r in sounds] == [r.source for r in whole]
        shares = {
            (r.label, round(len(r.audio) / len(all_of.audio), 3)) for r, all_of in zip(sounds, whole, strict=True)
        }
        assert {share for _, share in shares} <= {0.6, 1.0}
        assert {label for label, share in shares if share == 0.6} <= {"machine", "wildlife"}


def test_scenes_take_the_place_of_the_data(tmp_path):
    with pytest.raises(InputError, match="no meta.txt"):
        pre.read_sounds(tmp_path, "train", dcase=tmp_path)
