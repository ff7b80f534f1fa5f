"""Agreement statistics and means: exact values, ties, failures, and what a bootstrap interval must do."""

import math

import numpy as np
import pytest

from zoo.errors import InputError
from zoo.metrics.agreement import (
    agreement,
    bootstrap,
    calibration_curve,
    calibration_error,
    cross_entropy,
    grouped_mean,
    mae,
    pearson,
    rmse,
    roc_auc,
    spearman,
)

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


def test_roc_auc_counts_pairs():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(2, size=80), rng.integers(6, size=80)  # many ties
    above = [np.sign(p - q) / 2 + 0.5 for p in scores[labels == 1] for q in scores[labels == 0]]
    assert roc_auc(labels, scores) == pytest.approx(np.mean(above), abs=1e-12)
    assert roc_auc(labels, -scores) == pytest.approx(1 - np.mean(above), abs=1e-12)
    assert roc_auc(labels, np.exp(scores)) == roc_auc(labels, scores)
    assert roc_auc([0, 1, 1], [5, 5, 5]) == 0.5 and roc_auc([0, 0, 1], [1, 2, 3]) == 1


def test_cross_entropy_is_exact_and_finite():
    assert cross_entropy([1, 0], [0.8, 0.4]) == pytest.approx(-(math.log(0.8) + math.log(0.6)) / 2, abs=1e-15)
    assert cross_entropy([1], [0.0]) == pytest.approx(-math.log(1e-7))


def test_calibration_bins_hold_equally_many_and_ties_stay_together():
    probabilities = np.linspace(0.01, 0.99, 100)
    predicted, _, counts = calibration_curve(np.zeros(100), probabilities, bins=10)
    assert counts.tolist() == [10] * 10 and predicted == pytest.approx(probabilities.reshape(10, 10).mean(axis=1))
    labels = np.array([1] * 30 + [0] * 70)
    predicted, share, counts = calibration_curve(labels, np.full(100, 0.25))
    assert (predicted.tolist(), share.tolist(), counts.tolist()) == ([0.25], [0.3], [100])
    assert calibration_error(labels, np.full(100, 0.25)) == pytest.approx(0.05)


def test_calibration_error_knows_a_calibrated_prediction():
    rng = np.random.default_rng(2)
    probabilities = rng.random(20000)
    labels = rng.random(20000) < probabilities
    assert calibration_error(labels, probabilities) < 0.015
    assert calibration_error(labels, probabilities**3) > 0.2
    order = rng.permutation(20000)
    assert calibration_error(labels[order], probabilities[order]) == pytest.approx(
        calibration_error(labels, probabilities), abs=1e-12
    )
    value, low, high = bootstrap(calibration_error, labels, probabilities**3, n_resamples=50)
    assert low < value < high


@pytest.mark.parametrize("statistic", [roc_auc, cross_entropy, calibration_error])
def test_answers_leave_nan_out_and_refuse_other_labels(statistic):
    labels, scores = [0, 1, 0, 1], [0.1, 0.4, 0.3, 0.8]
    assert statistic([*labels, math.nan, 1], [*scores, 0.5, math.nan]) == statistic(labels, scores)
    assert math.isnan(statistic([], []))
    with pytest.raises(InputError, match="0 or 1"):
        statistic([0, 2], [0.1, 0.2])
    with pytest.raises(InputError, match="one shape"):
        statistic([0, 1, 1], [0.1, 0.2])
