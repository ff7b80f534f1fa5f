"""Terms of the texture loss by their equations, in NumPy loops."""

import numpy as np
import pytest
from keras import ops

from zoo.texture import terms


def features(frames=9, filters=3, seed=0):
    return np.random.default_rng(seed).uniform(0, 1, (2, frames, filters)).astype("float32")


def banks(seed=0, frames=40, batch=2):
    """Features of two networks, float64."""
    rng = np.random.default_rng(seed)
    return [rng.random((batch, frames, 5)), rng.random((batch, frames - 3, 4))]


def test_gram_matrices_are_of_the_frames_that_count():
    x, counts = features(), np.array([9, 5])
    computed = ops.convert_to_numpy(terms.gram([x], [counts])[0])
    for clip, count in enumerate(counts):
        np.testing.assert_allclose(computed[clip], x[clip, :count].T @ x[clip, :count] / count, rtol=1e-5)


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


def test_gram_is_the_mean_of_products():
    for computed, x in zip(terms.gram(banks()), banks(), strict=True):
        np.testing.assert_allclose(computed, np.einsum("btm,btn->bmn", x, x) / x.shape[1], rtol=1e-12)


def test_autocorrelation_is_the_mean_of_lagged_products():
    computed = terms.autocorrelation(banks(), [(3, 20), (1, 5)])
    assert [x.shape for x in computed] == [(2, 5, 18), (2, 4, 5)]
    for x, ours, first in zip(banks(), computed, (3, 1), strict=True):
        for i in range(ours.shape[2]):
            lag = first + i
            np.testing.assert_allclose(ours[:, :, i], np.mean(x[:, :-lag] * x[:, lag:], axis=1), rtol=1e-10)


@pytest.mark.parametrize("frames", [40, 25, 100])
def test_distances_at_all_shifts(frames):
    targets, ours = banks(), banks(seed=1, frames=frames)
    distances, energies = terms.squared_distance(targets, ours, np.array([42], "int32"), 42, [1, 1])
    assert distances.shape == energies.shape == (2, 42)
    for shift in (0, 1, 17, 41):
        distance = energy = 0.0
        for theirs, own in zip(targets, ours, strict=True):
            places = (np.arange(own.shape[1]) + shift) % 42
            kept = places < theirs.shape[1]  # the target's bank has no frame at its seam
            turned = theirs[:, places[kept]]
            distance = distance + np.sum((own[:, kept] - turned) ** 2, axis=(1, 2))
            energy = energy + np.sum(turned**2, axis=(1, 2))
        np.testing.assert_allclose(distances[:, shift], distance, rtol=1e-9)
        np.testing.assert_allclose(energies[:, shift], energy, rtol=1e-9)


def test_diversity_looks_where_it_is_allowed():
    distances, energies = np.array([[4.0, 1.0, 2.0]]), np.array([[4.0, 4.0, 4.0]])
    loss, worst = terms.diversity(distances, energies)
    assert float(loss[0]) == pytest.approx(4, rel=1e-4) and int(worst[0]) == 1
    loss, worst = terms.diversity(distances, energies, np.array([1.0, 0.0, 1.0]))
    assert float(loss[0]) == pytest.approx(2, rel=1e-4) and int(worst[0]) == 2
