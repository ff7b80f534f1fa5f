"""`zoo enhance --report`: scores before and after, gains, and means of those that have both."""

import csv

import pytest
import soundfile

from tests.support.harness import REPOSITORY
from zoo import scoring
from zoo.audio import io
from zoo.checkpoint import network
from zoo.cli import gains
from zoo.metrics import speech

RATE = 16000
AUDIO = REPOSITORY / "zoo" / "data" / "audio"


class Halver:
    """An enhancer that halves, with the face of a real one."""

    sample_rate = RATE

    def enhance(self, noisy, sample_rate, resample=False):
        return noisy / 2


def test_report_shows_before_after_and_gain(run, tmp_path, monkeypatch):
    monkeypatch.setattr(network, "load", lambda source: Halver())
    (tmp_path / "noisy").mkdir()
    (tmp_path / "clean").mkdir()
    reference, _ = io.read(AUDIO / "speech_reference.flac")
    noisy, _ = io.read(AUDIO / "speech_degraded.flac")
    for name in ("a.wav", "b.wav", "lonely.wav"):
        soundfile.write(tmp_path / "noisy" / name, noisy, RATE, "FLOAT")
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / "clean" / name, reference, RATE, "FLOAT")
    (tmp_path / "noisy" / "text.wav").write_text("no audio")
    folders = [tmp_path / name for name in ("noisy", "out")]
    status, out, err = run("enhance", *folders, "--reference", tmp_path / "clean", "--report", tmp_path / "scores.csv")
    assert status == 2 and "1 of 4 recordings were not enhanced" in err
    lines = [line.split() for line in out.splitlines()]
    before = [speech.score_pair(name, reference, noisy, RATE) for name in gains.METRICS]
    after = [speech.score_pair(name, reference, noisy / 2, RATE) for name in gains.METRICS]
    figures = [f"{score:.3f}" for score in before]
    assert lines[0] == ["recording", "audio", *gains.METRICS, "error"]
    assert ["a.wav", "noisy", *figures] in lines and ["mean", "noisy", *figures] in lines
    assert ["gain", *(f"{y - x:+.3f}" for x, y in zip(before, after, strict=True))] in lines
    assert ["scored", "2", "2", "2", "2"] in lines and ["failed", "2", "2", "2", "2"] in lines
    assert any(line[:6] == ["lonely.wav", "noisy", "-", "-", "-", "-"] and "file;" in line for line in lines)

    with open(tmp_path / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["audio"] for row in rows] == 4 * ["noisy", "enhanced", "gain"]
    assert float(rows[1]["si-sdr"]) == pytest.approx(after[-1]) and rows[-1]["stoi"] == "nan"
    assert rows[-2]["error"] == "was not enhanced"


def test_a_gain_is_the_score_after_minus_that_before():
    noisy, enhanced = (scoring.Row(None, {"stoi": score}, "") for score in (0.5, 0.75))
    assert gains.Report("a.wav", noisy, enhanced).gain("stoi") == 0.25
