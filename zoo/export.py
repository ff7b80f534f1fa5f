"""SavedModels for TF Serving: signatures of any batch and length, checked in a process that imports TensorFlow alone.

Here TensorFlow is the point: what is exported holds its core operations only, and no Keras.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo import integrity, preset, registry, warmup
from zoo.errors import InputError
from zoo.layers import SpectralNormalization, fold_spectral_normalization

TOLERANCE = 1e-3  # of exported outputs, relative to each one's largest
_BATCHES = ((1, 0.6), (1, 1.1), (3, 0.9))  # of the check: how many, and of how many seconds
_PROBE = Path(__file__).with_name("_probe_export.py")  # run by a Python that imports TensorFlow alone


def export(source, directory, version=1):
    """Export a checkpoint as `<directory>/<version>/`, a SavedModel, and check it.

    Signatures, of any batch size and length:

    - `serving_default`: waveforms float32 (batch, samples) at the checkpoint's rate, all samples count;
    - `lengths`: the same and `lengths`, int32 (batch,), samples that count, at most those that there are: for padded
      batches, whatever the padding;
    - `wav`: WAV files instead, string (batch,): 16 bits, one channel, and the checkpoint's rate, else an error says so.
      A pair must be of one length; outputs with an axis of samples are zero after each file's end.

    | family | inputs | outputs |
    | --- | --- | --- |
    | quality_net | `reference`, `degraded` | the metric's name, (batch,); NaN for silence, and below 0.5 s |
    | jnd | `reference`, `degraded` | `distance`, `probability`, (batch,); NaN without samples |
    | enhancement | `waveform` | `enhanced`, (batch, samples) |
    | separation | `waveform` | each source, (batch, samples) |
    | texture: a classifier | `waveform` | `probabilities`, (batch, classes); NaN for silence |
    | texture: an ensemble | `spectrogram` (batch, frames, 257), no `wav` | `features_<i>` and `gram_<i>` of each bank |

    For two batch sizes and three lengths, every signature is set beside the Keras model, after TensorFlow's loader of
    SavedModels for sessions took it; the graph must hold no operation of cuDNN, of Python, or in float64.

    `assets.extra/tf_serving_warmup_requests` has a request to each signature, which TF Serving answers for itself first.

    From then on this process sees no GPU: a recurrent layer that is traced where one is in sight becomes cuDNN's, which
    no CPU can load. `zoo export` is a process of its own.

    Args:
        source: as for `zoo.load`.
        directory: of all versions of the model; made where missing.
        version: a positive integer; TF Serving serves the highest.

    Returns:
        {"directory": Path, "signatures": {name: {"inputs": [...], "outputs": [...]}}, "megabytes": float}.

    Raises:
        InputError: the version is there already, Keras runs on another backend than TensorFlow, a GPU is in use, or the
            exported model fails a check; then nothing is left.

    Example:
        >>> export("jnd-22k", "models/jnd-22k")  # doctest: +SKIP
    """
    if not isinstance(version, int) or version < 1:
        raise InputError(f"version is {version!r}; give a positive integer")
    target = Path(directory) / str(version)
    if target.exists():
        raise InputError(f"{target}: exists; give another version")
    if keras.backend.backend() != "tensorflow":
        raise InputError(f"Keras runs on {keras.backend.backend()}; export with KERAS_BACKEND=tensorflow")
    _hide_gpus()
    checkpoint = registry.resolve(source)
    model = preset.load(checkpoint)
    if not hasattr(model, "serve"):
        raise InputError(
            f"{source!r} holds a {type(model).__name__}: give it `serve` and `serving_inputs`, as ours have"
        )
    with tempfile.TemporaryDirectory() as outside:
        told = _write(Path(outside) / "saved", model, _score_name(checkpoint))
        size = sum(path.stat().st_size for path in Path(outside).rglob("*") if path.is_file())
        _place(Path(outside) / "saved", target)
    return {"directory": target, "signatures": told, "megabytes": size / 1e6}


def _write(directory, model, score_name):
    """A checked SavedModel; its signatures."""
    served = _server(model, score_name)
    checks = [(batch, _expected(served, *batch)) for batch in _batches(model)]
    if any(isinstance(layer, SpectralNormalization) for layer in getattr(model, "core", model).layers):
        model.core = fold_spectral_normalization(model.core)
    archive = keras.export.ExportArchive()  # finds the variables by the signatures; tracked ones it would keep twice
    for name, (function, inputs) in _signatures(model, served).items():
        archive.add_endpoint(name, function, input_signature=inputs)
    archive.write_out(directory, verbose=False)
    told = _check(directory, model, checks)
    (inputs, lengths), _ = checks[0]
    named = dict(zip(model.serving_inputs, inputs, strict=True))
    warmup.write(directory, told, named, lengths, model.sample_rate)
    return told


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


def _hide_gpus():
    """Traced where a GPU is in sight, a recurrent layer becomes cuDNN's, which no CPU can load."""
    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:
        if tf.config.get_visible_devices("GPU"):
            raise InputError("a GPU is in use already: export in a process of its own (zoo export)") from None


def _score_name(checkpoint):
    """What a Quality-Net's score is called: the metric's name of its card."""
    metric = (integrity.read_card(checkpoint) or {}).get("metric")
    return re.sub(r"\W+", "_", metric["name"]) if metric else "score"


def _server(model, score_name):
    """What every signature ends in: (inputs, lengths) -> {name: float32}."""

    def served(inputs, lengths):
        samples = tf.shape(inputs[0])[1]
        lengths = tf.clip_by_value(lengths, 0, samples)
        counted = tf.sequence_mask(lengths, samples)
        counted = counted[:, :, None] if len(inputs[0].shape) == 3 else counted
        # Chosen, not multiplied: padding may hold NaN.
        found = model.serve(*(tf.where(counted, x, 0.0) for x in inputs), lengths)
        return {score_name if name == "score" else name: tf.cast(value, tf.float32) for name, value in found.items()}

    return served


def _signatures(model, served):
    """{name: (function, input signature)} of a model."""
    names = model.serving_inputs
    spectrogram = names == ("spectrogram",)
    shape = (None, None, model.bins) if spectrogram else (None, None)
    waveforms = [tf.TensorSpec(shape, tf.float32, name) for name in names]
    lengths = tf.TensorSpec((None,), tf.int32, "lengths")

    def whole(*inputs):
        return served(inputs, tf.fill(tf.shape(inputs[0])[:1], tf.shape(inputs[0])[1]))

    def counted(*inputs):
        return served(inputs[:-1], inputs[-1])

    def files(*contents):
        decoded = [_decode(name, content, model.sample_rate) for name, content in zip(names, contents, strict=True)]
        lengths = decoded[0][1]
        alike = [
            tf.debugging.assert_equal(other, lengths, f"{name} and {names[0]} differ in length")
            for name, (_, other) in zip(names[1:], decoded[1:], strict=True)
        ]
        with tf.control_dependencies(alike):  # or what follows fails first, with its own words
            audio = [tf.identity(audio) for audio, _ in decoded]
        return served(audio, lengths)

    found = {"serving_default": (whole, waveforms), "lengths": (counted, [*waveforms, lengths])}
    if not spectrogram:
        found["wav"] = (files, [tf.TensorSpec((None,), tf.string, f"{name}_wav") for name in names])
    return found


def _decode(name, contents, sample_rate):
    """WAV files, string (batch,) -> float32 (batch, samples) padded with zeros, and int32 (batch,) lengths."""

    def one(content):
        audio, rate = tf.audio.decode_wav(content)
        tf.debugging.assert_equal(rate, sample_rate, f"{name}: the model takes {sample_rate} Hz; resample the file")
        tf.debugging.assert_equal(tf.shape(audio)[1], 1, f"{name}: the file has several channels; send one a file")
        return audio[:, 0]

    ragged = tf.map_fn(one, contents, fn_output_signature=tf.RaggedTensorSpec((None,), tf.float32, 0, tf.int64))
    return ragged.to_tensor(), tf.cast(ragged.row_lengths(), tf.int32)


def _batches(model):
    """Inputs and lengths of the check: noise that 16 bits hold exactly, the same each time."""
    rng, batches = np.random.default_rng(0), []
    for count, seconds in _BATCHES:
        if model.serving_inputs == ("spectrogram",):
            shape = (count, int(100 * seconds) + model.fewest_frames, model.bins)
        else:
            shape = (count, int(seconds * model.sample_rate))
        inputs = [np.round(3000 * rng.standard_normal(shape)) / 32768 for _ in model.serving_inputs]
        lengths = np.linspace(shape[1], 0.9 * shape[1], count).astype("int32")
        batches.append(([x.astype("float32") for x in inputs], lengths))
    return batches


def _expected(served, inputs, lengths):
    """{"signature/name": array} that the signatures must give; WAV files hold just the samples that count."""
    found = {
        "serving_default": served(inputs, np.full_like(lengths, inputs[0].shape[1])),
        "lengths": served(inputs, lengths),
    }
    if inputs[0].ndim == 2:
        found["wav"] = found["lengths"]
    return {f"{key}/{name}": x.numpy() for key, outputs in found.items() for name, x in outputs.items()}


def _check(directory, model, checks):
    """Set a SavedModel beside what its Keras model gave, [((inputs, lengths), expected)]; its signatures."""
    with tempfile.TemporaryDirectory() as folder:
        for i, ((inputs, lengths), _) in enumerate(checks):
            named = dict(zip(model.serving_inputs, inputs, strict=True))
            np.savez(Path(folder) / f"inputs_{i}.npz", **named, lengths=lengths)
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        # -P: no module of the zoo is in sight.
        command = [sys.executable, "-P", str(_PROBE), str(directory), folder, str(model.sample_rate)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            said = done.stderr.strip().splitlines() or [f"its check ended with status {done.returncode}"]
            raise InputError(f"the exported model fails: {said[-1]}")
        for i, (_, expected) in enumerate(checks):
            with np.load(Path(folder) / f"outputs_{i}.npz") as outputs:
                _compare(expected, outputs)
        return json.loads((Path(folder) / "signatures.json").read_text())


def _compare(expected, outputs):
    """{"signature/name": array} of the Keras model and of the exported one."""
    for name, value in expected.items():
        found = outputs[name]
        near = TOLERANCE * np.nanmax(np.abs(value))
        if value.shape != found.shape or not np.allclose(value, found, rtol=0, atol=near, equal_nan=True):
            raise InputError(f"the exported model's {name} differs from the Keras model's")
