"""SavedModels for TF Serving: signatures of any batch and length, checked in a process that imports TensorFlow alone."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo.errors import InputError
from zoo.serving import warmup
from zoo.serving.signatures import ServingModel, compare

_PROBE = Path(__file__).with_name("_probe.py")  # run by a Python that imports TensorFlow alone


def export(source, directory, version=1, xla=False, verify=False):
    """Export a checkpoint as `<directory>/<version>/`, a SavedModel, and check it.

    Signatures, of any batch size and length:

    - `serving_default`: waveforms float32 (batch, samples) at the checkpoint's rate, all samples count;
    - `lengths`: the same and `lengths`, int32 (batch,), samples that count, at most those that there are: for padded
      batches, whatever the padding;
    - `wav`: WAV files instead, string (batch,): 16 bits, one channel, and the checkpoint's rate, else an error says so.
      A pair must be of one length; outputs with an axis of samples are zero after each file's end;
    - `stream`, of a causal enhancer alone: `block`, float32 (batch, samples), a multiple of the model's hop, and `state`,
      float32 (batch, numbers), zeros at the start. It gives `enhanced`, of the shape of `block` and a hop late
      (leave the first hop of a stream out), and the `state` for the next block.

    Inputs of a call that differ in shape, and lengths of another batch size, are refused by the graph.

    | family | inputs | outputs |
    | --- | --- | --- |
    | quality_net | `reference`, `degraded` | the metric's name, (batch,); NaN for silence, and below 0.5 s |
    | jnd | `reference`, `degraded` | `distance`, `probability`, (batch,); NaN without samples |
    | enhancement | `waveform` | `enhanced`, (batch, samples) |
    | separation | `waveform` | each source, (batch, samples) |
    | texture: a classifier | `waveform` | `probabilities`, (batch, classes); NaN for silence |
    | texture: an ensemble | `spectrogram` (batch, frames, 257), no `wav` | `features_<i>` and `gram_<i>` of each bank |

    For two batch sizes and three lengths, every signature is compared with the Keras model, after TensorFlow's loader of
    SavedModels for sessions took it; the graph must hold no operation of cuDNN, of Python, or in float64.

    `assets.extra/tf_serving_warmup_requests` has a request to each signature, which TF Serving answers for itself first.

    From then on this process sees no GPU: a recurrent layer that is traced where one is in sight becomes cuDNN's, which
    no CPU can load. `zoo export` is a process of its own.

    Args:
        source: as for `zoo.load`.
        directory: of all versions of the model; created where missing.
        version: a positive integer; TF Serving serves the highest.
        xla: let XLA compile the signatures, for each batch size and length anew; there is no `wav` then.
        verify: also compute the checkpoint's golden output again and compare.

    Returns:
        {"directory": Path, "signatures": {name: {"inputs": [...], "outputs": [...]}}, "megabytes": float}.

    Raises:
        InputError: the version is there already, Keras runs on another backend than TensorFlow, a GPU is in use, or the
            exported model fails a check; then nothing is left.

    Example:
        >>> export("jnd-22k", "models/jnd-22k")  # takes half a minute  # doctest: +SKIP
    """
    if not isinstance(version, int) or version < 1:
        raise InputError(f"version is {version!r}; give a positive integer")
    target = Path(directory) / str(version)
    if target.exists():
        raise InputError(f"{target}: exists; give another version")
    served = ServingModel(source, verify)
    with tempfile.TemporaryDirectory() as outside:
        signatures = _checked(Path(outside) / "saved", served, xla)
        size = sum(path.stat().st_size for path in Path(outside).rglob("*") if path.is_file())
        _place(Path(outside) / "saved", target)
    return {"directory": target, "signatures": signatures, "megabytes": size / 1e6}


def write(directory, served, xla=False):
    """Write a `ServingModel` as a SavedModel, unchecked.

    Args:
        directory: to create.
        served: a `zoo.serving.signatures.ServingModel`.
        xla: as for `export`.

    Example:
        >>> write("saved", ServingModel("jnd-22k"))  # takes seconds  # doctest: +SKIP
    """
    archive = keras.export.ExportArchive()  # finds the variables by the signatures; it would write tracked ones twice
    for name, (function, inputs) in served.signatures.items():
        if not xla:
            archive.add_endpoint(name, function, input_signature=inputs)
        elif name != "wav":  # XLA reads no files
            archive.add_endpoint(name, tf.function(function, jit_compile=True), input_signature=inputs)
    archive.write_out(directory, verbose=False)


def _checked(directory, served, xla):
    """A SavedModel that gives what the Keras model does, with warm-up requests; its signatures."""
    write(directory, served, xla)
    signatures = _check(directory, served)
    inputs, _ = served.checks[0]
    warmup.write(directory, signatures, inputs, served.sample_rate)
    return signatures


def _place(directory, target):
    """Move a SavedModel to where it is served, in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))  # TF Serving ignores such a name
    try:
        shutil.copytree(directory, fresh, dirs_exist_ok=True)
        fresh.chmod(0o755)
        fresh.rename(target)
    except OSError:
        if target.exists():
            raise InputError(f"{target}: exists; give another version") from None
        raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _check(directory, served):
    """Compare a SavedModel with what the Keras model gives; its signatures."""
    with tempfile.TemporaryDirectory() as folder:
        for i, (inputs, _) in enumerate(served.checks):
            np.savez(Path(folder) / f"inputs_{i}.npz", **inputs)
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        # -P: no module of the zoo is in sight.
        command = [sys.executable, "-P", str(_PROBE), str(directory), folder, str(served.sample_rate)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"its check ended with status {done.returncode}"]
            raise InputError(f"the exported model fails: {lines[-1]}")
        signatures = json.loads((Path(folder) / "signatures.json").read_text())
        for i, (_, expected) in enumerate(served.checks):
            with np.load(Path(folder) / f"outputs_{i}.npz") as outputs:
                compare({name: x for name, x in expected.items() if name.split("/")[0] in signatures}, outputs)
        return signatures
