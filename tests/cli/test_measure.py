"""What `zoo score` and `zoo distance` share: sums of rows, errors of a pair, hints about models."""

import math
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from tests.support.harness import REPOSITORY
from zoo.audio.pairs import Pair
from zoo.cli import measure
from zoo.errors import InputError
from zoo.scoring import Row

AUDIO = REPOSITORY / "zoo" / "data" / "audio"
PAIR = Pair("a", AUDIO / "speech_reference.flac", AUDIO / "speech_degraded.flac")


def meter(value, rates=None):
    """A meter that gives a value, or raises it."""

    def function(reference, degraded, sample_rate):
        if isinstance(value, Exception):
            raise value
        return (value,)

    return measure.Meter(rates, ("x",), function)


def test_results_sum_what_has_a_score_and_keep_the_first_rows(monkeypatch):
    monkeypatch.setattr(measure, "_MOST_ROWS", 2)
    rows = [Row(PAIR, {"x": 1.0}, ""), Row(PAIR, {"x": math.nan}, "no score"), Row(PAIR, {"x": 4.0}, "")]
    few, every = measure.Results(["x"], keep_all=False), measure.Results(["x"], keep_all=True)
    for results in (few, every):
        for row in rows:
            results.add(row)
        assert (results.n, results.n_failed) == (3, 1)
        assert results.summaries() == {"x": {"mean": 2.5, "n": 2, "n_failed": 1}}
    assert few.rows == rows[:2] and every.rows == rows


def test_a_mean_of_nothing_is_nan():
    assert math.isnan(measure.Results(["x"], keep_all=False).summaries()["x"]["mean"])


def test_a_pair_has_the_scores_of_every_metric_that_it_can_have():
    meters = {"one": meter(1.0), "two": measure.Meter(None, ("y",), meter(InputError("too\nshort")).function)}
    row = measure.score_pair(PAIR, meters)
    assert row.scores["x"] == 1.0 and math.isnan(row.scores["y"]) and row.error == "two: too short"


@pytest.mark.parametrize(
    "error", [ValueError("array is too big\nand more"), RuntimeError(""), MemoryError(), KeyError("x")]
)
def test_any_error_of_a_library_is_that_rows_message(monkeypatch, error):
    row = measure.score_pair(PAIR, {"one": meter(1.0), "two": measure.Meter(None, ("y",), meter(error).function)})
    assert row.scores["x"] == 1.0 and math.isnan(row.scores["y"])
    assert row.error.startswith(f"two: {type(error).__name__}: ") and "and more" not in row.error

    def fail(*_, **__):
        raise error

    monkeypatch.setattr(measure.pairs, "read", fail)
    assert measure.score_pair(PAIR, {"one": meter(1.0)}).error.startswith(f"{type(error).__name__}: ")


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_what_stops_a_run_is_no_message_of_a_row(stop):
    def function(*_):
        raise stop

    with pytest.raises(stop):
        measure.score_pair(PAIR, {"one": measure.Meter(None, ("x",), function)})


def test_an_error_that_two_metrics_share_is_told_once():
    wanted = {name: meter(1.0, rates=(8000,)) for name in ("one", "two")}
    assert measure.score_pair(PAIR, wanted).error.count("is at 16000 Hz") == 1


def test_a_pair_that_is_not_whole_is_not_read():
    broken = Pair("a", AUDIO / "none.wav", AUDIO / "none.wav", "row 2 lacks its reference")
    assert measure.score_pair(broken, {"one": meter(1.0)}).error == "row 2 lacks its reference"


@pytest.mark.parametrize(
    ("name", "command", "hint"),
    [
        ("stoj", "score", "did you mean stoi"),
        ("quality-net-lite-pesq-wb-16", "score", "did you mean quality-net-lite-pesq-wb-16k"),
        ("zzz", "score", "`zoo list` names them, or stoi"),
    ],
)
def test_a_wrong_metric_is_hinted_at(name, command, hint):
    with pytest.raises(InputError, match=hint):
        measure.checkpoint(name, None, command, ("stoi",))


@pytest.mark.parametrize("command", ["score", "distance"])
def test_an_empty_folder_is_one_error(run, tmp_path, command):
    status, out, err = run(command, AUDIO, tmp_path)
    assert status == 2 and out == "" and err.count("\n") == 1
    assert f"{tmp_path} holds no .wav" in err and "check the path" in err


@pytest.mark.parametrize("option", ["--csv", "--json"])
def test_a_disk_that_takes_nothing_is_known_before_the_work(run, tmp_path, monkeypatch, option):
    monkeypatch.setattr(measure.scoring, "meters", None)
    monkeypatch.setattr(measure.files, "beside", lambda path: path / "none" / "there")
    status, out, err = run("score", AUDIO, AUDIO, "--metric", "stoi", option, tmp_path / "o")
    assert status == 2 and out == "" and f"{tmp_path}/o: cannot be written (" in err and err.count("\n") == 1


def test_names_as_long_as_any_and_of_any_bytes_are_scored(run, tmp_path):
    names = ("a" * 245 + ".flac", "Bj\udcf6rk.flac", "\u65e5.flac")
    for folder in ("reference", "degraded"):
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).symlink_to(AUDIO / "speech_reference.flac")
    output = tmp_path / ("s" * 246 + ".csv")
    folders = tmp_path / "reference", tmp_path / "degraded"
    status, out, _ = run("score", *folders, "--metric", "si-sdr", "--csv", output, "--json", tmp_path / "o.json")
    assert status == 0 and "Bj\ufffdrk.flac" in out
    assert b"/Bj\xf6rk.flac," in output.read_bytes() and "Bj\ufffdrk.flac" in (tmp_path / "o.json").read_text("utf-8")


def test_a_warning_of_a_process_is_one_line(tmp_path):
    """Of recordings that were cut short; in the processes of --jobs as in the command's own."""
    audio = np.random.default_rng(0).uniform(-0.3, 0.3, 16000)
    for folder in ("clean", "noisy"):
        (tmp_path / folder).mkdir()
        for name in ("a.wav", "b.wav"):
            soundfile.write(tmp_path / folder / name, audio, 16000)
        cut = (tmp_path / folder / "a.wav").read_bytes()[:20044]
        (tmp_path / folder / "a.wav").write_bytes(cut)
    command = [sys.executable, "-m", "zoo", "score", tmp_path / "clean", tmp_path / "noisy", "--metric", "si-sdr"]
    done = subprocess.run([*command, "--jobs", "2"], capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if "cut short" in line]
    says = "is cut short: its header counts 32000 bytes, 20000 are there; get it again"
    assert sorted(lines) == [f"zoo: {tmp_path / folder / 'a.wav'}: {says}" for folder in ("clean", "noisy")]
    assert done.returncode == 0 and "InputWarning" not in done.stderr
