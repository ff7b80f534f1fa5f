"""The training that two families of classifiers share: facts, best epoch, and refusals."""

from dataclasses import dataclass

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.harness import SOUND_CLASSES, labelled_sounds, predict
from zoo.data.clips import held_back
from zoo.errors import InputError
from zoo.training.classifier import train_classifier

RATE = 8000


@dataclass(frozen=True)
class Recipe:
    name: str = "tiny"
    seconds: float = 0.1
    batch_size: int = 6
    steps: int = 6
    epochs: int = 4
    learning_rate: float = 3e-2
    mixed: float = 0.0
    speed: tuple = (0.9, 1.1)
    n_validation: int = 4
    seed: int = 0


def network(activation):
    def of_classes(classes):
        keras.utils.set_random_seed(0)
        spectrum = keras.layers.Lambda(lambda x: ops.log(1e-3 + ops.abs(ops.rfft(x)[0])), output_shape=(401,))
        return keras.Sequential([keras.Input((800,)), spectrum, keras.layers.Dense(len(classes), activation)])

    return of_classes


@pytest.mark.parametrize(("activation", "from_logits"), [(None, True), ("softmax", False)])
def test_the_model_is_that_of_the_best_epoch(activation, from_logits, tmp_path):
    sounds, validation = labelled_sounds(RATE)
    recipe = Recipe()
    model, facts, minutes = train_classifier(
        recipe, network(activation), sounds, validation, tmp_path, RATE, from_logits, verbose=0
    )
    assert (facts["classes"], facts["n_train"], facts["n_validation"]) == (SOUND_CLASSES, 9, 6)
    assert facts["recipe"]["name"] == "tiny" and minutes > 0
    curve = facts["curve"]
    assert curve["epoch"] == [1, 2, 3, 4] and set(curve) == {"epoch", "loss", "accuracy", "val_accuracy"}
    assert facts["val_accuracy"] == max(curve["val_accuracy"]) == curve["val_accuracy"][facts["best_epoch"] - 1]
    clips, targets, _ = held_back(validation, SOUND_CLASSES, recipe, RATE)
    accuracy = np.mean(predict(model, [clips]).argmax(axis=1) == targets.argmax(axis=1))
    assert accuracy == pytest.approx(facts["val_accuracy"], abs=1e-4) and accuracy > 0.4  # chance is 0.33


def test_classes_must_be_in_both_lists(tmp_path):
    sounds, validation = labelled_sounds(RATE)
    with pytest.raises(InputError, match="different classes"):
        train_classifier(Recipe(), network(None), sounds, validation[:2], tmp_path, RATE, True)
