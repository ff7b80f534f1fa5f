"""Every bundled checkpoint, on both backends: whole, documented, reproducible, frozen, read by Keras."""

import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from harness import check_batch_invariance, check_frozen, check_padding_invariance, check_save_load, predict

import zoo
from zoo import preset, registry

NAMES = zoo.list()
CARD_KEYS = {
    "": {
        "name", "family", "architecture", "description", "sample_rate", "metric", "parameters", "files",
        "licence", "data", "training", "evaluation", "departures", "limits",
    },
    "metric": {"name", "mode", "range", "higher_is_better"},
    "licence": {"code", "weights", "data"},
    "training": {"command", "commit", "seed", "versions", "minutes", "machine"},
    "evaluation": {"command", "commit", "data", "results"},
}  # fmt: skip

KERAS_ONLY = """
import sys
import keras, zoo.quality_net.model
import numpy as np
for directory in sys.argv[1:]:
    golden = np.load(directory + "/golden.npz")
    inputs = [golden[f"input_{i}"] for i in range(len(golden.files) - 1)]
    output = keras.ops.convert_to_numpy(keras.saving.load_model(directory)(inputs))
    np.testing.assert_allclose(output, golden["output"], rtol=1e-3, atol=1e-3)
print(keras.backend.backend(), len(sys.argv) - 1)
"""


@pytest.fixture(scope="module", params=NAMES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def model(name):
    return zoo.load(name, verify=True)


@pytest.fixture(scope="module")
def waveforms(name):
    """Reference and degraded, (batch, samples), of the golden."""
    with np.load(registry.resolve(name) / "golden.npz") as golden:
        return [golden["input_0"], golden["input_1"]]


def test_there_are_checkpoints():
    assert NAMES


def test_the_card_is_complete(name):
    card = zoo.info(name)
    assert card["name"] == name
    for part, keys in CARD_KEYS.items():
        assert keys <= set(card[part] if part else card), part or "card"
    assert set(card["files"]) == {*preset.KERAS_FILES, "golden.npz"}
    for text in (card["description"], card["data"], *card["licence"].values(), card["training"]["command"]):
        assert text.strip() and "\n" not in text
    assert len(card["training"]["commit"]) >= 7 and len(card["evaluation"]["commit"]) >= 7


def test_every_result_has_intervals(name):
    results = zoo.info(name)["evaluation"]["results"]
    assert {"all", "noisy", "enhanced", "clean"} <= set(results)
    for group, result in results.items():
        assert result["n"] > 0 and result["n_failed"] >= 0, group
        for statistic in ("pearson", "spearman", "rmse", "mae"):
            # Clean pairs all have the same true score: no correlation is defined there.
            value, low, high = (np.nan if figure is None else figure for figure in result[statistic])
            assert low <= value <= high or (group == "clean" and np.isnan(value)), (group, statistic)


def test_the_card_agrees_with_the_model(name, model):
    card = zoo.info(name)
    assert card["parameters"] == model.count_params()
    assert card["sample_rate"] == model.sample_rate


def test_frozen_while_the_gradient_passes(name, model, waveforms):
    reference, degraded = waveforms
    assert model.trainable_variables == []
    loss = zoo.loss(name)

    class Distortion(keras.layers.Layer):
        def build(self, shape):
            self.amount = self.add_weight(shape=(), initializer="zeros")

        def call(self, x):
            return x + self.amount * keras.ops.abs(x)

    enhancer = keras.Sequential([keras.Input((None,)), Distortion()])
    enhancer.compile(keras.optimizers.Adam(1e-2), loss=loss)
    check_frozen(loss.metric, lambda: enhancer.fit(degraded, reference, epochs=2, batch_size=1, verbose=0))
    (amount,) = enhancer.get_weights()
    assert np.isfinite(amount) and amount != 0


def test_batch_invariance(model, waveforms):
    reference, degraded = waveforms
    pairs = [np.concatenate([reference, reference]), np.concatenate([degraded, reference])]
    check_batch_invariance(model, pairs)


def test_padding_invariance(model, waveforms):
    check_padding_invariance(model, waveforms)


def test_save_load(model, waveforms, tmp_path):
    check_save_load(model, waveforms, tmp_path / "again")


def test_trainable_when_asked(name):
    assert len(zoo.load(name, trainable=True).trainable_variables) > 0


def test_silence_and_full_scale_are_finite(model, waveforms):
    reference, _ = waveforms
    for signal in (np.zeros_like(reference), np.ones_like(reference), np.sign(reference)):
        assert np.all(np.isfinite(predict(model, [reference, signal])))


@pytest.mark.parametrize("backend", ["tensorflow", pytest.param("jax", marks=pytest.mark.slow)])
def test_keras_reads_them_on_both_backends(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    directories = [str(registry.resolve(name)) for name in NAMES]
    done = subprocess.run(
        [sys.executable, "-c", KERAS_ONLY, *directories],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": backend},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == [backend, str(len(NAMES))]


def test_files_are_pinned(name):
    """The card's sha256 are of these files: one byte more and loading refuses."""
    directory = registry.resolve(name)
    pinned = json.loads((directory / "card.json").read_text())["files"]
    assert pinned == {file: preset.sha256(directory / file) for file in pinned}
