"""The ablation of a Quality-Net: its variants change what they say and nothing else, and become rows of its card."""

import argparse

import numpy as np
import pytest

from tools import ablate_quality_net
from zoo.quality_net.train import Recipe

OPTIONS = argparse.Namespace(n_train=64, n_test=32, epochs=1, batch_size=8, data="data", runs="runs")


@pytest.mark.parametrize("network", ablate_quality_net.VARIANTS)
def test_variants_change_the_network_and_the_sizes_alone(network):
    recipe = Recipe("mine", network, "stoi", {"bands": 48}, learning_rate=0.1)
    variants = list(ablate_quality_net.variants(recipe, OPTIONS))
    assert len({variant.name for _, variant in variants}) == len(variants) > 1
    for (change, variant), (words, options) in zip(variants, ablate_quality_net.VARIANTS[network], strict=True):
        assert change == words and variant.options == {"bands": 48} | options
        assert (variant.n_train, variant.n_test, variant.epochs, variant.batch_size) == (64, 32, 1, 8)
        assert (variant.metric, variant.learning_rate, variant.seed) == ("stoi", 0.1, 0)
        variant.model()


def test_a_variant_becomes_a_row(monkeypatch, capsys):
    truth = np.linspace(0, 1, 16)
    monkeypatch.setattr(ablate_quality_net, "train", lambda recipe, data, runs, verbose: (None, {}, 1.26))
    monkeypatch.setattr(ablate_quality_net, "prepare", lambda recipe, data, runs, split: (None, truth))
    monkeypatch.setattr(ablate_quality_net.evaluate, "predict", lambda model, chunks, batch_size: truth + 0.1)
    row = ablate_quality_net.measure("no change", None, OPTIONS)
    assert (row["change"], row["minutes"]) == ("no change", 1.3)
    assert row["pearson"][0] == pytest.approx(1.0) and row["rmse"][0] == pytest.approx(0.1)
    assert capsys.readouterr().out == "no change: Pearson 1.000, RMSE 0.100, 1.3 min\n"
