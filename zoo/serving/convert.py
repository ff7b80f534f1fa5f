"""Checkpoints as one file, for TensorFlow Lite or ONNX Runtime: the same signatures, compared with the Keras model."""

import re
import tempfile
from pathlib import Path

import numpy as np
import onnxruntime
import tensorflow as tf

from zoo import backend
from zoo.base.files import atomic_write
from zoo.checkpoint import network
from zoo.errors import InputError
from zoo.serving import export
from zoo.serving.signatures import ServingModel, compare

_SIGNATURES = {"tflite": ("serving_default", "lengths"), "onnx": ("lengths",)}  # that a file has


def convert(source, path, to):
    """Convert a checkpoint to a file of TensorFlow Lite or ONNX, and check it.

    TensorFlow Lite's has the signatures `serving_default` and `lengths` of `zoo.serving.export.export`; of a causal
    enhancer `stream` alone, of one hop, because loops over a whole recording would need the Flex delegate. ONNX's has the
    inputs and outputs of `lengths`. Any batch size and length. Spectra are products with a matrix in it and LSTMs are
    Keras's loops: neither format has the transforms, nor TensorFlow's LSTM. The check is that of `export`, by the runtime
    itself.

    Args:
        source: as for `zoo.load`.
        path: of the file to write.
        to: "tflite", or "onnx", which needs the packages of the extra `onnx`.

    Returns:
        {"path": Path, "megabytes": float, "needs": sorted list of the TensorFlow operations that are left in a file for
        TensorFlow Lite, which then runs with the Flex delegate only}.

    Raises:
        InputError: the path exists, the converter cannot take the model, or it fails the check, as where the interpreter
            of this TensorFlow has no Flex delegate and the model needs it (2.17 has it, 2.21 not); then nothing is left.

    Example:
        >>> convert("jnd-22k", "jnd.tflite", "tflite")["needs"]  # takes seconds  # doctest: +SKIP
        []
    """
    path = Path(path)
    if path.exists():
        raise InputError(f"{path}: exists; give another name")
    if not path.parent.is_dir():
        raise InputError(f"{path.parent}: no such folder; make it first")
    into, run = {"tflite": (_to_tflite, _run_tflite), "onnx": (_to_onnx, _run_onnx)}[to]
    served = ServingModel(source, one_hop=to == "tflite")
    try:
        with backend.portable_operations():
            content = into(served)
    except InputError:
        raise
    except Exception as error:  # the converters have no errors in common
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(f"the converter does not take {source}: {reason}") from error
    signatures = _signatures(served, to)
    for inputs, expected in served.checks:
        compare({name: x for name, x in expected.items() if name.split("/")[0] in signatures}, run(content, inputs))
    with atomic_write(path, overwrite=False) as part:
        part.write_bytes(content)
    needs = sorted({name.decode() for name in re.findall(rb"Flex(\w+)", content)}) if to == "tflite" else []
    return {"path": path, "megabytes": len(content) / 1e6, "needs": needs}


def _signatures(served, to):
    """Names of the signatures that the file of a runtime has."""
    return ("stream",) if to == "tflite" and "stream" in served.signatures else _SIGNATURES[to]


def _to_tflite(served):
    with tempfile.TemporaryDirectory() as folder:
        export.write(folder, served)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=_signatures(served, "tflite"))
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
        return converter.convert()


def _run_tflite(content, inputs):
    interpreter, outputs = tf.lite.Interpreter(model_content=content), {}
    try:
        for name in interpreter.get_signature_list():
            runner = interpreter.get_signature_runner(name)
            results = runner(**{key: inputs[key] for key in runner.get_input_details()})
            outputs |= {f"{name}/{key}": value for key, value in results.items()}
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(f"the interpreter of TensorFlow {tf.__version__} does not run the file: {reason}") from None
    return outputs


def _to_onnx(served):
    function, specs = served.signatures["lengths"]
    function = tf.function(function, input_signature=specs)
    return network.to_onnx(function, specs).SerializeToString()


def _run_onnx(content, inputs):
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    results = session.run(None, {one.name: inputs[one.name] for one in session.get_inputs()})
    names = [one.name for one in session.get_outputs()]
    return {f"lengths/{name}": np.asarray(value) for name, value in zip(names, results, strict=True)}
