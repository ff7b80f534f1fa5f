"""The report of a preference test: each pair of systems, groups, and scores."""

import numpy as np

import tests.support.listening  # noqa: F401 - skips where the extra is absent
from zoo.listening import preference_report


def rows(share, systems=("MSE", "Quality-Net"), groups=("10 dB", "0 dB"), seed=0):
    rng = np.random.default_rng(seed)
    for listener in range(15):
        for item in range(20):
            answer = systems[rng.random() < share]
            facts = {"listener": listener, "item": f"item {item}", "group": groups[item % len(groups)]}
            yield facts | {"system_a": systems[0], "system_b": systems[1], "answer": answer}


def test_the_preferred_system_is_named_first_with_both_intervals(tmp_path):
    overall, groups = preference_report.sections(list(rows(0.8)), tmp_path)
    (row,) = overall.rows
    assert row[:3] == ["Quality-Net over MSE", "300", "0"] and row[-2:] == ["< 0.0001", row[-1]]
    assert float(row[3].split()[0]) > 70
    assert [row[1] for row in groups.rows] == ["0 dB", "10 dB"]  # by difficulty, not by name
    assert {path.name for path in tmp_path.iterdir()} == {"preference.png", "groups.png"}


def test_more_than_two_systems_have_scores(tmp_path):
    answers = [*rows(0.7, ("a", "b"), ("",)), *rows(0.7, ("b", "c"), ("",)), *rows(0.9, ("a", "c"), ("",))]
    answers += [answers[0] | {"answer": "tie"}]
    overall, scores = preference_report.sections(answers, tmp_path)
    assert len(overall.rows) == 3 and "1" in [row[2] for row in overall.rows]
    assert [row[0] for row in scores.rows] == ["c", "b", "a"]


def test_a_tie_is_one_half_whoever_is_first():
    answers = [{"system_a": "a", "system_b": "b", "answer": answer} for answer in ("b", "tie", "b")]
    compared = preference_report.comparisons([*answers, {"system_a": "b", "system_b": "a", "answer": "a"}])
    assert [row["value"] for row in compared["b", "a"]] == [1.0, 0.5, 1.0, 0.0]
