"""The loss of a synthesis: each of its diversity terms, with its gradient."""

import numpy as np
import pytest

from zoo.texture.model import RandomConvEnsemble
from zoo.texture.objective import DIVERSITIES, Objective


def spectrogram(seed):
    return np.random.default_rng(seed).random((160, 9)).astype("float32")


@pytest.mark.parametrize("diversity", DIVERSITIES)
def test_the_total_is_the_sum_of_its_terms(diversity):
    ensemble = RandomConvEnsemble((2, 8), filters=6, bins=9)
    objective = Objective(spectrogram(0), ensemble, 10.0, 0.1, 160, diversity, circular=diversity == "sendik")
    total, terms, gradient = objective(spectrogram(1), np.ones(160, "float32"))
    assert total == pytest.approx(terms["gram"] + 10 * terms["autocorrelation"] + 0.1 * terms["diversity"], rel=1e-5)
    assert gradient.shape == (160, 9) and np.abs(gradient).max() > 0
    assert (terms["diversity"] < -10) == (diversity == "sendik") == ("worst" not in terms)
    assert objective(spectrogram(1))[0] == pytest.approx(terms["gram"] + 10 * terms["autocorrelation"], rel=1e-5)
