"""The loss of a JND network, beside a few lines of NumPy."""

import numpy as np
import pytest
from keras import ops

from zoo.jnd.batches import TEACHERS
from zoo.jnd.objective import Objective
from zoo.jnd.spectral import SpectralJND


def test_the_loss_is_cross_entropy_and_ladders_fix_an_order():
    model = Objective(SpectralJND(channels=(4,), bands=8), rungs=1, teaching=0)
    logit, answer = np.array([0.3, -2.0, 9.0, 9.0], "float32"), np.array([1.0, 0.2, -1.0, -1.0], "float32")
    target = ops.convert_to_tensor(np.stack([answer, *len(TEACHERS) * [np.full(4, -1.0)]], axis=1).astype("float32"))
    probability = 1 / (1 + np.exp(-logit[:2]))
    entropy = -np.mean(answer[:2] * np.log(probability) + (1 - answer[:2]) * np.log(1 - probability))

    def loss(mild, severe, training=True):
        output = ops.convert_to_tensor(np.stack([logit, [0, 0, mild, severe]], axis=1).astype("float32"))
        return float(model.compute_loss(y=target, y_pred=output, training=training))

    assert loss(1.0, 2.0, training=False) == pytest.approx(entropy, rel=1e-5)
    expected = np.log1p(np.exp(5 * (np.log(1.0001) - np.log(2.0001) + 0.05))) / 5
    assert loss(1.0, 2.0) == pytest.approx(entropy + expected, rel=1e-4)
    assert loss(1.0, 2.0) < loss(1.0, 1.0) < loss(2.0, 1.0)


def test_the_loss_of_teachers_is_the_squared_error_of_the_scores_that_there_are():
    model = Objective(SpectralJND(channels=(4,), bands=8), rungs=0, teaching=3.0)
    distance = np.array([1.0, 0.0, 8.0, 20.0], "float32")
    target = np.array([[1, -1, -1, -1], [-1, 0, -1, -1], [-1, 1.5, -1, 3.1], [-1, 3.0, 2.5, -1]], "float32")
    slope = np.log1p(np.exp(0.98))
    missed = np.array([3.6, 4.0, 3.8]) / (1 + (8 / (distance[:, None] + 1e-4)) ** slope)
    known = target[:, 1:] >= 0
    expected = 3 * np.sum(((missed - target[:, 1:]) / [1.2, 0.6, 0.9])[known] ** 2) / known.sum()
    output = ops.convert_to_tensor(np.stack([[50.0, 0, 0, 0], distance], axis=1).astype("float32"))
    loss = model.compute_loss(y=ops.convert_to_tensor(target), y_pred=output)
    assert float(loss) == pytest.approx(expected, rel=1e-3)
