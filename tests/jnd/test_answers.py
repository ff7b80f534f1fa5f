"""Answers of listeners: figures by table, the lead of one metric over another, and the distance at the JND."""

import math

import numpy as np
import pytest

from tests.support.jnd import Rms, judged
from zoo.jnd import answers, baselines


def test_answers_are_measured_in_order_and_reported_by_table():
    distances = np.array([0.0, 0.01, 0.02, 0.03, 0.05, 0.06, 0.07, 0.08])
    pairs = judged(distances, [0, 0, 1, 0, 1, 0, 1, 1], tables=("eq", "linear"))
    results, probabilities = answers.judge(Rms(), pairs)
    assert results == pytest.approx(distances, abs=1e-4) and probabilities == pytest.approx(10 * distances, abs=1e-3)
    results[3] = math.nan
    probabilities[3] = math.nan
    facts = answers.report(pairs, results, probabilities)
    assert list(facts) == ["eq", "linear", "all"]
    assert [(facts[group]["n"], facts[group]["n_failed"]) for group in facts] == [(4, 0), (3, 1), (7, 1)]
    # eq: "different" at 0.02, 0.05 and 0.07 of 0, 0.02, 0.05, 0.07; all: 0.06 lies above two of four.
    assert facts["eq"]["auc"][0] == 1 and facts["all"]["auc"][0] == pytest.approx(10 / 12)
    value, low, high = facts["all"]["auc"]
    assert low < value <= high
    assert set(facts["all"]) == {"n", "n_failed", "auc", "cross_entropy", "calibration_error"}
    assert set(answers.report(pairs, results)["all"]) == {"n", "n_failed", "auc"}


def test_a_metric_without_probability_has_none():
    assert answers.judge(baselines.squared_error(), judged([0.1, 0.2], [0, 1]))[1] is None


def test_lead_is_paired():
    rng = np.random.default_rng(0)
    different = np.arange(400) % 2
    good, noise = different + rng.standard_normal(400), rng.standard_normal(400)
    value, low, high = answers.lead(different, good, good + 0.1 * noise)
    assert low < value < high and high - low < 0.03  # alone, each AUC is known to 0.08
    assert answers.lead(different, good, noise)[1] > 0.1
    assert answers.lead(different, np.append(good[:-1], np.nan), good) == [0, 0, 0]


def test_jnd_distance_is_where_half_of_the_answers_change():
    rng = np.random.default_rng(0)
    logarithm = rng.uniform(-3, 3, 20000)
    different = rng.random(20000) < 1 / (1 + np.exp(-2 * (logarithm - 0.7)))
    threshold = answers.jnd_distance(different, np.exp(logarithm))
    assert threshold == pytest.approx(math.exp(0.7), rel=0.04)
    assert answers.jnd_distance(different, 1000 * np.exp(logarithm)) == pytest.approx(1000 * threshold, rel=1e-4)
    identical = answers.jnd_distance([*different, 1, 1], [*np.exp(logarithm), 0, math.nan])
    assert identical == pytest.approx(threshold, rel=1e-6)


def test_no_jnd_distance_where_answers_do_not_cross():
    assert math.isnan(answers.jnd_distance([1, 1, 0, 0], [1, 2, 3, 4]))  # falls
    assert math.isnan(answers.jnd_distance([1, 1, 1], [1, 2, 3])) and math.isnan(answers.jnd_distance([], []))
    assert answers.jnd_distance([0, 0, 1, 1], [1, 2, 8, 16]) == pytest.approx(4, rel=0.05)  # separated
