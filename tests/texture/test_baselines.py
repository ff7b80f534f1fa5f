"""What our syntheses are compared with: Griffin-Lim of the target, and one network."""

import numpy as np
import pytest

from zoo.texture import baselines

RATE = 16000


def noise(seconds=1.5, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(int(seconds * RATE))).astype("float32")


def test_a_round_trip_is_aligned_with_its_target():
    time = np.arange(16000) / RATE
    target = (0.3 * np.sin(2 * np.pi * 440 * time) * (np.floor(4 * time) % 2)).astype("float32")
    result = baselines.round_trip(target, phase_iterations=30)
    assert result.shape == target.shape
    envelope = [np.convolve(np.square(x), np.ones(400), "same") for x in (target, result)]
    assert np.corrcoef(envelope)[0, 1] > 0.98


@pytest.mark.slow
def test_one_network_lowers_its_gram_loss(monkeypatch):
    losses = []
    plain = baselines.optimize.minimize

    def watched(function, *rest):
        def noted(x):
            value, gradient = function(x)
            losses.append(value)
            return value, gradient

        return plain(noted, *rest)

    monkeypatch.setattr(baselines.optimize, "minimize", watched)
    result = baselines.one_network(noise(2.0), RATE, iterations=25, phase_iterations=2, filters=16)
    assert result.shape == (32000,) and result.dtype == np.float32 and losses[-1] < 0.5 * losses[0]
    assert baselines.one_network(noise(2.0), RATE, 1.0, 1, 1, filters=4).shape == (16000,)
