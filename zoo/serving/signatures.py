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
        verify: also compute its golden output again and compare.
        one_hop: whether the signature of a stream takes blocks of one hop alone, or of any number of them.

    Attributes:
        sample_rate: in Hz, of waveforms.
        signatures: {name: (function, its tf.TensorSpecs)}.
        checks: list of inputs, {name: array}, and what the signatures give of them by the Keras model,
            {"signature/name": array}.

    Raises:
        InputError: Keras runs on another backend than TensorFlow, a GPU is in use, or the model cannot be served.

    Example:
        >>> sorted(ServingModel("jnd-22k").signatures)  # traces for seconds  # doctest: +SKIP
        ['lengths', 'serving_default', 'wav']
    """

    def __init__(self, source, verify=False, one_hop=False):
        if keras.backend.backend() != "tensorflow":
            raise InputError(f"Keras runs on {keras.backend.backend()}; export with KERAS_BACKEND=tensorflow")
        _hide_gpus()
        checkpoint = registry.resolve(source)
        model = preset.load(checkpoint, verify=verify)
        if not hasattr(model, "serve"):
            raise InputError(
                f"{source!r} holds a {type(model).__name__}: give it `serve` and `serving_inputs`, as ours have"
            )
        self.sample_rate = model.sample_rate
        serve = _server(model, _score_name(checkpoint))
        self.signatures = _signatures(model, serve, one_hop)
        self.checks = [(inputs, self._expected(inputs)) for inputs in _batches(model, one_hop)]
        # Every signature calls one function, which is traced once: the expected outputs come from the untraced one.
        self.signatures = _signatures(model, tf.function(serve, input_signature=_serve_specs(model)), one_hop)
        if any(isinstance(layer, SpectralNormalization) for layer in getattr(model, "core", model).layers):
            model.core = fold_spectral_normalization(model.core)

    def _expected(self, inputs):
        """{"signature/name": array}; WAV files hold just the samples that count."""
        values = {}
        for name in (name for name in ("serving_default", "lengths", "stream") if name in self.signatures):
            function, specs = self.signatures[name]
            outputs = function(*(tf.constant(inputs[spec.name]) for spec in specs))
            values |= {(name, key): value.numpy() for key, value in outputs.items()}
        if "wav" in self.signatures:
            values |= {("wav", key): value for (name, key), value in values.items() if name == "lengths"}
        return {"/".join(names): value for names, value in values.items()}


def compare(expected, outputs):
    """Compare {"signature/name": array} of the Keras model with that of the exported one.

    Raises:
        InputError: an output is missing, a shape differs, or a value by more than `TOLERANCE` of the largest.
    """
    for name, value in expected.items():
        if name not in outputs:
            raise InputError(f"the exported model has no {name}")
        actual = outputs[name]
        near = TOLERANCE * np.nanmax(np.abs(value))
        if value.shape != actual.shape or not np.allclose(value, actual, rtol=0, atol=near, equal_nan=True):
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

    def serve(inputs, lengths):
        inputs, lengths = _of_one_batch(dict(zip(model.serving_inputs, inputs, strict=True)), lengths)
        samples = tf.shape(inputs[0])[1]
        lengths = tf.clip_by_value(lengths, 0, samples)
        counted = tf.sequence_mask(lengths, samples)
        counted = tf.expand_dims(counted, 2) if len(inputs[0].shape) == 3 else counted
        # `where`, not a product: padding may hold NaN, and NaN x 0 is NaN.
        outputs = model.serve(*(tf.where(counted, x, 0.0) for x in inputs), lengths)
        return {score_name if name == "score" else name: tf.cast(value, tf.float32) for name, value in outputs.items()}

    return serve


def _of_one_batch(inputs, lengths):
    """The inputs, {name: array}, as a list, and the lengths; where they are not of one batch, the graph fails.

    TF Serving answers with the words of the assertion. TensorFlow Lite, ONNX and XLA leave assertions out: there
    stacking and reshaping, which change nothing of what fits, do not take what does not.
    """
    shapes = {name: tf.shape(x) for name, x in inputs.items()}
    (first, shape), *others = shapes.items()
    alike = [tf.debugging.assert_equal(shape, other, f"{first} and {name} differ in shape") for name, other in others]
    count = tf.debugging.assert_equal(shape[:1], tf.shape(lengths), f"{first} and lengths differ in their batch size")
    with tf.control_dependencies([*alike, count]):
        return tf.unstack(tf.stack(list(inputs.values())), len(inputs)), tf.reshape(lengths, shape[:1])


def _of_one_count(names, contents):
    """Files of each of the inputs, string (batch,); the graph fails where one input has more of them than another."""
    first, *others = map(tf.shape, contents)
    alike = [
        tf.debugging.assert_equal(first, other, f"{names[0]} and {name} differ in their batch size")
        for name, other in zip(names[1:], others, strict=True)
    ]
    with tf.control_dependencies(alike):
        return [tf.identity(files) for files in contents]


def _serve_specs(model):
    """Input signature of `_server`'s function: waveforms (batch, samples) or spectrograms, and lengths (batch,)."""
    shape = (None, None, model.bins) if model.serving_inputs == ("spectrogram",) else (None, None)
    inputs = [tf.TensorSpec(shape, tf.float32, name) for name in model.serving_inputs]
    return [inputs, tf.TensorSpec((None,), tf.int32, "lengths")]


def _signatures(model, serve, one_hop):
    """{name: (function, input signature)} of a model."""
    names = model.serving_inputs
    inputs, lengths = _serve_specs(model)

    def whole(*arrays):
        return serve(list(arrays), tf.fill(tf.shape(arrays[0])[:1], tf.shape(arrays[0])[1]))

    def counted(*arrays):
        return serve(list(arrays[:-1]), arrays[-1])

    def files(*contents):
        contents = _of_one_count(names, contents)
        decoded = [_decode(name, content, model.sample_rate) for name, content in zip(names, contents, strict=True)]
        lengths = decoded[0][1]
        alike = [
            tf.debugging.assert_equal(other, lengths, f"{name} and {names[0]} differ in length")
            for name, (_, other) in zip(names[1:], decoded[1:], strict=True)
        ]
        with tf.control_dependencies(alike):  # or what follows fails first, with its own words
            audio = [tf.identity(audio) for audio, _ in decoded]
        return serve(audio, lengths)

    signatures = {"serving_default": (whole, inputs), "lengths": (counted, [*inputs, lengths])}
    if names != ("spectrogram",):
        signatures["wav"] = (files, [tf.TensorSpec((None,), tf.string, f"{name}_wav") for name in names])
    if _streams(model):
        signatures["stream"] = (_stream(model), _stream_specs(model, one_hop))
    return signatures


def _streams(model):
    """Whether a model enhances block by block, with a state."""
    return hasattr(model, "serve_stream")


def _stream(model):
    """(block, state) -> outputs of the model's `serve_stream`; the graph fails for blocks that are no multiple of a hop."""

    def stream(block, state):
        hop = model.hop_length
        words = f"block: give a multiple of {hop} samples"
        whole = tf.debugging.assert_equal(tf.shape(block)[1] % hop, 0, words)
        some = tf.debugging.assert_positive(tf.shape(block)[1], words)
        with tf.control_dependencies([whole, some]):
            return model.serve_stream(tf.identity(block), state)

    return stream


def _stream_specs(model, one_hop):
    sizes = {"block": model.hop_length if one_hop else None, "state": model.state_size}
    return [tf.TensorSpec((None, size), tf.float32, name) for name, size in sizes.items()]


def _decode(name, contents, sample_rate):
    """WAV files, string (batch,) -> float32 (batch, samples) padded with zeros, and int32 (batch,) lengths."""

    def one(content):
        audio, rate = tf.audio.decode_wav(content)
        tf.debugging.assert_equal(rate, sample_rate, f"{name}: the model takes {sample_rate} Hz; resample the file")
        tf.debugging.assert_equal(tf.shape(audio)[1], 1, f"{name}: the file has several channels; send one a file")
        return audio[:, 0]

    ragged = tf.map_fn(one, contents, fn_output_signature=tf.RaggedTensorSpec((None,), tf.float32, 0, tf.int64))
    return ragged.to_tensor(), tf.cast(ragged.row_lengths(), tf.int32)


def _batches(model, one_hop):
    """Inputs of the check, {name: array}: noise that 16 bits hold exactly, the same each time."""
    rng, batches = np.random.default_rng(0), []
    for count, seconds in _BATCHES:
        if model.serving_inputs == ("spectrogram",):
            shape = (count, int(100 * seconds) + model.fewest_frames, model.bins)
        else:
            shape = (count, int(seconds * model.sample_rate))
        noise = {name: np.round(3000 * rng.standard_normal(shape)) / 32768 for name in model.serving_inputs}
        lengths = np.linspace(shape[1], 0.9 * shape[1], count).astype("int32")
        if _streams(model):
            hops = 1 if one_hop else shape[1] // model.hop_length
            noise["block"] = noise[model.serving_inputs[0]][:, : hops * model.hop_length]
            noise["state"] = np.abs(rng.standard_normal((count, model.state_size)))
        batches.append({name: x.astype("float32") for name, x in noise.items()} | {"lengths": lengths})
    return batches
