"""Intervals of scores: their equation, what a description hears, and what they do with what no training had."""

import json

import numpy as np
import pytest

from tests.support import checkpoints, onnx
from zoo.errors import InputError
from zoo.quality_net.intervals import DESCRIPTORS, Intervals, describe
from zoo.quality_net.model import QualityNetLite

RATE = 16000
NAME = "quality-net-lite-pesq-wb-16k"


def described(recordings, lengths=None):
    lengths = np.full(len(recordings[0]), recordings[0].shape[1]) if lengths is None else lengths
    return describe(recordings, lengths, RATE, 512, 256)


def noise(seed, batch=2, samples=RATE):
    return np.random.default_rng(seed).normal(0, 0.1, (batch, samples)).astype("float32")


def test_bounds_are_the_equation():
    rng = np.random.default_rng(0)
    mean, whitening, quality = rng.normal(size=3), rng.normal(size=(3, 3)), np.array([0.2, 0.9])
    lower, upper = rng.normal(0, 0.1, (2, 6))
    intervals, x = Intervals(0.9, mean, whitening, lower, upper), rng.normal(size=(2, 3))
    for row, q, (low, high) in zip(x, quality, intervals.bounds(x, quality), strict=True):
        z = whitening.T @ (row - mean)
        further = max(1, np.sqrt(z @ z))
        features = np.array([1, q, q * q, *z / further])
        np.testing.assert_allclose(low, q - further**2 * np.exp(lower @ features))
        np.testing.assert_allclose(high, q + further**2 * np.exp(upper @ features))
    again = Intervals(**json.loads(json.dumps(intervals.get_config())))
    np.testing.assert_array_equal(again.bounds(x, quality), intervals.bounds(x, quality))


def test_a_description_knows_no_level_and_no_padding():
    reference, degraded = noise(0), noise(1)
    expected = described([reference, degraded])
    assert expected.shape == (2, 2 * DESCRIPTORS + 1)
    np.testing.assert_allclose(described([0.01 * reference, 3 * degraded]), expected, atol=1e-4)
    padded = [np.pad(x, ((0, 0), (0, 5000))) for x in (reference, degraded)]
    np.testing.assert_allclose(described(padded, np.array([RATE, RATE])), expected, atol=0.05)
    assert described([degraded]).shape == (2, DESCRIPTORS + 1)


def test_a_description_of_white_noise():
    (one,) = described([noise(0, 1, 4 * RATE)])
    shares = np.exp(one[:8])
    assert shares[0] < shares[-1] and 0.8 < shares.sum() < 1.05  # mean of the logarithm, so a little less than 1
    assert one[-1] == pytest.approx(np.log(4))
    (same,) = described([noise(0, 1), noise(0, 1)])
    np.testing.assert_array_equal(same[:DESCRIPTORS], described([noise(0, 1)])[0][:DESCRIPTORS])
    np.testing.assert_array_equal(same[DESCRIPTORS : 2 * DESCRIPTORS], 0)


def test_only_the_first_recording_can_be_unlike_the_training():
    n = DESCRIPTORS + 2
    intervals = Intervals(0.9, np.zeros(n), np.eye(n), np.full(n + 3, -1.0), np.full(n + 3, -1.0))
    far = np.zeros((2, n))
    far[0, 3], far[1, DESCRIPTORS] = 7.0, 7.0
    np.testing.assert_array_equal(intervals.distance(far), [7.0, 0.0])


def test_silence_in_a_part_is_described():
    recording = noise(0)
    recording[:, 3000:9000] = 0
    assert np.isfinite(described([recording, noise(1)])).all()


def test_scores_are_within_and_both_runtimes_agree():
    reference, degraded = onnx.recordings(RATE, 3, 1.5)
    lengths = [24000, 20001, 7000]  # the last is too short
    scores, bounds = checkpoints.load(NAME).score(reference, degraded, RATE, lengths, interval=True)
    np.testing.assert_array_equal(scores, checkpoints.load(NAME).score(reference, degraded, RATE, lengths))
    assert (bounds[:2, 0] <= scores[:2]).all() and (scores[:2] <= bounds[:2, 1]).all()
    assert np.isnan(bounds[2]).all() and bounds.shape == (3, 2)
    light = onnx.load(NAME).score(reference, degraded, RATE, lengths, interval=True)
    np.testing.assert_allclose(light[1], bounds, atol=1e-4)


def test_a_long_recording_has_the_mean_of_its_segments():
    (reference,), (degraded,) = onnx.recordings(RATE, 1, 31)
    metric, half = onnx.load(NAME), 31 * RATE // 2
    _, whole = metric.score(reference, degraded, RATE, interval=True)
    parts = [metric.score(reference[a:b], degraded[a:b], RATE, interval=True)[1] for a, b in ((0, half), (half, None))]
    np.testing.assert_allclose(whole, np.mean(parts, axis=0), atol=1e-6)


def test_without_intervals_none_are_given():
    metric = onnx.load("quality-net-tiny-pesq-wb-16k")
    with pytest.raises(InputError, match="has no intervals: leave out `interval`"):
        metric.score(*onnx.recordings(RATE, 1, 1), RATE, interval=True)


@pytest.fixture
def small():
    model = QualityNetLite(convolutions=((2, 2, 2),), bands=32)
    flat = {"mean": [0.0] * 49, "whitening": np.zeros((49, 49)).tolist()}
    model.intervals = {"level": 0.9, **flat, "lower": [-2.0] + [0.0] * 51, "upper": [-3.0] + [0.0] * 51}
    return model


def test_they_are_of_the_metrics_units_and_in_order(small):
    small.set_target_range(5.0, 1.0)  # lower is better
    pair = noise(0), noise(1)
    scores, bounds = small.score(*pair, RATE, clip=False, interval=True)
    np.testing.assert_allclose(bounds[:, 1] - scores, 4 * np.exp(-2), atol=1e-6)
    np.testing.assert_allclose(scores - bounds[:, 0], 4 * np.exp(-3), atol=1e-6)


def test_they_are_saved_and_training_takes_them_away(small):
    again = QualityNetLite.from_config(json.loads(json.dumps(small.get_config())))
    assert again.intervals == small.intervals
    assert "intervals" not in QualityNetLite(convolutions=((2, 2, 2),)).get_config()
    small.compile(loss="mse")
    small.train_on_batch([noise(0), noise(1)], np.array([1.0, 2.0]))
    assert small.intervals is None
    again.compile(loss="mse")
    again.fit([noise(0), noise(1)], np.array([1.0, 2.0]), verbose=0)
    assert again.intervals is None
