"""Ratings: correlations by speaker, and rows that cannot be used."""

import numpy as np
import pytest

from tests.support.jnd import write_ratings
from zoo.errors import InputError
from zoo.jnd import baselines, ratings


def test_ratings_are_correlated_by_speaker(rated):
    path, rows = rated
    rated_well = ratings.rate(baselines.si_sdr(), path)
    assert [row["file"] for row in rated_well] == [row["file"] for row in rows] and not any(
        row["error"] for row in rated_well
    )
    assert rated_well[0]["distance"] == pytest.approx(1e-3, rel=0.3)  # 30 dB, at half the level, on two channels
    facts = ratings.report(rated_well)
    assert facts["speakers"]["ann"]["spearman"] == pytest.approx(1)
    assert facts["speakers"]["bob"]["spearman"] == pytest.approx(0.8)
    assert 0 < facts["speakers"]["bob"]["pearson"] < 1
    assert facts["mean"]["spearman"][0] == pytest.approx(0.9)
    assert (facts["mean"]["n"], facts["mean"]["n_failed"]) == (8, 0)


def test_rows_that_cannot_be_used_are_counted(rated):
    path, rows = rated
    broken = [rows[0] | {"file": "none.wav"}, rows[1] | {"mos": "good"}, rows[2] | {"reference": ""}]
    path = write_ratings(
        path.parent, [{key: row[key] for key in ("file", "reference", "mos")} for row in broken + rows]
    )
    rated_well = ratings.rate(baselines.si_sdr(), path)
    assert [bool(row["error"]) for row in rated_well] == [True] * 3 + [False] * 8
    assert "none.wav" in rated_well[0]["error"] and "no number" in rated_well[1]["error"]
    facts = ratings.report(rated_well)
    assert list(facts["speakers"]) == [""] and (facts["mean"]["n"], facts["mean"]["n_failed"]) == (8, 3)
    with pytest.raises(InputError, match="file, reference and mos"):
        ratings.rate(baselines.si_sdr(), write_ratings(path.parent, [{"file": "a.wav", "reference": "b.wav"}]))


def test_a_library_that_fails_costs_its_row_alone(rated):
    """Any exception of a file's reading or of the metric; an infinite rating would spoil every correlation."""
    path, rows = rated
    metric, calls = baselines.si_sdr(), []

    class Failing:
        sample_rate = metric.sample_rate

        def distance(self, *pair):
            calls.append(pair)
            if len(calls) == 2:
                raise RuntimeError("no kernel\nfor this")
            return metric.distance(*pair)

    path = write_ratings(path.parent, [rows[0] | {"mos": "inf"}, *rows])
    results = ratings.rate(Failing(), path)
    assert [row["error"] for row in results[:3]] == [
        "the rating 'inf' is no number; mend it",
        "",
        "RuntimeError: no kernel",
    ]
    mean = ratings.report(results)["mean"]
    assert (mean["n"], mean["n_failed"]) == (7, 2) and mean["spearman"][0] > 0.5


def rows_of(speakers, conditions, recordings, noise, rng):
    """Rated recordings whose ratings and distances are noisy alone, and close to their condition's in the mean."""
    return [
        {
            "speaker": f"speaker {speaker}", "condition": f"condition {condition}",
            "mos": condition + noise * rng.normal(), "distance": -condition + noise * rng.normal(),
        }
        for speaker in range(speakers)
        for condition in range(conditions)
        for _ in range(recordings)
    ]  # fmt: skip


def test_means_of_conditions_are_correlated_as_for_table_2():
    """Against NumPy on the means; single recordings of the same rows correlate much less."""
    rows = rows_of(4, 6, 25, 3.0, np.random.default_rng(0))
    values = np.array([(row["mos"], -row["distance"]) for row in rows]).reshape(4, 6, 25, 2).mean(axis=2)
    by_hand = [np.corrcoef(*speaker.T)[0, 1] for speaker in values]
    facts = ratings.report(rows)
    assert [one["pearson"] for one in facts["speakers"].values()] == pytest.approx(by_hand)
    assert facts["mean"]["pearson"][0] == pytest.approx(np.mean(by_hand))
    assert facts["pooled"]["pearson"] == pytest.approx(np.corrcoef(*values.reshape(-1, 2).T)[0, 1])
    assert (facts["mean"]["n"], facts["pooled"]["n"]) == (600, 600)
    single = ratings.report([row | {"condition": ""} for row in rows])
    assert single["mean"]["pearson"][0] < 0.4 and facts["mean"]["pearson"][0] > 0.85


def test_a_failed_recording_does_not_take_its_condition_along():
    rows = rows_of(1, 3, 2, 0.0, np.random.default_rng(0))
    rows[0]["distance"] = np.nan
    facts = ratings.report(rows)["speakers"]["speaker 0"]
    assert facts["pearson"] == pytest.approx(1) and (facts["n"], facts["n_failed"]) == (5, 1)
