"""Frozen stays frozen: in calls, training steps, copies, files and clones, alone and inside another model."""

import copy
import pickle

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.support.checkpoints import CARDS, NAMES, QUICKEST, load, swept_architectures
from tests.support.harness import check_frozen
from zoo.texture.model import RandomConvEnsemble

WITH_VARIABLES = [name for name in NAMES if CARDS[name]["architecture"] != "RandomConvEnsemble"]
SAMPLES = 9000
NOISE = 0.1 * np.random.default_rng(0).standard_normal((2, SAMPLES)).astype("float32")


@keras.saving.register_keras_serializable(package="test frozen")
class Gain(keras.layers.Layer):
    """An enhancer of one variable."""

    def build(self, shape):
        self.gain = self.add_weight(shape=(), initializer=keras.initializers.Constant(0.8))

    def call(self, x):
        return self.gain * x


@pytest.fixture(params=swept_architectures(NAMES))
def model(request):
    """A bundled checkpoint. For the ensemble, whose copies draw 289 MB again, a small one stands in."""
    ensemble = CARDS[request.param]["architecture"] == "RandomConvEnsemble"
    return RandomConvEnsemble((2, 4), filters=8) if ensemble else load(request.param)


def is_ensemble(model):
    return isinstance(model, RandomConvEnsemble)


def inputs_of(model):
    """The arrays that a call of the model takes, references first."""
    if is_ensemble(model):
        return [np.abs(np.resize(NOISE, (2, 80, 257)))]
    return [NOISE, NOISE[::-1]][: len(model.serving_inputs)]


def called(model, inputs, **options):
    output = model(inputs if len(inputs) > 1 else inputs[0], **options)
    return output[0] if isinstance(output, (list, tuple)) else output


def composite_of(model):
    """The model on the output of an enhancer, as a functional Keras model."""
    inputs = [keras.Input(x.shape[1:]) for x in inputs_of(model)]
    return keras.Model(inputs, called(model, [*inputs[:-1], Gain()(inputs[-1])]))


def through_file(model, path):
    model.save(path)
    return keras.saving.load_model(path)


def through_checkpoint(model, path):
    zoo.save(model, path)
    return zoo.load(path)


COPIES = {
    "deepcopy": lambda model, folder: copy.deepcopy(model),
    "pickle": lambda model, folder: pickle.loads(pickle.dumps(model)),
    "keras file": lambda model, folder: through_file(model, folder / "model.keras"),
    "keras folder": lambda model, folder: keras.saving.load_model(_saved(model, folder / "model")),
    "checkpoint": lambda model, folder: through_checkpoint(model, folder / "model"),
}


def _saved(model, path):
    zoo.save(model, path)
    return path


@pytest.mark.on_torch
def test_training_mode_changes_nothing(model):
    inputs = inputs_of(model)
    options = {} if is_ensemble(model) else {"training": True}
    check_frozen(model, lambda: called(model, inputs, **options))
    # Of an LSTM training mode is another loop, and so another rounding.
    np.testing.assert_allclose(called(model, inputs, **options), called(model, inputs), rtol=0, atol=1e-6)


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_is_frozen(model, how, tmp_path):
    again = COPIES[how](model, tmp_path)
    assert not again.trainable and again.trainable_variables == []
    np.testing.assert_array_equal(called(again, inputs_of(model)), called(model, inputs_of(model)))


# The last one's spectral normalisation has a state that training mode moves.
@pytest.mark.parametrize(
    "model", [*QUICKEST, pytest.param("quality-net-pesq-wb-16k", marks=pytest.mark.slow)], indirect=True
)
def test_inside_another_model_it_is_frozen(model, tmp_path):
    composite, inputs = composite_of(model), inputs_of(model)
    inputs = inputs if len(inputs) > 1 else inputs[0]
    again = through_file(composite, tmp_path / "model.keras")
    clone = keras.models.clone_model(composite)
    for other in (composite, again, clone):
        assert [variable.shape for variable in other.trainable_variables] == [()]
    expected = ops.convert_to_numpy(composite(inputs, training=False))
    np.testing.assert_allclose(again(inputs, training=True), expected, rtol=0, atol=1e-6)
    again.compile(keras.optimizers.Adam(0.01), loss="mse")
    (inner,) = [layer for layer in again.layers if type(layer) is type(model)]
    check_frozen(inner, lambda: again.train_on_batch(inputs, np.zeros_like(expected)))
    (gain,) = again.trainable_variables
    assert float(gain) != pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize("name", swept_architectures(WITH_VARIABLES))
def test_trainable_stays_trainable(name, tmp_path):
    model = zoo.load(name, trainable=True)
    count = len(model.trainable_variables)
    assert count and len(copy.deepcopy(model).trainable_variables) == count
    assert len(through_file(model, tmp_path / "model.keras").trainable_variables) == count
    zoo.save(load(name), tmp_path / "frozen")  # a frozen model's file is no obstacle to fine-tuning
    assert len(zoo.load(tmp_path / "frozen", trainable=True).trainable_variables) == count
