"""Pairs in batches for a metric: stretches of long recordings, batches of one length, and the mean of the stretches."""

import doctest

import keras
import numpy as np
import pytest

from zoo.nn import segments


def test_the_examples_hold():
    assert doctest.testmod(segments, extraglobs={"np": np}).attempted


def test_only_recordings_of_more_than_30_s_are_cut_and_into_equal_parts():
    spans = segments.cut(np.array([0, 300, 301, 900, 901]), sample_rate=10)
    assert spans[:3].tolist() == [[1, 0, 300], [2, 0, 150], [2, 150, 301]]
    assert spans[spans[:, 0] == 3].tolist() == [[3, 0, 300], [3, 300, 600], [3, 600, 900]]
    assert np.ptp(np.diff(spans[spans[:, 0] == 4][:, 1:])) <= 1
    assert segments.cut(np.zeros(3, int), 10).shape == (0, 3)


def test_batches_hold_every_stretch_once_and_zeros_after_it():
    rng = np.random.default_rng(0)
    reference, degraded = rng.standard_normal((2, 4, 700)).astype("float32")
    spans = segments.cut(np.array([700, 20, 300, 301]), sample_rate=10)
    recorded = []
    for places, (first, second, lengths) in segments.batches([reference, degraded], spans, 2, 10):
        multiple = 5 if keras.backend.backend() == "jax" else 1
        assert first.shape == second.shape == (len(places), -(-lengths.max() // multiple) * multiple)
        for place, one, other, length in zip(places, first, second, lengths, strict=True):
            row, start, stop = spans[place]
            assert length == stop - start
            np.testing.assert_array_equal(one[:length], reference[row, start:stop])
            np.testing.assert_array_equal(other[:length], degraded[row, start:stop])
            assert not one[length:].any() and not other[length:].any()
        recorded += places.tolist()
    assert sorted(recorded) == list(range(len(spans)))


def test_the_mean_weighs_stretches_by_their_length_and_is_nan_where_there_is_none():
    spans = np.array([[0, 0, 10], [0, 10, 40], [2, 0, 5]])
    np.testing.assert_array_equal(segments.mean([1.0, 2.0, np.nan], spans, 3), [1.75, np.nan, np.nan])
    by_layer = np.array([[1.0, 3.0], [2.0, 4.0], [5.0, 6.0]])
    np.testing.assert_allclose(segments.mean(by_layer, spans, 3)[[0, 2]], [[1.75, 3.75], [5.0, 6.0]])
    assert segments.mean(np.empty((0, 4)), np.empty((0, 3), int), 2).shape == (2, 4)


def test_a_batch_has_at_most_80_s():
    audio = np.zeros((4, 300), "float32")
    spans = segments.cut(np.full(4, 300), sample_rate=10)
    assert [len(places) for places, _ in segments.batches([audio, audio], spans, 16, 10)] == [2, 2]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_told(bad):
    reference, degraded = np.zeros((2, 3, 4))
    reference[0, 1], degraded[2, 3] = bad, bad
    assert segments.finite(reference, degraded).tolist() == [False, True, False]


def test_channels_come_in_turn_within_each_segment():
    rows = np.arange(4 * 400).reshape(4, 400)
    lengths = np.array([400, 90])
    turned = segments.in_turn(rows, lengths, 2, sample_rate=10)
    assert turned.shape == (2, 800) and not turned[1, 180:].any()
    np.testing.assert_array_equal(turned[1, :180], np.concatenate([rows[2, :90], rows[3, :90]]))
    spans = segments.cut(2 * lengths, sample_rate=10)
    assert spans[:3].tolist() == [[0, 0, 266], [0, 266, 533], [0, 533, 800]]
    for _, start, stop in spans[:3]:
        of_each = [np.isin(turned[0, start:stop], rows[channel]).mean() for channel in range(2)]
        np.testing.assert_allclose(of_each, 0.5, atol=0.01)
    assert segments.in_turn(np.zeros((0, 0)), np.zeros(0, int), 2, 10).shape == (0, 0)
