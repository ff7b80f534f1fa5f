"""The waveform network: its size, what a sample of it sees, chunks, polarity and level."""

import keras
import numpy as np
import pytest

from tests.support.harness import predict
from zoo.enhancement.context import ContextAggregationEnhancer

RATE = 16000


def noise(*shape):
    return 0.1 * np.random.default_rng(0).standard_normal(shape, dtype="float32")


def test_the_papers_size():
    assert ContextAggregationEnhancer().count_params() == 160_925


def test_a_sample_of_the_waveform_network_sees_its_receptive_field_and_no_more():
    enhancer = ContextAggregationEnhancer(depth=5, channels=4)  # w1 is 0: no statistics of the clip
    for layer in enhancer.core.layers:
        if isinstance(layer, keras.layers.Conv1D):  # what starts near the identity hardly hears the ends of its field
            layer.kernel.assign(np.random.default_rng(0).normal(0, 0.5, layer.kernel.shape))
    base, touched = noise(1, 400), noise(1, 400)
    touched[0, 200] += 1
    changed = np.flatnonzero(predict(enhancer, [base]) != predict(enhancer, [touched]))
    reach = 2**5
    assert changed.min() == 200 - reach and changed.max() == 200 + reach
    assert enhancer.lookahead == reach / RATE


def test_chunks_of_the_waveform_network_equal_the_whole_without_its_statistics(monkeypatch):
    enhancer = ContextAggregationEnhancer(depth=5, channels=4)
    noisy = noise(9000)
    whole = enhancer.enhance(noisy, RATE)
    monkeypatch.setattr("zoo.enhancement.inference.CHUNK_SECONDS", 0.1)
    np.testing.assert_allclose(enhancer.enhance(noisy, RATE), whole, atol=1e-6)


@pytest.mark.parametrize("level", [False, True])
def test_polarity_and_level_are_settled(level):
    enhancer = ContextAggregationEnhancer(depth=3, channels=4)
    noisy = 0.1 * np.random.default_rng(0).standard_normal((2, 4000)).astype("float32")
    before = enhancer.enhance(noisy, 16000)
    factor = enhancer.settle(noisy, -2 * before, level)
    assert factor == pytest.approx(-2 if level else -1, rel=1e-4)
    np.testing.assert_allclose(enhancer.enhance(noisy, 16000), factor * before, rtol=1e-3, atol=1e-6)
