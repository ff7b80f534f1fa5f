"""Requests that TF Serving answers for itself before it serves a model, so that a first user need not wait."""

import io

import numpy as np
import soundfile
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from zoo.serving.client.grpc import predict_request


def write(saved, signatures, inputs, sample_rate):
    """Write `assets.extra/tf_serving_warmup_requests`: one request to each signature.

    Args:
        saved: directory of a SavedModel.
        signatures: names of "serving_default", "lengths", "wav", "stream" that it has.
        inputs: {name: float32 (batch, samples)}, or spectrograms (batch, frames, bins), int32 (batch,) `lengths`, and
            of a stream `block` (batch, samples) and `state`.
        sample_rate: of the waveforms, in Hz.

    Example:
        >>> write("models/enhancer/1", ["serving_default"], {"waveform": noise}, 16000)  # needs an export  # doctest: +SKIP
    """
    stream = {name: inputs[name] for name in ("block", "state") if name in inputs}
    waveforms = {name: x for name, x in inputs.items() if name not in {"lengths", *stream}}
    arrays_for = {
        "serving_default": lambda: waveforms,
        "lengths": lambda: waveforms | {"lengths": inputs["lengths"]},
        "stream": lambda: stream,
        "wav": lambda: {f"{name}_wav": _files(x, sample_rate) for name, x in waveforms.items()},
    }
    folder = saved / "assets.extra"
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as writer:
        for signature in sorted(signatures):
            request = predict_request("model", None, None, signature, arrays_for[signature]())
            log = prediction_log_pb2.PredictLog(request=request)
            writer.write(prediction_log_pb2.PredictionLog(predict_log=log).SerializeToString())


def _files(waveforms, sample_rate):
    """An array of WAV files of 16 bits, as bytes objects."""
    files = np.empty(len(waveforms), dtype=object)
    for i, waveform in enumerate(waveforms):
        memory = io.BytesIO()
        soundfile.write(memory, waveform, sample_rate, format="WAV", subtype="PCM_16")
        files[i] = memory.getvalue()
    return files
