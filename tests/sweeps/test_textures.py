"""Bundled networks of textures: the paper's ensemble, and a classifier that tells sounds apart."""

import numpy as np

import zoo
from tests.support.checkpoints import load


def test_the_bundled_ensemble_is_the_papers_and_the_losses_own():
    from zoo.texture.loss import GramLoss

    bundled, own = load("texture-ensemble-16k").get_config(), GramLoss().ensemble.get_config()
    assert {**bundled, "name": ""} == {**own, "name": ""}
    assert bundled["widths"] == [2, 4, 8, 16, 32, 64] and bundled["filters"] == 512 and bundled["seed"] == 0


def test_the_classifier_tells_sounds_apart():
    actual = zoo.info("texture-classifier-16k")["evaluation"]
    value, low, high = actual["accuracy"]
    assert 3 * actual["chance"] < low <= value <= high <= 1 and actual["n"] > 100
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, 16000)).astype("float32")
    probabilities = load("texture-classifier-16k").probabilities(noise, 16000)
    assert probabilities.shape == (2, len(actual["by_class"])) and np.allclose(probabilities.sum(axis=1), 1, atol=1e-4)
