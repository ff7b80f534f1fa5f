"""`model.onnx` of a checkpoint: its networks for onnxruntime, written by TensorFlow and tf2onnx, read without a backend.

The file holds the networks that a model's `onnx_networks` names, as one graph: with an output for each, of the network's
name, or with the outputs of a network that names several. Batch and time may be of any size. Beside them it has the class
that runs them (`zoo.nn.inference.OnnxModel`) and its settings.
"""

import importlib
import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.files import atomic_write
from zoo.checkpoint import integrity, registry
from zoo.checkpoint.card import read_card, write_card
from zoo.errors import InputError, extras, first_line
from zoo.nn.inference import Network, OnnxModel

FILE = "model.onnx"
OPSET = 18  # of ONNX
SMALL = 1_000_000  # numbers of a network that a training writes for onnxruntime too
_TOLERANCE = 1e-4  # of outputs, relative to each one's largest
_BATCHES = ((1, 1.0), (1, 1.7), (3, 1.3))  # of the check: how many, and how many times as long as:
_SAMPLES, _FRAMES = 9000, 60  # of waveforms, which have one channel, and of spectra


def load(source: str | os.PathLike, offline: bool = False) -> OnnxModel:
    """A checkpoint on onnxruntime.

    Args:
        source, offline: as for `zoo.load`.

    Returns:
        Model with the methods on NumPy arrays of the Keras model, such as `score`.

    Raises:
        InputError: as for `registry.resolve`; the checkpoint has no model.onnx, or it is damaged or not of this version.

    Example:
        >>> load("jnd-22k").sample_rate
        22050
    """
    directory = registry.checked(source, offline)
    if not (directory / FILE).is_file():
        raise InputError(f'{os.fspath(source)!r} has no {FILE}: load it with runtime="keras" (--runtime keras)')
    try:
        network = Network(directory / FILE)
        module, _, name = network.settings["class"].rpartition(".")
        settings = json.loads(network.settings["settings"])
    except Exception as error:  # noqa: BLE001 - of onnxruntime, which has no errors in common, and of JSON
        raise InputError(f"{directory / FILE} is damaged, get it again: {first_line(error)}") from None
    if not module.startswith("zoo."):
        raise InputError(f"{directory / FILE} names {module}, which is no module of the zoo: get it again")
    return getattr(importlib.import_module(module), name)(network, **settings)


def is_writable(model: Any) -> bool:
    """Whether a model has a small network that `write` can write here.

    Example:
        >>> is_writable(zoo.load("chandna-4stem-large-44k"))
        False
    """
    import keras

    runs_there = getattr(model, "onnx_class", None) is not None and model.count_params() <= SMALL
    return runs_there and keras.backend.backend() == "tensorflow" and find_spec("tf2onnx") is not None


def write(model: Any, directory: str | os.PathLike) -> Path:
    """Write a model's networks beside its weights, check them, and name the file in the card.

    Args:
        model: of the checkpoint, on the TensorFlow backend.
        directory: of the checkpoint.

    Returns:
        Path of the file.

    Raises:
        InputError: Keras runs on another backend, the extra `onnx` is not installed, the model is none that runs on
            onnxruntime or that the converter takes, or the networks give other values there.

    Example:
        >>> write(zoo.load("my-metric/"), "my-metric/")  # takes seconds  # doctest: +SKIP
    """
    directory, target = Path(directory), Path(directory) / FILE
    content = encode(model)
    with atomic_write(target) as part:
        part.write_bytes(content)
        check(model, Network(part))
    card = read_card(directory)
    if card is None:
        integrity.write_checksums(directory)
    else:
        write_card(directory, card)
    return target


def encode(model: Any) -> bytes:
    """A model's networks as the content of a file of ONNX.

    Raises:
        InputError: as for `write`.
    """
    import keras

    from zoo import backend

    if getattr(model, "onnx_class", None) is None:
        raise InputError(f"{type(model).__name__} runs on Keras alone: give it `onnx_class`, as ours have")
    if keras.backend.backend() != "tensorflow":
        raise InputError(f"Keras runs on {keras.backend.backend()}; write {FILE} with KERAS_BACKEND=tensorflow")
    import tensorflow as tf

    networks = {name: _plain(getattr(model, name)) for name in model.onnx_networks}
    # Networks that take the same share it.
    inputs = list({x.name: x for network in networks.values() for x in network.inputs}.values())
    specs = [tf.TensorSpec(x.shape, x.dtype, x.name) for x in inputs]

    def outputs(*values):
        named = dict(zip((x.name for x in inputs), values, strict=True))
        results = {name: _call(network, [named[x.name] for x in network.inputs]) for name, network in networks.items()}
        return _by_output(results)

    try:
        with backend.unbranched():
            converted = to_onnx(tf.function(outputs, input_signature=specs), specs)
    except InputError:
        raise
    except Exception as error:  # of a converter that has no errors of its own
        raise InputError(f"the converter does not take {type(model).__name__}: {first_line(error)}") from error
    kind = model.onnx_class
    facts = {
        "class": f"{kind.__module__}.{kind.__name__}",
        "settings": json.dumps({name: getattr(model, name) for name in kind.settings}),
    }
    for key, value in facts.items():
        converted.metadata_props.add(key=key, value=value)
    return converted.SerializeToString()


def _by_output(results):
    """{output: value} of {network: its output, or a dict of several}."""
    flat = {}
    for name, result in results.items():
        flat |= result if isinstance(result, dict) else {name: result}
    return flat


def _call(network, inputs):
    return network(inputs if len(inputs) > 1 else inputs[0], training=False)


def _plain(network):
    """A network without power iterations."""
    from zoo.nn.layers import SpectralNormalization, fold_spectral_normalization

    normalised = any(isinstance(layer, SpectralNormalization) for layer in network.layers)
    return fold_spectral_normalization(network) if normalised else network


def to_onnx(function: Any, specs: list) -> Any:
    """A traced function of TensorFlow as a graph of ONNX, with its names of inputs and outputs.

    Args:
        function: tf.function with this input signature, to {name: tensor}.
        specs: list of tf.TensorSpec with names.

    Returns:
        onnx.ModelProto.

    Raises:
        InputError: a package of the extra `onnx` is not installed.
    """
    with extras():
        import tf2onnx
    handlers = {"BlockLSTMV2": (_block_lstm, [])}
    return tf2onnx.convert.from_function(function, input_signature=specs, opset=OPSET, custom_op_handlers=handlers)[0]


def _block_lstm(graph, node, *_, **__):
    """TensorFlow's BlockLSTMV2 of (time, batch, channels), from a state of zeros, as ONNX's LSTM.

    The gates of the one are in the order input, forget, cell, output, those of the other input, output, forget, cell.
    """
    x, kernel, bias, hidden = node.input[1], node.input[4], node.input[8], node.output[6]
    channels, units = graph.get_shape(x)[2], graph.get_shape(bias)[0] // 4

    def op(kind, inputs, **attributes):
        return graph.make_node(kind, inputs, attr=attributes).output[0]

    def const(values):
        return graph.make_const(f"{node.name}_{len(graph.get_nodes())}", values).output[0]

    order = const(np.concatenate([units * gate + np.arange(units) for gate in (0, 3, 1, 2)]))
    rows = op("Transpose", [op("Gather", [kernel, order], axis=1)], perm=[1, 0])
    first, last = const(np.arange(channels)), const(channels + np.arange(units))
    weights = [
        op("Unsqueeze", [op("Gather", [rows, places], axis=1), const(np.array([0]))]) for places in (first, last)
    ]
    biases = [op("Gather", [bias, order], axis=0), const(np.zeros(4 * units, "float32"))]
    both = op("Unsqueeze", [op("Concat", biases, axis=0), const(np.array([0]))])
    output = op("LSTM", [x, *weights, both], hidden_size=units)
    graph.remove_node(node.name)
    graph.make_node("Squeeze", [output, const(np.array([1]))], outputs=[hidden])


def check(model: Any, network: Network) -> None:
    """Compare networks on onnxruntime with those of a Keras model, for several sizes of batch and time.

    Raises:
        InputError: a value differs by more than 1e-4 of its output's largest.
    """
    import keras

    for name in model.onnx_networks:
        expected_of = getattr(model, name)
        for batch in _BATCHES:
            inputs = _noise(expected_of.inputs, *batch)
            for output, value in _by_output({name: _call(expected_of, list(inputs.values()))}).items():
                expected, actual = keras.ops.convert_to_numpy(value), network.run(output, **inputs)
                if not np.allclose(expected, actual, rtol=0, atol=_TOLERANCE * np.abs(expected).max()):
                    raise InputError(f"{FILE}: its {output} differs from the Keras model's")


def _noise(symbols, count, length):
    """Inputs of a network, {name: array}: noise, the same each time, and times that count."""
    rng, inputs = np.random.default_rng(0), {}
    time = int(length * (_SAMPLES if symbols[0].shape[-1] == 1 else _FRAMES))
    for x in symbols:
        if x.dtype == "int32":
            inputs[x.name] = np.linspace(time, 0.8 * time, count).astype("int32")
        else:
            shape = [count, *(time if size is None else size for size in x.shape[1:])]
            inputs[x.name] = np.abs(rng.standard_normal(shape)).astype("float32")
    return inputs
