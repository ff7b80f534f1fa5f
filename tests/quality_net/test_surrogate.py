"""What both kinds of surrogates share: the metric's range, in scores and in labels."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.harness import RECORDED, check_save_load
from zoo.audio import io
from zoo.checkpoint import preset, registry
from zoo.errors import InputError
from zoo.losses.learned import learned_loss
from zoo.quality_net.model import QualityNetLite

RATE = 16000


def pair(samples=14000, batch=3, seed=0):
    rng = np.random.default_rng(seed)
    reference = 0.1 * rng.standard_normal((batch, samples)).astype("float32")
    return [reference, reference + 0.03 * rng.standard_normal((batch, samples)).astype("float32")]


def test_scores_are_clipped_to_the_metrics_values_and_calls_are_not(tmp_path):
    model, inputs = QualityNetLite(value_range=(0.5, 0.75), target_range=(0.0, 1.0)), pair()
    for bias, limit in ((-30.0, 0.5), (30.0, 0.75)):
        head = model.core.layers[-1]
        while not getattr(head, "weights", None):
            head = model.core.layers[model.core.layers.index(head) - 1]
        head.bias.assign(np.full(head.bias.shape, bias))
        called = ops.convert_to_numpy(model(inputs))
        assert (called < 0.5).all() if bias < 0 else (called > 0.75).all()
        np.testing.assert_array_equal(model.score(*inputs, RATE), limit)
        np.testing.assert_allclose(model.score(*inputs, RATE, clip=False), called, rtol=1e-4)
        lengths = np.full(len(inputs[0]), inputs[0].shape[1], "int32")
        served = model.serve(*map(ops.convert_to_tensor, inputs), ops.convert_to_tensor(lengths))["score"]
        np.testing.assert_array_equal(ops.convert_to_numpy(served), np.float32(limit))
    loaded = check_save_load(model, inputs, tmp_path / "model")
    assert loaded.value_range == (0.5, 0.75) and QualityNetLite().value_range is None


def tuned(worst, best, labels, folder):
    """A bundled metric fine-tuned on a clean and a noisy pair of those labels, saved; and the two pairs."""
    reference, rate = io.read(RECORDED, RATE, resample=True)
    clean = np.stack([reference[: 2 * rate]] * 2)
    noise = 0.05 * np.random.default_rng(0).standard_normal(clean.shape[1])
    degraded = clean + np.stack([0 * noise, noise]).astype("float32")
    metric = preset.load("quality-net-tiny-pesq-wb-16k", trainable=True)
    metric.compile(keras.optimizers.Adam(1e-3), loss="mse")
    metric.set_target_range(worst, best)
    metric.fit({"reference": clean, "degraded": degraded}, np.array(labels, "float32"), epochs=20, verbose=0)
    preset.save(metric, folder, card={"name": "mine", "metric": {"name": "mine", "range": [-0.5, 4.5]}})
    return metric, clean, degraded


@pytest.mark.slow
@pytest.mark.parametrize(
    ("worst", "best", "labels"),
    [pytest.param(-10.0, 35.0, (35.0, 3.0), marks=pytest.mark.slow), (100.0, 0.0, (0.0, 60.0))],
)
def test_a_metric_of_another_range_is_a_loss_that_leads_to_clean_speech(tmp_path, worst, best, labels):
    metric, clean, degraded = tuned(worst, best, labels, tmp_path / "mine")
    scores = metric.score(clean, degraded, RATE)
    assert np.sign(scores[0] - scores[1]) == np.sign(best - worst)
    loaded, loss = preset.load(tmp_path / "mine"), learned_loss(tmp_path / "mine")
    assert loaded.target_range == (worst, best)
    assert float(loss(clean[:1], clean[:1])) < 0.1 < float(loss(clean[1:], degraded[1:]))
    facts = registry.info(f"{tmp_path}/mine/")["metric"]
    assert facts["range"] == sorted([worst, best]) and facts["higher_is_better"] == (best > worst)


def test_labels_outside_the_range_are_refused():
    metric = preset.load("quality-net-tiny-pesq-wb-16k", trainable=True)
    metric.compile("sgd", loss="mse")
    for labels in ([8.0, 14.0], [-3.0, 2.0], [2.0, np.nan]):
        with pytest.raises(InputError, match=r"the labels are .* to .*; say .*metric\.set_target_range\(worst, best\)"):
            metric.fit(pair(batch=2), np.array(labels), verbose=0)
    metric.fit(pair(batch=2), np.array([1.0, 4.64]), verbose=0)  # the best PESQ
    for worst, best in ((1.0, 1.0), (np.nan, 1.0), (0.0, np.inf)):
        with pytest.raises(InputError, match="give the metric's worst and best value"):
            metric.set_target_range(worst, best)


def test_a_compiled_step_takes_a_new_range():
    metric, (reference, degraded) = QualityNetLite(), pair(batch=2)
    metric.compile("sgd", loss="mse")
    before = metric.evaluate((reference, degraded), np.array([0.0, 0.0]), verbose=0)
    metric.set_target_range(0.0, 0.001)
    assert metric.evaluate((reference, degraded), np.array([0.0, 0.0]), verbose=0) < 1e-3 * before


def test_the_range_of_values_follows_the_range_of_labels():
    """Set by hand too: else `score` would clip opinion scores to what PESQ can be."""
    metric = QualityNetLite(target_range=(-0.5, 4.5), value_range=(1.04, 4.64))
    metric.target_range = (100, 0)
    assert metric.target_range == (100.0, 0.0) and metric.value_range == (0.0, 100.0)
    with pytest.raises(InputError, match="give the metric's worst and best value"):
        metric.target_range = (1.0, 1.0)
    assert metric.get_config()["target_range"] == [100.0, 0.0]
