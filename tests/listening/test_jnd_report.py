"""The report of a test of just noticeable differences: thresholds, the paper's checks, and triplets."""

import csv

import numpy as np
import pytest

import tests.support.listening  # noqa: F401 - skips where the extra is absent
from zoo.jnd import studies
from zoo.listening import jnd_report, report


def test_thresholds_checks_and_triplets_are_those_of_the_listener(exact_study, tmp_path):
    text = report.write(*exact_study, tmp_path / "report").text
    assert "1 of 1" in text and "100.0 %" in text  # of the sessions, and the answers that agree with the threshold
    with open(tmp_path / "report" / "thresholds.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3 and np.mean([float(row["mu"]) for row in rows]) == pytest.approx(40, abs=1)
    counts = []
    for split in studies.SPLITS:
        judged = studies.read_triplets(tmp_path / "report" / "triplets" / "triplets.csv", split)
        counts.append(len(judged.answers))
        assert judged.renderings[0][0].shape[1:] == (2, 55125)
        assert {answer.table for answer in judged.judgments} == {"pink noise"}
    assert counts == [8, 8, 8]


def test_clips_are_split_so_that_each_split_has_one():
    assert sorted(report.splits(["a", "b", "c"], jnd_report._HELD_OUT).values()) == ["test", "train", "validation"]
    many = list(report.splits([str(i) for i in range(80)], jnd_report._HELD_OUT).values())
    assert (many.count("validation"), many.count("test")) == (10, 10)
    assert set(report.splits(["a", "b"], jnd_report._HELD_OUT).values()) == {"train"}
