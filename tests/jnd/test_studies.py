"""Triplets of a listening study, read as judged pairs."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest

from zoo.audio import io
from zoo.errors import InputError
from zoo.jnd import report, studies, train


def write(folder, rows):
    with open(folder / "triplets.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return folder / "triplets.csv"


@pytest.fixture
def recordings(tmp_path):
    rng = np.random.default_rng(0)
    io.write(tmp_path / "long.wav", 0.1 * rng.standard_normal(3 * 22050), 22050, clip=True)
    io.write(tmp_path / "short.wav", 0.1 * rng.standard_normal((16000, 2)), 16000, clip=True)
    return tmp_path


def test_triplets_of_any_rate_and_length_are_judged_pairs(recordings):
    rows = [{"reference": "long.wav", "degraded": "short.wav", "different": i % 2} for i in range(130)]
    judged = studies.read_triplets(write(recordings, rows), "train")
    assert [len(chunk) for chunk in judged.renderings[0]] == [128, 2]
    assert judged.answers.tolist() == [0.0, 1.0] * 65 and judged.judgments[0].table == "study"
    long, short = judged.pair(0, 129)
    expected, _ = io.read(recordings / "long.wav")
    np.testing.assert_allclose(long, expected[:55125], atol=1e-4)
    assert short[:22050].any() and not short[22050:].any()


def test_a_split_has_its_own_rows(recordings):
    row = {"reference": "long.wav", "degraded": "long.wav", "different": 0}
    table = write(recordings, [row | {"split": split, "condition": split} for split in ("train", "test", "test")])
    assert [answer.table for answer in studies.read_triplets(table, "test").judgments] == ["test", "test"]
    with pytest.raises(InputError, match="no answer of the split validation"):
        studies.read_triplets(table, "validation")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"different": "yes"}, "different is 'yes'"),
        ({"split": "dev"}, "no split 'dev'"),
        ({"degraded": "absent.wav"}, "absent.wav"),
    ],
)
def test_rows_that_cannot_be_used_are_refused(recordings, changes, words):
    row = {"reference": "long.wav", "degraded": "long.wav", "different": 1} | changes
    with pytest.raises(InputError, match=words):
        studies.read_triplets(write(recordings, [row]), "train")


def test_a_training_and_an_evaluation_take_the_splits_of_a_study(recordings):
    row = {"reference": "long.wav", "degraded": "short.wav", "different": 1}
    splits = ("train", "train", "validation", "test")
    table = write(recordings, [row | {"split": split} for split in splits])
    parts = train._rendered_answers(SimpleNamespace(judgments=str(table)), renders=3)
    assert [len(part.judgments) for part in parts] == [2, 1]
    judged, words = report._judged_pairs(None, report.Setting("data", judgments=str(table)))
    assert len(judged.judgments) == 1 and words.startswith(f"1 answers of the test in {table}")
