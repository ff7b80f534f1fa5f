"""Terms of the texture loss by their equations, in NumPy loops."""

import numpy as np
from keras import ops

from zoo.texture import terms


def features(frames=9, filters=3, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, (2, frames, filters)).astype("float32")


def test_gram_matrices_are_of_the_frames_that_count():
    x, counts = features(), np.array([9, 5])
    computed = ops.convert_to_numpy(terms.gram([x], [counts])[0])
    for clip, count in enumerate(counts):
        np.testing.assert_allclose(computed[clip], x[clip, :count].T @ x[clip, :count] / count, rtol=1e-5)


def test_autocorrelation_is_the_mean_product_at_each_lag():
    x = features()
    computed = ops.convert_to_numpy(terms.autocorrelation([x], [(1, 4)])[0])
    for lag in range(1, 5):
        np.testing.assert_allclose(computed[:, :, lag - 1], (x[:, lag:] * x[:, :-lag]).mean(axis=1), rtol=1e-4)


def test_distances_are_circular_and_a_shifted_copy_is_found():
    target = features()[:1]
    clip = np.roll(target, -2, axis=1)
    distances, energies = terms.squared_distance([target], [clip], 9, 9, [1])
    expected = [np.sum((clip - np.roll(target, -shift, axis=1)) ** 2) for shift in range(9)]
    np.testing.assert_allclose(ops.convert_to_numpy(distances)[0], expected, atol=1e-4)
    loss, worst = terms.diversity(distances, energies)
    assert int(worst[0]) == 2 and float(loss[0]) > 1e4
    allowed = (np.arange(9) != 2).astype("float32")
    assert float(terms.diversity(distances, energies, allowed)[0][0]) < 100


def test_relative_error_sums_over_banks():
    targets, estimates = [np.ones((1, 4)), np.full((1, 2), 2.0)], [np.zeros((1, 4)), np.full((1, 2), 1.0)]
    assert abs(float(terms.relative_error(targets, estimates)[0]) - (4 + 2) / (4 + 8)) < 1e-6
