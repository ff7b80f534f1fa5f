"""Warm-up requests: one to each signature, which the exported model answers."""

import keras
import numpy as np
import pytest

from tests.support.separation import separator
from zoo.checkpoint import preset

if keras.backend.backend() != "tensorflow":
    pytest.skip("exports on TensorFlow", allow_module_level=True)

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from zoo.serving import export
from zoo.texture.model import RandomConvEnsemble


@pytest.mark.parametrize(
    "make, names",
    [
        (separator, {"serving_default", "lengths", "wav"}),
        (lambda: RandomConvEnsemble(widths=(2, 4), filters=8), {"serving_default", "lengths"}),
    ],
)
def test_every_signature_is_warmed_up(make, names, tmp_path):
    preset.save(make(), tmp_path / "model")
    saved = export.export(tmp_path / "model", tmp_path / "models")["directory"]
    signatures = tf.saved_model.load(str(saved)).signatures
    records = tf.data.TFRecordDataset(str(saved / "assets.extra" / "tf_serving_warmup_requests"))
    requests = [prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request for record in records]
    assert [request.model_spec.signature_name for request in requests] == sorted(names)
    for request in requests:
        inputs = {name: tf.constant(tf.make_ndarray(tensor)) for name, tensor in request.inputs.items()}
        for output in signatures[request.model_spec.signature_name](**inputs).values():
            assert output.shape[0] == 1 and np.isfinite(output).all()
