"""Triplets of a listening study, read as judged pairs."""

import csv
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tools import train as tool
from zoo.audio import io
from zoo.checkpoint.page import page
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
    judged, words, ladders = report._judged_pairs(report.Setting("data", judgments=str(table)))
    assert len(judged.judgments) == 1 and words == f"1 answers of the test in {table}" and ladders is None


@pytest.mark.slow
def test_the_command_trains_on_a_study_and_evaluates_on_its_test_without_other_data(recordings, monkeypatch, capsys):
    rng, time = np.random.default_rng(1), np.arange(22050) / 22050
    tone = 0.1 * np.sin(440 * time)
    io.write(recordings / "clean.wav", tone, 22050, clip=True)
    io.write(recordings / "noisy.wav", tone + 0.05 * rng.standard_normal(22050), 22050, clip=True)
    is_different = {"clean.wav": 0, "noisy.wav": 1}
    rows = [
        {"reference": "clean.wav", "degraded": degraded, "different": different, "split": split}
        for split, count in (("train", 8), ("validation", 2), ("test", 2))
        for degraded, different in is_different.items()
        for _ in range(count)
    ]
    table, config = write(recordings, rows), recordings / "mine.toml"
    config.write_text(
        'family = "jnd"\nname = "mine"\nnetwork = "SpectralJND"\nepochs = 2\nlearning_rate = 1e-2\n'
        "calibrate = true\noptions = { channels = [4], bands = 8 }\n"
    )
    monkeypatch.chdir(recordings)
    monkeypatch.setattr(sys, "argv", ["tools/train.py", "mine.toml", "--judgments", str(table), "--output", "my"])
    monkeypatch.setenv("ZOO_DATA", "absent")
    tool.main()
    card = json.loads((recordings / "my" / "mine" / "card.json").read_text())
    evaluated = card["evaluation"]
    assert card["training"]["answers"] == {"training": 16, "validation": 4}
    assert evaluated["answers"]["all"]["n"] == 4 and "ladders" not in evaluated
    assert evaluated["command"] == f"python tools/evaluate.py jnd my/mine/ --judgments {table}"
    assert "AUC on answers" in capsys.readouterr().out
    assert "Sanity checks" not in page(card, "my/mine/", [])
