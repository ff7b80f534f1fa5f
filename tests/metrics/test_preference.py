"""Statistics of preferences, pinned to closed forms and to simulated crowds."""

import numpy as np
import pytest

pytest.importorskip("statsmodels", reason="needs statsmodels, of the extra listen")
pytest.importorskip("choix", reason="needs choix, of the extra listen")

from zoo.errors import InputError
from zoo.metrics import preference


def test_the_interval_is_wilsons():
    z = 1.959964
    for wins, n in ((15, 20), (0, 5), (5, 5), (7.5, 15)):
        share = wins / n
        centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
        np.testing.assert_allclose(preference.wilson(wins, n), (share, centre - half, centre + half), atol=1e-6)
    assert np.isnan(preference.wilson(0, 0)).all()


def test_p_is_that_of_the_binomial_distribution():
    assert preference.binomial_p(15, 20) == pytest.approx(2 * 21700 / 2**20)  # 15504 + 4845 + 1140 + 190 + 20 + 1
    assert preference.binomial_p(10, 20) == preference.binomial_p(0, 0) == 1


def crowd(share, listeners=15, items=20, seed=0, spread=0.0):
    """Answers of a crowd of Fu et al.: 15 listeners, 20 pairs; `spread` between listeners."""
    rng = np.random.default_rng(seed)
    own = np.clip(share + spread * rng.standard_normal(listeners), 0, 1)
    values = (rng.random((listeners, items)) < own[:, None]).astype(float)
    names = np.repeat(np.arange(listeners), items), np.tile(np.arange(items), listeners)
    return values.ravel(), *names


def test_the_interval_over_listeners_and_items_holds_the_true_share_as_often_as_it_says():
    held = []
    for seed in range(20):
        low, high = preference.preference(*crowd(0.6, seed=seed, spread=0.15), seed=seed)["bootstrap"]
        held.append(low <= 0.6 <= high)
    assert np.mean(held) >= 0.85


def test_listeners_who_differ_make_the_interval_wider_than_wilsons():
    facts = preference.preference(*crowd(0.6, spread=0.3))
    assert facts["bootstrap"][1] - facts["bootstrap"][0] > 1.5 * (facts["share"][2] - facts["share"][1])
    assert facts["bootstrap_p"] > facts["binomial_p"]


def test_a_clear_preference_is_no_chance_and_none_is():
    clear, none = (preference.preference(*crowd(share)) for share in (0.8, 0.5))
    assert clear["binomial_p"] < 1e-4 and clear["bootstrap_p"] < 0.01 and clear["bootstrap"][0] > 0.5
    assert none["bootstrap_p"] > 0.05 and none["bootstrap"][0] < 0.5 < none["bootstrap"][1]


def test_ties_count_half_and_the_test_leaves_them_out():
    facts = preference.preference([1, 1, 0.5, 0.5], "aabb", "1212")
    assert (facts["ties"], facts["share"][0], facts["binomial_p"]) == (2, 0.75, 0.5)


def test_the_majority_is_that_of_the_first_raters_of_each_item():
    values, items = [1, 0, 0, 1, 1, 0.5], ["x", "x", "x", "y", "y", "z"]
    assert preference.majority(values, items) == {"x": 0.0, "y": 1.0, "z": 0.5}
    assert preference.majority(values, items, raters=1) == {"x": 1.0, "y": 1.0, "z": 0.5}
    assert preference.majority(values, items, raters=3) == {"x": 0.0}


def test_scores_of_two_systems_are_the_logarithm_of_the_odds():
    scores = preference.bradley_terry(["b"] * 30 + ["a"] * 10, ["a"] * 30 + ["b"] * 10, regularisation=1e-6)
    assert scores["b"] - scores["a"] == pytest.approx(np.log(3), abs=1e-3)


def test_scores_of_a_simulated_crowd_come_back():
    true, rng = {"wiener": -1.0, "mse": 0.0, "jnd": 1.0}, np.random.default_rng(0)
    winners, losers = [], []
    for _ in range(3000):
        one, other = rng.choice(list(true), 2, replace=False)
        first = rng.random() < 1 / (1 + np.exp(true[other] - true[one]))
        winners.append(one if first else other)
        losers.append(other if first else one)
    scores = preference.bradley_terry(winners, losers)
    assert list(scores) == ["jnd", "mse", "wiener"]
    for name, score in true.items():
        assert scores[name] == pytest.approx(score, abs=0.12)


def test_a_system_that_was_never_preferred_has_a_score():
    assert np.isfinite(list(preference.bradley_terry(["a"] * 5, ["b"] * 5).values())).all()


def test_what_cannot_be_used_is_refused():
    for call in (
        lambda: preference.preference([2], ["a"], ["1"]),
        lambda: preference.preference([], [], []),
        lambda: preference.resampled([1], ["a", "b"], ["1"]),
        lambda: preference.majority([1], []),
        lambda: preference.bradley_terry(["a"], ["a"]),
        lambda: preference.bradley_terry([], []),
        lambda: preference.wilson(3, 2),
    ):
        with pytest.raises(InputError):
            call()
