"""`zoo score --over-time` as a user runs it: a picture, a table, and one line for each mistake."""

import csv
import sys

import matplotlib.image
import numpy as np
import pytest
import soundfile

from tests.support.harness import REPOSITORY
from zoo.audio import io

METRIC = "quality-net-free-pesq-wb-16k"
AUDIO = REPOSITORY / "zoo" / "data" / "audio"
DEGRADED = AUDIO / "speech_degraded.flac"


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_has_the_scores_of_each_moment(run, tmp_path):
    recording, rate = io.read(DEGRADED)
    soundfile.write(tmp_path / "spliced.wav", np.concatenate([io.read(AUDIO / "speech_mild.flac")[0], recording]), rate)
    status, out, err = run("score", tmp_path / "spliced.wav", "--metric", METRIC, "--over-time", tmp_path / "o.csv")
    assert status == 0 and err == "" and "spliced.wav" in out
    table = rows(tmp_path / "o.csv")
    seconds, scores = (np.array([float(row[column]) for row in table]) for column in ("seconds", METRIC))
    np.testing.assert_allclose(np.diff(seconds), 0.064)
    half = len(recording) / rate
    assert scores[seconds < half - 1].mean() > scores[seconds > half + 1].mean() + 0.5


@pytest.mark.parametrize("kind", ["png", "SVG"])
def test_the_picture_is_of_its_kind(run, tmp_path, kind):
    path = tmp_path / f"o.{kind}"
    assert run("score", DEGRADED, "--metric", METRIC, "--over-time", path)[0] == 0
    if kind == "png":
        picture = matplotlib.image.imread(path)
        assert picture.shape[1] > 800 and picture[..., :3].std() > 0.05
    else:
        assert "<svg" in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((DEGRADED,), "or score it alone by --metric quality-net-free-pesq-wb-16k"),
        ((DEGRADED, DEGRADED), "which quality-net-lite-pesq-wb-16k is not; give one by --metric, such as"),
        ((DEGRADED, "--metric", "stoi"), "which stoi is not"),
        ((DEGRADED, DEGRADED, "--metric", METRIC), "is of one recording: give that alone"),
        ((AUDIO, "--metric", METRIC), "is of one recording: give that alone"),
    ],
)
def test_what_has_no_moments_is_refused_and_nothing_is_written(run, tmp_path, arguments, message):
    status, out, err = run("score", *arguments, "--over-time", tmp_path / "o.png")
    assert status == 2 and out == "" and message in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_is_refused_before_anything_is_scored(run, tmp_path):
    for name, message in (("o.xyz", "name it .png, .svg, .pdf, or .csv"), ("none/o.png", "none")):
        status, out, err = run("score", DEGRADED, "--metric", METRIC, "--over-time", tmp_path / name)
        assert status == 2 and out == "" and message in err


def test_a_table_needs_no_matplotlib_and_a_picture_says_so(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert run("score", DEGRADED, "--metric", METRIC, "--over-time", tmp_path / "o.csv")[0] == 0
    status, _, err = run("score", DEGRADED, "--metric", METRIC, "--over-time", tmp_path / "o.png")
    assert status == 2 and 'pip install "audio-zoo[plots]"' in err
