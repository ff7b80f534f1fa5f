"""Bundled metrics and distances: intervals of every figure, frozen as a loss, zero for identical recordings."""

import keras
import numpy as np
import pytest

import zoo
from tests.support.checkpoints import golden_inputs, load, of_family, swept, swept_architectures
from tests.support.harness import RECORDED, check_frozen, predict
from zoo.audio import io
from zoo.jnd import rendered

METRICS, DISTANCES = of_family("quality_net"), of_family("jnd")
METRIC_KEYS = {"name", "mode", "range", "higher_is_better"}


@pytest.mark.parametrize("name", METRICS)
def test_every_agreement_has_intervals(name):
    card = zoo.info(name)
    assert METRIC_KEYS <= set(card["metric"])
    results = card["evaluation"]["results"]
    assert {"all", "noisy", "enhanced", "clean"} <= set(results)
    for group, result in results.items():
        assert result["n"] > 0 and result["n_failed"] >= 0, group
        for statistic in ("pearson", "spearman", "rmse", "mae"):
            # Clean pairs all have the same true score: no correlation is defined there.
            value, low, high = (np.nan if figure is None else figure for figure in result[statistic])
            assert low <= value <= high or (group == "clean" and np.isnan(value)), (group, statistic)


@pytest.mark.parametrize("name", swept_architectures(METRICS + DISTANCES))
def test_frozen_while_the_gradient_passes(name):
    *reference, degraded = golden_inputs(name)
    reference, loss = reference[0] if reference else degraded, zoo.loss(name)

    class Distortion(keras.layers.Layer):
        def build(self, shape):
            self.amount = self.add_weight(shape=(), initializer="zeros")

        def call(self, x):
            return x + self.amount * keras.ops.abs(x)

    enhancer = keras.Sequential([keras.Input((None,)), Distortion()])
    enhancer.compile(keras.optimizers.Adam(1e-2), loss=loss)
    check_frozen(loss.metric, lambda: enhancer.fit(degraded, reference, epochs=2, batch_size=1, verbose=0))
    (amount,) = enhancer.get_weights()
    assert np.isfinite(amount) and amount != 0


@pytest.mark.parametrize("name", DISTANCES)
def test_every_figure_of_the_answers_has_an_interval(name):
    actual = zoo.info(name)["evaluation"]
    for facts in (actual, *actual["compared"].values()):
        assert set(facts["answers"]) == {"all", "combined", "eq", "linear", "reverb"}
        for group, result in facts["answers"].items():
            assert result["n"] > 0 and result["n_failed"] >= 0, group
            value, low, high = result["auc"]
            assert low <= value <= high, group
    assert {"cross_entropy", "calibration_error"} <= set(actual["answers"]["all"])
    assert len(actual["ladders"]) == len(rendered.LADDERS) and all(
        facts["n"] == 50 for facts in actual["ladders"].values()
    )


@pytest.mark.parametrize("name", swept(DISTANCES))
def test_the_distance_is_zero_for_identical_recordings_and_symmetric(name):
    reference, degraded = golden_inputs(name)
    # The network sees both recordings as rows of one batch, and a processor may add up two rows in different orders:
    # identical recordings then differ in the last bit of a feature (0.0 on some processors, up to 1.8e-6 on others, where
    # distances are some tenths to some units).
    np.testing.assert_allclose(predict(load(name), [degraded, degraded]), 0.0, atol=1e-5)
    there, back = predict(load(name), [reference, degraded]), predict(load(name), [degraded, reference])
    np.testing.assert_allclose(there, back, rtol=1e-4)


@pytest.mark.parametrize("name", swept(DISTANCES))
def test_probabilities_are_probabilities(name):
    reference, degraded = golden_inputs(name)
    probability = load(name).probability(reference, degraded, sample_rate=load(name).sample_rate)
    assert ((probability > 0) & (probability < 1)).all()


def test_the_best_distance_does_what_upstreams_does_not():
    """On speech that it never saw: rises with noise, hardly hears a shift, hears level, is 1 about where people hear."""
    metric, rate = load("jnd-22k"), 22050
    reference, _ = io.read(RECORDED, rate, resample=True)
    noise = np.random.default_rng(0).standard_normal(len(reference)).astype("float32")
    noise *= np.sqrt(np.mean(reference**2) / np.mean(noise**2))
    by_snr = [metric.distance(reference, reference + 10 ** (-snr / 20) * noise, rate)[0] for snr in range(60, -1, -10)]
    assert (np.diff(by_snr) > 0).all()
    assert by_snr[0] < 1 < by_snr[-1]
    for shift in (1, 10, 100):
        assert metric.distance(reference[shift:], reference[:-shift], rate)[0] < 1
    assert metric.distance(0.25 * reference, 0.5 * reference, rate)[0] > 1
