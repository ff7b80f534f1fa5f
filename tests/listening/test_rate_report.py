"""The report of ratings: post-screening, means, and the table to fine-tune on."""

import csv

from tests.support.listening import attend, make_rating
from zoo.listening import report

LEVELS = {"reference": 100, "jnd": 80, "mse": 60, "anchor 7 kHz": 40, "anchor 3.5 kHz": 20}


def rates(levels):
    def decide(trial):
        return {"scores": [levels[name] for name in trial.content["systems"]]} if trial.screen == "rate" else None

    return decide


def test_a_listener_who_does_not_hear_the_reference_is_excluded(tmp_path):
    store, kind = make_rating(tmp_path, count=3, scale="mushra")
    for _ in range(2):
        attend(store, kind, rates(LEVELS))
    attend(store, kind, rates(dict.fromkeys(LEVELS, 50)))
    text = report.write(store, kind, tmp_path / "report").text
    assert "1 of 3 listeners are excluded" in text
    lines = [line.split("  ")[0] for line in text.splitlines() if line.startswith(tuple(LEVELS))]
    assert lines == list(LEVELS)
    assert "80.00 [80.00, 80.00]" in text
    with open(tmp_path / "report" / "ratings" / "ratings.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 12 and {row["score"] for row in rows if row["system"] == "jnd"} == {"80.0"}
    assert {"reference", "degraded", "score", "split"} <= rows[0].keys()
    assert sorted(row["split"] for row in rows) == ["test"] * 4 + ["train"] * 8  # one of three items
    assert all((tmp_path / "report" / "ratings" / row["degraded"]).exists() for row in rows)
    store.close()


def test_ratings_of_five_have_means_and_no_screening(tmp_path):
    store, kind = make_rating(tmp_path)
    for choice in "345":
        attend(store, kind, lambda trial, choice=choice: {"choice": choice} if trial.screen == "rate" else None)
    text = report.write(store, kind, tmp_path / "report").text
    assert "Post-screening" not in text and text.count("4.00 [3.") == 4
    assert {path.name for path in (tmp_path / "report").iterdir()} >= {"scores.csv", "scores.png", "ratings"}
    store.close()
