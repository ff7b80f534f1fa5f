"""Saving and loading checkpoint directories."""

import json
import warnings

import h5py
import keras
import numpy as np
import pytest

import zoo
from tests.support.damage import DAMAGES, random_bytes
from tests.support.harness import check_save_load, predict
from zoo.checkpoint import preset
from zoo.checkpoint.card import write_card
from zoo.errors import InputError
from zoo.quality_net.loss import QualityNetLoss
from zoo.quality_net.model import QualityNetLite

CARD = {"name": "small", "limits": ["a test"]}


@pytest.fixture
def model():
    a, b = keras.Input((4,)), keras.Input((4,))
    x = keras.layers.Concatenate()([a, b])
    return keras.Model([a, b], keras.layers.Dense(1)(keras.layers.Dense(3, "relu")(x)))


@pytest.fixture
def inputs():
    return [np.random.normal(size=(2, 4)).astype("float32") for _ in range(2)]


@pytest.fixture
def saved(model, inputs, tmp_path):
    preset.save(model, tmp_path / "small", card=CARD, golden=inputs)
    return tmp_path / "small"


def test_save_then_load_gives_the_same_model(model, inputs, tmp_path):
    check_save_load(model, inputs, tmp_path / "deep" / "small")


def test_the_directory_holds_what_it_should(saved, model):
    names = {"config.json", "metadata.json", "model.weights.h5", "golden.npz"}
    assert {path.name for path in saved.iterdir()} == names | {"card.json"}
    card = json.loads((saved / "card.json").read_text())
    assert set(card["files"]) == names
    assert card["parameters"] == 8 * 3 + 3 + 3 + 1
    assert list(saved.parent.iterdir()) == [saved]


def test_a_card_is_strict_json(saved):
    write_card(saved, {"results": {"pearson": [float("nan"), np.float64("nan"), 1.0]}, "n": 3})
    card = json.loads((saved / "card.json").read_text(), parse_constant=pytest.fail)
    assert card["results"] == {"pearson": [None, None, 1.0]} and card["n"] == 3
    assert set(card["files"]) == {"config.json", "metadata.json", "model.weights.h5", "golden.npz"}


def test_without_a_card_it_has_checksums(model, tmp_path):
    zoo.save(model, tmp_path / "small")
    names = {"config.json", "metadata.json", "model.weights.h5"}
    assert {path.name for path in (tmp_path / "small").iterdir()} == names | {"checksums.json"}
    assert set(json.loads((tmp_path / "small" / "checksums.json").read_text())) == names
    with pytest.raises(InputError, match="has no card.json"):
        zoo.info(tmp_path / "small")
    preset.save(model, tmp_path / "small", card=CARD)
    assert not (tmp_path / "small" / "checksums.json").exists()


@pytest.mark.parametrize(
    ("saver", "name", "damage"),
    [(saver, *case) for saver in ("zoo", "keras") for case in DAMAGES if case[0] != "golden.npz"]
    + [("zoo", "model.weights.h5", random_bytes)],  # of what Keras saved nothing tells them from weights
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_damaged_file_is_named_with_or_without_checksums(model, tmp_path, saver, name, damage):
    zoo.save(model, tmp_path / "small")
    if saver == "keras":
        (tmp_path / "small" / "checksums.json").unlink()
    damage(tmp_path / "small" / name)
    with pytest.raises(InputError, match=f"{name} .*get it again") as raised:
        zoo.load(tmp_path / "small")
    assert "\n" not in str(raised.value)


def test_any_error_of_keras_is_a_line(saved, monkeypatch):
    def fail(*_, **__):
        raise UnboundLocalError("cannot access local variable\nand more")

    monkeypatch.setattr(keras.saving, "load_model", fail)
    with pytest.raises(InputError, match="cannot be loaded by this version: cannot access local variable$"):
        preset.load(saved)


@pytest.mark.parametrize("old", [True, False])
def test_a_swap_that_is_stopped_leaves_what_was_there(model, tmp_path, monkeypatch, old):
    if old:
        zoo.save(model, tmp_path / "small")
    before = {path.name: path.read_bytes() for path in (tmp_path / "small").glob("*")}
    rename = preset.Path.rename

    def stop(self, target):
        if target.name == "small" and not stopped:
            stopped.append(True)
            raise KeyboardInterrupt
        return rename(self, target)

    stopped = []
    monkeypatch.setattr(preset.Path, "rename", stop)
    with pytest.raises(KeyboardInterrupt):
        zoo.save(model, tmp_path / "small")
    assert {path.name: path.read_bytes() for path in (tmp_path / "small").glob("*")} == before
    assert [path.name for path in tmp_path.iterdir()] == ["small"] * old


def test_keras_reads_it(saved, model, inputs):
    np.testing.assert_array_equal(predict(keras.saving.load_model(saved), inputs), predict(model, inputs))


def test_frozen_unless_trainable(saved):
    assert zoo.load(f"{saved}/").trainable_variables == []
    assert len(zoo.load(saved, trainable=True).trainable_variables) == 4


def test_verify_reproduces_the_golden(saved):
    preset.load(saved, verify=True)


def test_verify_finds_other_weights(saved, model, inputs):
    golden = (saved / "golden.npz").read_bytes()
    model.layers[-1].bias.assign_add([0.01])
    preset.save(model, saved, card=CARD, golden=inputs)
    (saved / "golden.npz").write_bytes(golden)
    write_card(saved, CARD)
    preset.load(saved)
    with pytest.raises(InputError, match="does not reproduce"):
        preset.load(saved, verify=True)


def test_verify_needs_a_golden(model, tmp_path):
    zoo.save(model, tmp_path / "small")
    with pytest.raises(InputError, match="no golden.npz"):
        zoo.load(tmp_path / "small", verify=True)


@pytest.mark.parametrize("name", ["config.json", "metadata.json", "model.weights.h5", "golden.npz"])
def test_a_changed_or_missing_file_is_named(saved, name):
    (saved / name).write_bytes((saved / name).read_bytes() + b" ")
    with pytest.raises(InputError, match=f"{name} differs"):
        preset.load(saved)
    (saved / name).unlink()
    with pytest.raises(InputError, match=f"no {name}"):
        preset.load(saved)


def test_weights_load_strictly(saved, tmp_path):
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    zoo.save(other, tmp_path / "other")
    (saved / "card.json").unlink()  # and with it the sha256 of the files
    (saved / "model.weights.h5").write_bytes((tmp_path / "other" / "model.weights.h5").read_bytes())
    with pytest.raises(InputError, match="cannot be loaded"):
        preset.load(saved)


@keras.saving.register_keras_serializable(package="zoo_tests")
class Nested(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.towers = [[keras.layers.Dense(1)]]

    def build(self, shape):
        self.towers[0][0].build(shape)

    def call(self, x):
        return self.towers[0][0](x)


def test_a_nested_layer_without_weights_is_refused(tmp_path):
    zoo.save(keras.Sequential([keras.Input((4,)), Nested()]), tmp_path / "nested")
    preset.load(tmp_path / "nested")
    (tmp_path / "nested" / "checksums.json").unlink()
    with h5py.File(tmp_path / "nested" / "model.weights.h5", "a") as weights:
        del weights["layers/nested/towers/container"]
    with pytest.raises(InputError, match="cannot be loaded"):
        preset.load(tmp_path / "nested")


def test_a_lambda_is_refused(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x + 1), keras.layers.Dense(1)])
    zoo.save(model, tmp_path / "lambda")
    with pytest.raises(InputError, match="cannot be loaded"):
        preset.load(tmp_path / "lambda")


def test_a_class_of_another_version_is_named(saved):
    (saved / "card.json").unlink()
    config = json.loads((saved / "config.json").read_text())
    config["module"] = "zoo.unheard_of.model"
    (saved / "config.json").write_text(json.dumps(config))
    with pytest.raises(InputError, match="needs zoo.unheard_of.model"):
        preset.load(saved)


def test_only_a_saved_model_is_replaced(saved, model, tmp_path):
    (saved / "scatter.png").write_bytes(b"old")
    preset.save(model, saved)
    assert not (saved / "scatter.png").exists() and not (saved / "card.json").exists()
    other = tmp_path / "mine"
    other.mkdir()
    preset.save(model, other)  # an empty directory is free
    (other / "model.weights.h5").unlink()
    with pytest.raises(InputError, match="will not be replaced"):
        preset.save(model, other)
    assert (other / "config.json").exists()


def test_a_failed_save_leaves_the_old_one(saved, model):
    before = (saved / "card.json").read_text()
    with pytest.raises(TypeError):
        preset.save(model, saved, card={"name": object()})
    assert (saved / "card.json").read_text() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_an_unbuilt_model_is_refused(tmp_path):
    with pytest.raises(InputError, match="not built"):
        zoo.save(keras.Sequential([keras.layers.Dense(1)]), tmp_path / "unbuilt")


def test_a_model_without_a_loss_says_so(saved):
    with pytest.raises(InputError, match="has no loss: it holds a keras"):
        zoo.loss(saved)


def test_the_loss_is_that_of_the_model_class(tmp_path):
    model = QualityNetLite()
    zoo.save(model, tmp_path / "lite")
    pair = np.random.uniform(-0.1, 0.1, (2, 2, 8000)).astype("float32")
    for source in (tmp_path / "lite", f"{tmp_path}/lite"):
        loss = zoo.loss(source)
        assert isinstance(loss, QualityNetLoss) and not loss.metric.trainable
        quality = (predict(model, [*pair]) + 0.5) / 5
        np.testing.assert_allclose(loss.call(*pair), (1 - quality) ** 2, rtol=1e-4)


def test_loading_sets_no_warning_filter_of_the_process(saved, monkeypatch):
    filters, original = [], keras.saving.load_model
    spy = lambda *a, **k: filters.append(list(warnings.filters)) or original(*a, **k)
    monkeypatch.setattr(keras.saving, "load_model", spy)
    preset.load(saved)
    assert filters == [list(warnings.filters)]
