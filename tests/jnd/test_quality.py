"""A distance that goes on past the threshold: gain, delay and phase leave it alone, by construction."""

import numpy as np
import pytest
from keras import ops

from tests.support import harness
from tests.support.jnd_networks import RATE, noisy, small, voices
from zoo.jnd.inference import FAINTEST, LEVEL
from zoo.jnd.model import JNDMetric
from zoo.jnd.quality import Align, LocalDistance, QualityJND

HOP = 256


def distance(reference, degraded):
    return harness.predict(small(QualityJND), [reference, degraded])


def speech_like(samples=22050):
    """Noise with syllables of its own, which no delay repeats, float32 (2, samples)."""
    rng = np.random.default_rng(3)
    envelope = np.repeat(rng.uniform(0, 1, (2, samples // 735 + 1)), 735, axis=1)[:, :samples]
    return (0.1 * envelope * rng.standard_normal((2, samples))).astype("float32")


def test_identical_is_zero_and_order_does_not_matter():
    # Not exactly 0: the two are rows of one batch, which some processors add up in orders of their own.
    np.testing.assert_allclose(distance(noisy(), noisy()), 0.0, atol=1e-5)
    there, back = distance(voices(), noisy()), distance(noisy(), voices())
    assert (there > 0).all()
    np.testing.assert_allclose(there, back, rtol=1e-4)


def test_batch_and_padding_do_not_matter():
    model = small(QualityJND)
    harness.check_batch_invariance(model, [voices(), noisy()])
    for padding in (1, 255, 4321):
        harness.check_padding_invariance(model, [voices(), noisy()], padding)


@pytest.mark.parametrize("gain", [0.3, 3.0])
def test_one_gain_of_both_does_not_matter_and_that_of_one_does(gain):
    expected = distance(voices(), noisy())
    np.testing.assert_allclose(distance(gain * voices(), gain * noisy()), expected, rtol=5e-3)
    assert (distance(voices(), gain * voices()) > 0.01).all()


def test_silence_is_not_made_loud():
    model = small(QualityJND)
    faint = np.full((1, 4000), 1e-6, "float32")
    spectrum, _, _ = model.core_features(ops.convert_to_tensor(faint), ops.convert_to_tensor(faint), np.array([4000]))
    assert float(ops.max(spectrum)) < 1e-6 * LEVEL / FAINTEST * 1024


@pytest.mark.parametrize("frames", [1, 4, -3, 16, -16])
def test_a_delay_of_whole_frames_costs_nothing(frames):
    clip = speech_like(22050 + 40 * HOP)

    def late(frames):
        start = 20 * HOP
        return distance(*(clip[:, at : at + 22050] for at in (start, start - frames * HOP)))

    assert (late(frames) < 1e-3 * late(19)).all()


def test_alignment_moves_the_later_recording_and_drops_what_has_no_partner():
    rng = np.random.default_rng(0)
    power = rng.random((3, 20, 5)).astype("float32")
    late = np.concatenate([rng.random((3, 2, 5)), power[:, :-2]], axis=1).astype("float32")
    frames = np.array([20, 14, 5], "int32")  # of the last little would be left: it stays as it is
    moved, left = Align()(ops.convert_to_tensor(np.concatenate([power, late])), ops.convert_to_tensor(frames))
    reference, degraded = np.split(ops.convert_to_numpy(moved), 2)
    np.testing.assert_array_equal(ops.convert_to_numpy(left), [14, 8, 5])
    np.testing.assert_allclose(reference[0, :14], degraded[0, :14], rtol=1e-6)
    np.testing.assert_allclose(reference[1, :8], power[1, 2:10], rtol=1e-6)
    np.testing.assert_allclose(degraded[2], late[2], rtol=1e-6)


def test_local_distance_is_its_equation():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, 7, 3, 2)).astype("float32")
    energy = rng.uniform(0.1, 2, (1, 7)).astype("float32")
    layer = LocalDistance(window=4)
    layer.build(x.shape)
    layer.raw.assign(rng.standard_normal((3, 3, 2)))
    layer.pooling.assign([0.3, -0.7, 0.1, 0.9])
    layer.exponent.assign(0.4)
    frames = 6
    raw = [ops.convert_to_numpy(weight) for weight in (layer.raw, layer.pooling, layer.exponent)]
    weights, share, exponent = (np.log1p(np.exp(weight)) for weight in raw)
    importance = energy[0, :frames] ** exponent
    by_frame = (weights[0] * np.abs(x[0] - x[1])).mean(axis=(1, 2))[:frames]
    by_window, totals = [], []
    for window in (slice(0, 4), slice(4, 6)):
        means, deviations = (np.stack([f(one[window], axis=0) for one in x]) for f in (np.mean, np.var))
        deviations = np.sqrt(deviations + 1e-4)
        parts = weights[1] * np.abs(means[0] - means[1]) + weights[2] * np.abs(deviations[0] - deviations[1])
        by_window.append(parts.mean())
        totals.append(importance[window].sum())

    def pooled(values, importance, share):
        mean, fourth = (np.average(np.power(values, n), weights=importance) for n in (1, 4))
        return share[0] * mean + share[1] * ((fourth + 1e-8) ** 0.25 - 1e-8**0.25)

    expected = pooled(by_frame, importance, share[:2]) + pooled(by_window, totals, share[2:])
    x[:, frames:], energy[:, frames:] = 0.0, 0.0
    counted = np.full(2, frames, "int32")
    actual = layer(*(ops.convert_to_tensor(one) for one in (x, energy, counted)))
    np.testing.assert_allclose(ops.convert_to_numpy(actual), [expected], rtol=1e-3)


@pytest.mark.parametrize("recording", ["silence", "one sample", "full scale"])
def test_extremes_are_finite(recording):
    x = {
        "silence": np.zeros((1, 4000), "float32"),
        "one sample": np.ones((1, 1), "float32"),
        "full scale": np.sign(np.sin(np.arange(4000)))[None].astype("float32"),
    }[recording]
    model = small(QualityJND)
    assert np.isfinite(model.distance(x, np.zeros_like(x), RATE)).all()
    assert np.isfinite(model.probability(x, x, RATE)).all()


def test_save_and_load(tmp_path):
    model = small(QualityJND)
    loaded = harness.check_save_load(model, [voices(), noisy()], tmp_path / "model")
    assert isinstance(loaded, JNDMetric)
