"""What an exported model computes: its signatures, and what each must give.

Here TensorFlow is the point: what is exported holds its core operations only, and no Keras.
"""

import re

import keras
import numpy as np
import tensorflow as tf

from zoo.checkpoint import preset, registry
from zoo.checkpoint.card import read_card
from zoo.errors import InputError
from zoo.nn.layers import SpectralNormalization, fold_spectral_normalization

TOLERANCE = 1e-3  # of exported outputs, relative to each one's largest
_BATCHES = ((1, 0.6), (1, 1.1), (3, 0.9))  # of the check: how many, and of how many seconds


class ServingModel:
    """A checkpoint as it is served: the signatures of `zoo.serving.export.export`, as functions to trace.

    From then on this process sees no GPU: a recurrent layer that is traced where one is in sight becomes cuDNN's, which
    no CPU can load.

    Args:
        source: as for `zoo.load`.

    Attributes:
        sample_rate: in Hz, of waveforms.
        signatures: {name: (function, its tf.TensorSpecs)}.
        checks: list of inputs, {name: array}, and what the signatures give of them by the Keras model,
            {"signature/name": array}.

    Raises:
        InputError: Keras runs on another backend than TensorFlow, a GPU is in use, or the model cannot be served.

    Example:
        >>> sorted(ServingModel("jnd-22k").signatures)  # doctest: +SKIP
        ['lengths', 'serving_default', 'wav']
    """

    def __init__(self, source):
        if keras.backend.backend() != "tensorflow":
            raise InputError(f"Keras runs on {keras.backend.backend()}; export with KERAS_BACKEND=tensorflow")
        _hide_gpus()
        checkpoint = registry.resolve(source)
        model = preset.load(checkpoint)
        if not hasattr(model, "serve"):
            raise InputError(
                f"{source!r} holds a {type(model).__name__}: give it `serve` and `serving_inputs`, as ours have"
            )
        self.sample_rate = model.sample_rate
        self.signatures = _signatures(model, _server(model, _score_name(checkpoint)))
        self.checks = [(inputs, self._expected(inputs)) for inputs in _batches(model)]
        if any(isinstance(layer, SpectralNormalization) for layer in getattr(model, "core", model).layers):
            model.core = fold_spectral_normalization(model.core)

    def _expected(self, inputs):
        """{"signature/name": array}; WAV files hold just the samples that count."""
        found = {}
        for name in ("serving_default", "lengths"):
            function, specs = self.signatures[name]
            outputs = function(*(tf.constant(inputs[spec.name]) for spec in specs))
            found |= {(name, key): value.numpy() for key, value in outputs.items()}
        if "wav" in self.signatures:
            found |= {("wav", key): value for (name, key), value in found.items() if name == "lengths"}
        return {"/".join(names): value for names, value in found.items()}


def compare(expected, outputs):
    """Set {"signature/name": array} of the Keras model beside that of the exported one.

    Raises:
        InputError: an output is missing, a shape differs, or a value by more than `TOLERANCE` of the largest.
    """
    for name, value in expected.items():
        if name not in outputs:
            raise InputError(f"the exported model has no {name}")
        found = outputs[name]
        near = TOLERANCE * np.nanmax(np.abs(value))
        if value.shape != found.shape or not np.allclose(value, found, rtol=0, atol=near, equal_nan=True):
            raise InputError(f"the exported model's {name} differs from the Keras model's")


def _hide_gpus():
    """Traced where a GPU is in sight, a recurrent layer becomes cuDNN's, which no CPU can load."""
    try:
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:
        if tf.config.get_visible_devices("GPU"):
            raise InputError("a GPU is in use already: export in a process of its own (zoo export)") from None


def _score_name(checkpoint):
    """What a Quality-Net's score is called: the metric's name of its card."""
    metric = (read_card(checkpoint) or {}).get("metric")
    return re.sub(r"\W+", "_", metric["name"]) if metric else "score"


def _server(model, score_name):
    """What every signature ends in: (inputs, lengths) -> {name: float32}."""

    def served(inputs, lengths):
        samples = tf.shape(inputs[0])[1]
        lengths = tf.clip_by_value(lengths, 0, samples)
        counted = tf.sequence_mask(lengths, samples)
        counted = tf.expand_dims(counted, 2) if len(inputs[0].shape) == 3 else counted
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
    """Inputs of the check, {name: array}: noise that 16 bits hold exactly, the same each time."""
    rng, batches = np.random.default_rng(0), []
    for count, seconds in _BATCHES:
        if model.serving_inputs == ("spectrogram",):
            shape = (count, int(100 * seconds) + model.fewest_frames, model.bins)
        else:
            shape = (count, int(seconds * model.sample_rate))
        noise = {name: np.round(3000 * rng.standard_normal(shape)) / 32768 for name in model.serving_inputs}
        lengths = np.linspace(shape[1], 0.9 * shape[1], count).astype("int32")
        batches.append({name: x.astype("float32") for name, x in noise.items()} | {"lengths": lengths})
    return batches
