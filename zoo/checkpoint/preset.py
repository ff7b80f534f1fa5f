"""A checkpoint directory and a Keras model: saving, loading, verifying.

The directory is Keras's own unpacked layout: config.json, metadata.json, model.weights.h5. Beside them:
card.json, facts of the checkpoint with the sha256 of its files, or without facts checksums.json, their sha256 alone;
golden.npz, inputs and the output they give.
"""

import importlib
import math
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from zoo import backend
from zoo.base.files import beside
from zoo.checkpoint import integrity, registry
from zoo.checkpoint.card import write_card
from zoo.errors import InputError, first_line

# Backends and devices sum in different orders: a correct model differs from its golden by less than this.
GOLDEN_RTOL = 1e-3
GOLDEN_ATOL = 1e-3


def save(
    model: keras.Model,
    directory: str | os.PathLike,
    card: dict | None = None,
    golden: Sequence[np.ndarray] | None = None,
) -> None:
    """Save a model as a checkpoint directory, in one step: the directory is whole or is not there.

    Args:
        model: A built keras.Model.
        directory: Where to. An empty directory or a saved model is replaced with all its files.
        card: Facts to write as card.json, a dict; `parameters` and `files` are filled in, and by a metric its range.
        golden: NumPy input arrays; they and the model's output on them become golden.npz.

    Raises:
        InputError: The directory holds something other than a saved model, or the model is not built.

    Example:
        >>> import tempfile
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(model, f"{folder}/my-model/", golden=[np.ones((2, 4), "float32")])
        ...     load(f"{folder}/my-model/", verify=True).count_params()
        5
    """
    if not model.built:
        raise InputError("The model is not built: call it on an input before saving it.")
    target = Path(directory).resolve()
    _check_replaceable(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = beside(target)
    try:
        keras.saving.save_model(model, fresh, zipped=False)
        if not any((fresh / "assets").iterdir()):
            (fresh / "assets").rmdir()
        if golden is not None:
            inputs = {f"input_{i}": np.asarray(array) for i, array in enumerate(golden)}
            np.savez_compressed(fresh / "golden.npz", **inputs, output=_output(model, golden))
        if card is not None:
            card = model.complete_card(card) if hasattr(model, "complete_card") else card
            write_card(fresh, {**card, "parameters": model.count_params()})
        else:
            integrity.write_checksums(fresh)
        _swap(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def load(
    source: str | os.PathLike, trainable: bool = False, verify: bool = False, offline: bool = False
) -> keras.Model:
    """Load a checkpoint; its files must match the sha256 in its card or its checksums.json, where it has one of them.

    The optimizer is not loaded.

    Args:
        source: As for `registry.resolve`: a bundled name, "hf://org/name", or a directory that `save` or
            `keras.saving.save_model(..., zipped=False)` wrote.
        trainable: False freezes every variable.
        verify: Also compute the golden output again: |output - golden| <= 1e-3 + 1e-3 |golden|.
        offline: Use the cache only for a checkpoint of the Hub.

    Returns:
        A keras.Model.

    Raises:
        InputError: As for `registry.resolve`, or a file is missing, damaged or not of this version, or the golden does
            not reproduce.

    Example:
        >>> load("dnn-mse-16k", verify=True).count_params()
        263681
    """
    directory = registry.checked(source, offline)
    _import_classes(directory)
    try:
        model = keras.saving.load_model(directory, compile=False)
    except Exception as error:  # Keras raises whatever its layers, h5py and Python do
        raise InputError(f"{directory} cannot be loaded by this version: {first_line(error)}") from error
    _check_complete(model, directory)
    model.trainable = trainable
    if verify:
        _check_golden(model, directory)
    return model


def _check_replaceable(target):
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if integrity.missing(target):
        raise InputError(f"{target} is not a saved model and will not be replaced: choose another directory.")


def _swap(fresh, target):
    """Put `fresh` where `target` is; the old directory is removed only once the new one stands, else it is put back."""
    old = beside(target)
    if target.exists():
        target.rename(old)
    try:
        fresh.rename(target)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(old, ignore_errors=True)


def _check_complete(model, directory):
    """Refuse a file with fewer weights than the model: Keras only warns of a layer that keeps random ones."""
    import h5py  # late: where Keras is missing too, Keras is what to install

    expected, sizes = 0, []
    for layer in model._flatten_layers():
        layer.save_own_variables(own := {})
        expected += sum(math.prod(value.shape) for value in own.values())
    with h5py.File(directory / "model.weights.h5") as file:
        file.visititems(lambda name, item: sizes.append(item.size) if isinstance(item, h5py.Dataset) else None)
    if sum(sizes) < expected:
        raise InputError(
            f"{directory} cannot be loaded by this version: its file of weights has {sum(sizes):,} numbers, the model "
            f"{expected:,}; get it again, or save it anew with the Keras that wrote it."
        )


def _import_classes(directory):
    """Import the modules of zoo that config.json names: Keras knows only classes that are imported."""
    config = integrity.read_json(directory, "config.json")
    for name in sorted(_modules(config)):
        if name.startswith("zoo."):
            try:
                importlib.import_module(name)
            except ModuleNotFoundError as error:
                raise InputError(f"{directory} needs {name}, which this version of zoo does not have.") from error


def _modules(config):
    """Every `module` in a nested Keras config."""
    if isinstance(config, dict):
        own = {config["module"]} if isinstance(config.get("module"), str) else set()
        return own.union(*map(_modules, config.values()))
    return set().union(*map(_modules, config)) if isinstance(config, list) else set()


def _check_golden(model, directory):
    if not (directory / "golden.npz").is_file():
        raise InputError(f"{directory} has no golden.npz: load it without verify.")
    with np.load(directory / "golden.npz", allow_pickle=False) as golden:
        inputs = [golden[f"input_{i}"] for i in range(len(golden.files) - 1)]
        expected = golden["output"]
    actual = _output(model, inputs)
    if not np.allclose(actual, expected, rtol=GOLDEN_RTOL, atol=GOLDEN_ATOL, equal_nan=True):
        raise InputError(
            f"{directory} does not reproduce its golden output: largest difference "
            f"{np.max(np.abs(actual - expected)):.2g}; report it with your versions of Keras and its backend."
        )


def _output(model, inputs):
    """A model's output; several outputs are flattened and concatenated."""
    inputs = inputs if len(inputs) > 1 else inputs[0]
    # JAX would compile every operation of a call by itself, which takes longer than the model as a whole.
    outputs = backend.predict(model, inputs) if backend.jit() else model(inputs, training=False)
    if isinstance(outputs, (list, tuple)):
        return np.concatenate([keras.ops.convert_to_numpy(output).ravel() for output in outputs])
    return keras.ops.convert_to_numpy(outputs)
