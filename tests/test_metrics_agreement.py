"""Agreement statistics and means: exact values, ties, failures, and what a bootstrap interval must do."""

import math

import numpy as np
import pytest

from zoo.errors import InputError
from zoo.metrics.agreement import agreement, bootstrap, grouped_mean, mae, pearson, rmse, spearman

TRUTH, PREDICTED = [1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 5.0]


def test_exact_values():
    assert pearson(TRUTH, PREDICTED) == pytest.approx(5.5 / math.sqrt(5 * 8.75), abs=1e-15)
    assert spearman(TRUTH, PREDICTED) == pytest.approx(0.8, abs=1e-15)
    assert rmse(TRUTH, PREDICTED) == math.sqrt(3 / 4)
    assert mae(TRUTH, PREDICTED) == 3 / 4


def test_correlations_against_scipy():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    x = rng.integers(0, 10, 200).astype(float)  # many ties
    y = x + rng.normal(0, 3, 200)
    assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y)[0], abs=1e-12)
    assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y)[0], abs=1e-12)


def test_pearson_is_linear_and_spearman_is_monotone():
    x = np.linspace(1, 5, 20)
    assert pearson(x, 3 - 2 * x) == pytest.approx(-1, abs=1e-12)
    assert spearman(x, np.exp(x)) == pytest.approx(1, abs=1e-12) and pearson(x, np.exp(x)) < 0.95


@pytest.mark.parametrize("statistic", [pearson, spearman, rmse, mae])
def test_nan_pairs_are_left_out(statistic):
    truth, predicted = [*TRUTH, math.nan, 9.0], [*PREDICTED, 7.0, math.nan]
    assert statistic(truth, predicted) == statistic(TRUTH, PREDICTED)


def test_no_value_is_nan():
    assert math.isnan(pearson([1.0], [2.0])) and math.isnan(pearson([1, 1, 1], [1, 2, 3]))
    assert math.isnan(spearman([1, 2, 3], [5, 5, 5]))
    assert math.isnan(rmse([], [])) and math.isnan(mae([math.nan], [1.0]))


@pytest.mark.parametrize("statistic", [pearson, spearman, rmse, mae, agreement])
def test_lengths_that_differ_raise(statistic):
    with pytest.raises(InputError, match="one shape"):
        statistic([1, 2, 3], [1, 2])


def test_bootstrap_holds_the_value_and_repeats_by_seed():
    rng = np.random.default_rng(1)
    x = rng.normal(size=300)
    y = x + rng.normal(size=300)
    value, low, high = bootstrap(pearson, x, y, seed=3)
    assert low < value < high and value == pearson(x, y)
    assert bootstrap(pearson, x, y, seed=3) == (value, low, high)
    assert bootstrap(pearson, x, y, seed=4) != (value, low, high)
    # Fisher's z gives the width in theory: 2 * 1.96 * (1 - r^2) / sqrt(n).
    assert high - low == pytest.approx(2 * 1.96 * (1 - value**2) / math.sqrt(300), rel=0.25)
    _, inner_low, inner_high = bootstrap(pearson, x, y, seed=3, confidence=0.5)
    assert low < inner_low < inner_high < high


def test_bootstrap_of_too_few_has_no_interval():
    value, low, high = bootstrap(mae, [1.0], [2.0])
    assert value == 1 and math.isnan(low) and math.isnan(high)


def test_agreement_counts_failures():
    result = agreement([*TRUTH, math.nan, 9.0], [*PREDICTED, 7.0, math.nan])
    assert list(result) == ["n", "n_failed", "pearson", "spearman", "rmse", "mae"]
    assert result["n"] == 4 and result["n_failed"] == 2
    assert result["mae"][0] == 0.75 and result["mae"][1] <= 0.75 <= result["mae"][2]
    assert result["pearson"] == agreement(TRUTH, PREDICTED)["pearson"]


def test_grouped_mean_resamples_whole_groups():
    rng = np.random.default_rng(0)
    scores, groups = rng.normal(2, 1, 60), np.arange(60)
    once = grouped_mean(scores, groups)
    assert once[0] == pytest.approx(scores.mean()) and once[1] < once[0] < once[2]
    # The normal distribution gives the width in theory.
    assert once[2] - once[1] == pytest.approx(2 * 1.96 * scores.std() / math.sqrt(60), rel=0.15)
    assert grouped_mean(np.repeat(scores, 4), np.repeat(groups, 4)) == pytest.approx(once)
    alone = grouped_mean(np.repeat(scores, 4), np.arange(240))
    assert alone[2] - alone[1] < 0.6 * (once[2] - once[1])
    assert grouped_mean(scores, groups, seed=1) != once


def test_grouped_mean_weighs_scores_alike_and_leaves_out_nan():
    assert grouped_mean([1.0, 2.0, 6.0, math.nan], ["a", "a", "b", "c"])[0] == 3
    value, low, high = grouped_mean([1.0, 3.0, math.nan], ["a", "a", "b"])
    assert value == 2 and math.isnan(low) and math.isnan(high)
    assert all(math.isnan(figure) for figure in grouped_mean([math.nan], ["a"]))
    with pytest.raises(InputError, match="one shape"):
        grouped_mean([1.0, 2.0], ["a"])
