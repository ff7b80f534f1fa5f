"""The report of a test of just noticeable differences: thresholds, the paper's checks, and triplets."""

import csv

import numpy as np
import pytest

from tests.support.listening import attend, make_jnd, notices
from zoo.jnd import studies
from zoo.jnd.listening import SimulatedListener
from zoo.listening import jnd_report, report


def test_thresholds_checks_and_triplets_are_those_of_the_crowd(tmp_path):
    store, kind = make_jnd(tmp_path, 4)
    attend(store, kind, notices(SimulatedListener(45.0, 4.0, 0.0, np.random.default_rng(0))))
    attend(store, kind, lambda trial: {"choice": "same"} if trial.screen == "jnd" else None)
    text = report.write(store, kind, tmp_path / "report").text
    assert "6 sentinels wrong" in text and "1 of 2" in text
    with open(tmp_path / "report" / "thresholds.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 and np.mean([float(row["mu"]) for row in rows]) == pytest.approx(45, abs=6)
    counts = []
    for split in ("train", "test", "validation"):
        judged = studies.read_triplets(tmp_path / "report" / "triplets" / "triplets.csv", split)
        counts.append(len(judged.answers))
        assert judged.renderings[0][0].shape[1:] == (2, 55125)
        assert {answer.table for answer in judged.judgments} == {"pink noise"}
    assert sum(counts) == 24 and max(counts) < 24
    store.close()


def test_clips_are_split_so_that_each_split_has_one():
    assert sorted(jnd_report._splits(["a", "b", "c"]).values()) == ["test", "train", "validation"]
    many = list(jnd_report._splits([str(i) for i in range(80)]).values())
    assert (many.count("validation"), many.count("test")) == (10, 10)
    assert set(jnd_report._splits(["a", "b"]).values()) == {"train"}
