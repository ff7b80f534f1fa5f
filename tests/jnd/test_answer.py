"""The answer rises with the distance, and its calibration finds unit and curve."""

import numpy as np
import pytest
from keras import ops

from tests.support.jnd_networks import RATE, noisy, small, voices
from zoo.jnd.answer import MonotoneAnswer
from zoo.jnd.quality import QualityJND
from zoo.jnd.spectral import SpectralJND


def test_half_of_the_listeners_at_a_distance_of_one():
    layer = MonotoneAnswer()
    answers = np.exp(ops.convert_to_numpy(layer(np.array([[0.25, 0.75], [0.0, 0.0], [500.0, 500.0]], "float32"))))
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, rtol=1e-5)
    lowest = 0.2 / (1 + np.exp(1.5))
    np.testing.assert_allclose(answers[:, 1], [0.5, lowest, 1 - lowest], atol=2e-3)


@pytest.mark.parametrize("network", [SpectralJND, QualityJND])
def test_calibration_finds_the_unit_and_the_curve_and_keeps_the_order(network):
    model = small(network)
    amplitudes = np.geomspace(1e-3, 1.0, 40)
    degraded = np.concatenate([noisy(amplitude) for amplitude in amplitudes])
    reference = np.tile(voices(), (len(amplitudes), 1))
    before = model.distance(reference, degraded, RATE)
    truth = 0.05 + 0.9 / (1 + (5 / before) ** 4)  # half hear a distance of 5
    different = (np.random.default_rng(0).random((50, len(truth))) < truth).ravel()
    model.calibrate(np.tile(before, 50), different)
    after = model.distance(reference, degraded, RATE)
    np.testing.assert_allclose(after / before, 1 / 5, rtol=0.1)
    np.testing.assert_allclose(model.probability(reference, degraded, RATE), truth, atol=0.05)
    # Not exactly 0: the two are rows of one batch, which some processors add up in orders of their own.
    np.testing.assert_allclose(model.distance(voices(), voices(), RATE), 0.0, atol=1e-5)
