"""Our own network: the properties that the paper's lacks hold before any training."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.support import harness
from tests.support.jnd_networks import RATE, noisy, small, voices
from zoo.jnd.model import JNDMetric
from zoo.jnd.spectral import SpectralJND, WeightedDistance


def distance(model, reference, degraded):
    return harness.predict(model, [reference, degraded])


def test_identical_is_zero_and_order_does_not_matter():
    model = small(SpectralJND)
    # Not exactly 0: the two are rows of one batch, which some processors add up in orders of their own.
    np.testing.assert_allclose(distance(model, noisy(), noisy()), 0.0, atol=1e-5)
    there, back = distance(model, voices(), noisy()), distance(model, noisy(), voices())
    assert (there > 0).all()
    np.testing.assert_allclose(there, back, rtol=1e-5)


def test_batch_and_padding_do_not_matter():
    model = small(SpectralJND)
    harness.check_batch_invariance(model, [voices(), noisy()])
    for padding in (1, 255, 4321):
        harness.check_padding_invariance(model, [voices(), noisy()], padding)


def test_distance_is_not_level_blind_and_hardly_sees_a_shift():
    model = small(SpectralJND)
    louder = distance(model, noisy(), 2 * noisy())
    moved = distance(model, noisy(), np.roll(noisy(), 20, axis=1))
    assert (moved < louder).all()


def test_probability_rises_with_distance_within_its_bounds():
    model = small(SpectralJND)
    probabilities = [model.probability(voices(), noisy(amplitude), RATE) for amplitude in (1e-4, 1e-3, 1e-2, 1e-1, 1.0)]
    assert (np.diff(probabilities, axis=0) > 0).all()
    assert np.min(probabilities) > 0
    assert np.max(probabilities) < 1


@pytest.mark.parametrize("recording", ["silence", "one sample", "full scale"])
def test_extremes_are_finite(recording):
    x = {
        "silence": np.zeros((1, 4000), "float32"),
        "one sample": np.ones((1, 1), "float32"),
        "full scale": np.sign(np.sin(np.arange(4000)))[None].astype("float32"),
    }[recording]
    model = small(SpectralJND)
    assert np.isfinite(model.distance(x, np.zeros_like(x), RATE)).all()
    assert np.isfinite(model.probability(x, x, RATE)).all()


def test_frozen_and_differentiable():
    model = small(SpectralJND)
    model.trainable = False
    estimate = keras.Variable(noisy())

    class Gain(keras.Model):
        """A gain in front of the metric: one weight to train through it."""

        def __init__(self):
            super().__init__()
            self.metric, self.gain = model, self.add_weight(shape=(), initializer="ones", name="gain")

        def call(self, degraded):
            return self.metric([ops.convert_to_tensor(voices()), self.gain * degraded])

    trainer = Gain()
    trainer.compile("sgd", loss=lambda _, distance: distance, jit_compile=False)
    before = float(trainer.gain)
    harness.check_frozen(model, lambda: trainer.train_on_batch(ops.convert_to_numpy(estimate), np.zeros(2)))
    assert np.isfinite(float(trainer.gain))
    assert float(trainer.gain) != before


def test_save_and_load(tmp_path):
    model = small(SpectralJND)
    loaded = harness.check_save_load(model, [voices(), noisy()], tmp_path / "model")
    assert isinstance(loaded, JNDMetric)
    np.testing.assert_allclose(
        loaded.probability(voices(), noisy(), RATE), model.probability(voices(), noisy(), RATE), rtol=1e-6
    )


def test_weighted_distance_is_its_equation():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 7, 3, 2)).astype("float32")
    layer = WeightedDistance()
    layer.build(x.shape)
    layer.raw.assign(rng.standard_normal((1, 1, 3, 2)))
    layer.pooling.assign([0.3, -0.7])
    frames = np.array([5, 7, 5, 7], "int32")
    weight = np.log1p(np.exp(ops.convert_to_numpy(layer.raw)))
    by_frame = (weight * np.abs(x[:2] - x[2:])).mean(axis=(2, 3))
    expected = []
    for d, count in zip(by_frame, (5, 7), strict=True):
        d = d[:count]
        worst = (np.mean(d**4) + 1e-8) ** 0.25 - 1e-8**0.25
        expected.append(np.log1p(np.exp(0.3)) * d.mean() + np.log1p(np.exp(-0.7)) * worst)
    np.testing.assert_allclose(ops.convert_to_numpy(layer(x, frames)), expected, rtol=1e-4)
