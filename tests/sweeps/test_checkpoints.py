"""Every bundled checkpoint: whole, documented, reproducible, read by Keras on both backends."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

import zoo
from tests.support.checkpoints import (
    CARDS,
    NAMES,
    QUICKEST,
    REPRESENTATIVES,
    golden_inputs,
    load,
    swept,
    swept_architectures,
)
from tests.support.harness import check_batch_invariance, check_padding_invariance, check_save_load, predict
from zoo.checkpoint import integrity, registry
from zoo.checkpoint.card import card_flaws
from zoo.families import FAMILIES

# Random networks on spectrograms: no waveforms, and nothing to train.
ENSEMBLES = [name for name in NAMES if CARDS[name]["architecture"] == "RandomConvEnsemble"]

KERAS_ONLY = """
import importlib, re, sys
from pathlib import Path
import keras
import numpy as np
for directory in sys.argv[1:]:
    config = Path(directory, "config.json").read_text()
    for module in set(re.findall(r'"module": *"(zoo[.][.\\w]+)"', config)):
        importlib.import_module(module)
    golden = np.load(directory + "/golden.npz")
    inputs = [golden[f"input_{i}"] for i in range(len(golden.files) - 1)]
    model = keras.saving.load_model(directory)
    output = model(inputs if len(inputs) > 1 else inputs[0])
    if isinstance(output, list):
        output = np.concatenate([keras.ops.convert_to_numpy(one).ravel() for one in output])
    output = keras.ops.convert_to_numpy(output)
    np.testing.assert_allclose(output, golden["output"], rtol=1e-3, atol=1e-3)
print(keras.backend.backend(), len(sys.argv) - 1)
"""


@pytest.fixture(params=swept(NAMES))
def name(request):
    return request.param


@pytest.fixture
def model(name):
    return load(name)


@pytest.fixture
def waveforms(name):
    if name in ENSEMBLES:
        pytest.skip("takes spectrograms; tests/texture/test_model.py has its properties")
    inputs = golden_inputs(name)
    if len(inputs[0]) > 1:
        return inputs
    return [np.concatenate([x, x[:, ::-1]]) for x in inputs]


def test_every_family_has_checkpoints():
    assert NAMES and {card["family"] for card in CARDS.values()} == set(FAMILIES)


def test_the_fast_suite_has_every_architecture():
    architectures = [CARDS[name]["architecture"] for name in REPRESENTATIVES]
    assert sorted(architectures) == sorted({card["architecture"] for card in CARDS.values()})


@pytest.mark.parametrize("name", NAMES)
def test_the_card_is_complete(name):
    card = zoo.info(name)
    assert card["name"] == name
    assert card_flaws(card) == ([], [])
    assert set(card["files"]) == set(integrity.digests(registry.resolve(name))) >= set(integrity.PUBLISHED_FILES)
    for text in (card["description"], card["data"], *card["licence"].values(), card["training"]["command"]):
        assert text.strip() and "\n" not in text
    assert len(card["training"]["commit"]) >= 7 and len(card["evaluation"]["commit"]) >= 7


def test_the_card_agrees_with_the_model(name, model):
    card = zoo.info(name)
    assert card["parameters"] == model.count_params()
    assert card["sample_rate"] == model.sample_rate
    assert card["architecture"] == type(model).__name__


@pytest.mark.on_torch
def test_batch_invariance(model, waveforms):
    check_batch_invariance(model, waveforms)


@pytest.mark.on_torch
def test_padding_invariance(model, waveforms):
    check_padding_invariance(model, waveforms)


@pytest.mark.parametrize("name", swept_architectures(NAMES), indirect=True)
def test_save_load(model, waveforms, tmp_path):
    check_save_load(model, waveforms, tmp_path / "again")


@pytest.mark.on_torch
@pytest.mark.parametrize("name", swept_architectures(NAMES), indirect=True)
def test_trainable_only_when_asked(name, model):
    assert model.trainable_variables == []
    assert bool(zoo.load(name, trainable=True).trainable_variables) == (name not in ENSEMBLES)


@pytest.mark.on_torch
def test_silence_and_full_scale_are_finite(model, waveforms):
    *reference, other = waveforms
    for signal in (np.zeros_like(other), np.ones_like(other), np.sign(other)):
        assert np.all(np.isfinite(predict(model, [*reference, signal])))


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", pytest.param("jax", marks=pytest.mark.jax)])
def test_keras_reads_them_on_both_backends(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    # On JAX each has seconds of XLA's compiler.
    names = sorted(REPRESENTATIVES if backend == "tensorflow" else QUICKEST)
    directories = [str(registry.resolve(name)) for name in names]
    done = subprocess.run(
        [sys.executable, "-c", KERAS_ONLY, *directories],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": backend},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == [backend, str(len(names))]


@pytest.mark.parametrize("name", NAMES)
def test_files_are_pinned(name):
    """The card's sha256 are of these files: one byte more and loading refuses."""
    directory = registry.resolve(name)
    pinned = json.loads((directory / "card.json").read_text())["files"]
    assert pinned == {file: integrity.sha256(directory / file) for file in pinned}
