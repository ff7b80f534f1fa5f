"""True speech metrics as Keras metrics."""

import keras
import numpy as np
import pytest

from tests.support.harness import REPOSITORY
from zoo.audio import io
from zoo.metrics import speech, streaming


@pytest.mark.on_jax
@pytest.mark.on_torch
def test_keras_metrics_in_compiled_evaluate_and_fit():
    audio = REPOSITORY / "zoo" / "data" / "audio"
    reference, degraded = (io.read(audio / f"speech_{name}.flac")[0] for name in ("reference", "degraded"))
    references = np.stack([reference, reference, 0 * reference])
    degradeds = np.stack([degraded, reference, reference])
    metrics = [streaming.PESQ(16000), streaming.STOI(16000), streaming.ESTOI(16000), streaming.SISDR()]
    scores = [f(references, degradeds, 16000) for f in (speech.pesq, speech.stoi, speech.estoi)]
    scores.append(speech.si_sdr(references, degradeds))
    model = keras.Sequential([keras.Input((None,)), keras.layers.Rescaling(1.0)])
    model.compile("sgd", "mse", metrics=metrics, jit_compile=keras.backend.backend() == "jax")
    result = model.evaluate(degradeds, references, batch_size=2, verbose=0, return_dict=True)
    for metric, score in zip(metrics, scores, strict=True):
        np.testing.assert_allclose(result[metric.name], np.nanmean(score), rtol=1e-5)
        assert metric.n_failed == 1
        config = keras.saving.serialize_keras_object(metric)
        again = keras.saving.deserialize_keras_object(config)
        assert config["registered_name"].startswith("zoo>") and again.get_config() == metric.get_config()
        assert np.isnan(again.result())
        again.update_state(references, degradeds, sample_weight=np.array([3.0, 1.0, 5.0]))
        np.testing.assert_allclose(float(again.result()), (3 * score[0] + score[1]) / 4, rtol=1e-5)
    model.fit(degradeds, references, batch_size=2, verbose=0)


def test_pairs_without_a_score_are_left_out_and_counted():
    metric, rng = streaming.SISDR(), np.random.default_rng(0)
    reference = rng.standard_normal((3, 1000)).astype("float32")
    estimate = reference + 0.1 * rng.standard_normal(reference.shape).astype("float32")
    reference[1] = 0
    metric.update_state(reference, estimate, sample_weight=[1, 5, 0])
    alone = streaming.SISDR()
    alone.update_state(reference[:1], estimate[:1])
    assert metric.n_failed == 1 and float(metric.result()) == pytest.approx(float(alone.result()), rel=1e-6)


@pytest.mark.parametrize("metric", [streaming.PESQ(8000, "nb"), streaming.STOI(10000), streaming.SISDR()])
def test_a_metric_is_rebuilt_from_its_config(metric):
    copy = type(metric).from_config(metric.get_config())
    assert copy.get_config() == metric.get_config()
