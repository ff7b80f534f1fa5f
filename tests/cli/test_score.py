"""`zoo score` as a user runs it: tables, files, exit status, and one line for each mistake."""

import csv
import json
import os
import re
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import soundfile

from tests.support.checkpoints import load
from tests.support.harness import REPOSITORY
from zoo import scoring
from zoo.audio import io
from zoo.checkpoint import network, registry
from zoo.cli import measure, score
from zoo.metrics import speech
from zoo.nn.inference import MeasuredRecordings

RATE = 16000
AUDIO = REPOSITORY / "zoo" / "data" / "audio"
REFERENCE, DEGRADED = AUDIO / "speech_reference.flac", AUDIO / "speech_degraded.flac"
FREE = "quality-net-free-pesq-wb-16k"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two folders, of which only good.wav and deep/good.wav can be scored as they are."""
    root = tmp_path_factory.mktemp("folders")
    reference, degraded = (io.read(path)[0] for path in (REFERENCE, DEGRADED))
    files = {
        "good.wav": (reference, degraded, RATE),
        "deep/good.wav": (reference, degraded, RATE),
        "stereo.wav": (reference, np.stack([degraded, degraded], axis=1), RATE),
        "rate.wav": (io.resample(reference, RATE, 48000), io.resample(degraded, RATE, 48000), 48000),
        "short.wav": (reference, degraded[:-RATE], RATE),
        "silent.wav": (reference, 0 * degraded, RATE),
        "empty.wav": (reference, degraded[:0], RATE),
        "tiny.wav": (reference[RATE : RATE + 2000], degraded[RATE : RATE + 2000], RATE),
    }
    for name, (*pair, rate) in files.items():
        for folder, audio in zip(("reference", "degraded"), pair, strict=True):
            path = root / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, audio, rate, subtype="FLOAT")
    (root / "reference" / "junk.wav").write_text("no audio")
    (root / "degraded" / "junk.wav").write_text("no audio")
    soundfile.write(root / "reference" / "lonely.wav", reference, RATE)
    soundfile.write(root / "degraded" / "orphan.wav", reference, RATE)
    return root / "reference", root / "degraded"


REASONS = {
    "stereo.wav": "has 2 channels, mono is needed; downmix it",
    "rate.wav": "is at 48000 Hz, 16000 Hz is needed; resample it",
    "short.wav": "align and cut them to one length",
    "silent.wav": "is silent",
    "empty.wav": "holds no samples",
    "tiny.wav": "PESQ needs 0.25 s at least",
    "junk.wav": "cannot be read",
    "lonely.wav": "no such file",
    "orphan.wav": "no such file",
}


def true_metrics():
    return [argument for name in speech.METRICS for argument in ("--metric", name)]


def test_the_names_of_true_metrics_are_those_of_the_module():
    assert set(score.TRUE_METRICS) == set(speech.METRICS)


def test_score_prints_a_table(run):
    status, out, err = run("score", REFERENCE, DEGRADED, *true_metrics())
    header, _, row = out.splitlines()
    assert status == 0 and err == "" and header.split() == ["degraded", *speech.METRICS]
    pair = [io.read(path)[0] for path in (REFERENCE, DEGRADED)]
    expected = [f"{speech.score_pair(name, *pair, RATE):.3f}" for name in speech.METRICS]
    assert row.split() == [str(DEGRADED), *expected]


def test_folders_score_the_good_and_explain_the_rest(run, folders, tmp_path):
    status, out, err = run(
        "score", *folders, "--metric", "pesq-wb", "--csv", tmp_path / "o.csv", "--json", tmp_path / "o.json"
    )
    assert status == 2 and err == "zoo: 9 of 11 pairs have an error; their rows say what to do\n"
    lines = {line.split()[0]: line for line in out.splitlines()}
    for name, reason in REASONS.items():
        assert reason in lines[name] and lines[name].split()[1] == "-"
    true = speech.score_pair("pesq-wb", *(io.read(path)[0] for path in (REFERENCE, DEGRADED)), RATE)
    assert lines["good.wav"].split()[1:] == lines["deep/good.wav"].split()[1:] == [f"{true:.3f}"]
    assert lines["mean"].split() == ["mean", f"{true:.3f}"]
    assert (lines["scored"].split()[1], lines["failed"].split()[1]) == ("2", "9")

    with open(tmp_path / "o.csv", newline="") as file:
        rows = {row["degraded"]: row for row in csv.DictReader(file)}
    assert float(rows[str(folders[1] / "good.wav")]["pesq-wb"]) == pytest.approx(true, abs=1e-6)
    assert rows[str(folders[1] / "silent.wav")]["pesq-wb"] == "nan"
    report = json.loads((tmp_path / "o.json").read_text())
    assert report["summary"]["pesq-wb"] == {"mean": pytest.approx(true, abs=1e-6), "n": 2, "n_failed": 9}
    assert sum(pair["error"] is None for pair in report["pairs"]) == 2
    assert all((pair["scores"]["pesq-wb"] is None) == (pair["error"] is not None) for pair in report["pairs"])


@pytest.mark.parametrize("name", [name for name in REASONS if name not in ("lonely.wav", "orphan.wav")])
def test_one_pair_that_cannot_be_scored_is_one_line(run, folders, name):
    status, out, err = run("score", folders[0] / name, folders[1] / name, "--metric", "pesq-wb")
    assert status == 2 and out == "" and REASONS[name] in err
    assert err.startswith("zoo: ") and err.count("\n") == 1


def test_resample_and_downmix(run, folders):
    for name, option in (("rate.wav", "--resample"), ("stereo.wav", "--downmix")):
        status, out, _ = run("score", *(folder / name for folder in folders), option, "--metric", "pesq-wb")
        good = speech.score_pair("pesq-wb", *(io.read(path)[0] for path in (REFERENCE, DEGRADED)), RATE)
        assert status == 0 and float(out.split()[-1]) == pytest.approx(good, abs=0.02)


def test_csv_of_pairs_is_relative_to_its_folder(run, folders, tmp_path, monkeypatch):
    table = folders[0].parent / "pairs.csv"
    table.write_text("degraded,reference,note\ndegraded/good.wav,reference/good.wav,x\n,reference/good.wav,y\n")
    monkeypatch.chdir(tmp_path)
    status, out, _ = run("score", table, "--metric", "stoi", "--json", "-")
    report = json.loads(out)
    assert status == 2 and report["summary"]["stoi"]["n"] == 1
    assert report["pairs"][1]["error"] == "row 2 lacks its reference or degraded; fill it in"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["score", REFERENCE], "give a degraded recording"),
        (["score", REFERENCE, AUDIO], "is a folder"),
        (
            ["score", REFERENCE, DEGRADED, "--metric", "pesq-wd"],
            "unknown metric pesq-wd; did you mean pesq-wb",
        ),
        (["score", REFERENCE, DEGRADED, "--metric", "zzz"], "unknown metric zzz; `zoo list` names them"),
        (["score", REFERENCE, DEGRADED, "--metric", "stoi", "--csv", "none/o.csv"], "folder does not exist"),
        (["score", REFERENCE, DEGRADED, "--metric", "stoi", "--json", AUDIO], "is a folder"),
        (["score", REFERENCE, DEGRADED, "--csv", "-", "--json", "-"], "would mix on stdout"),
        (["score", "none.csv", "--metric", "stoi"], "none.csv: no such file; check the path"),
        (["score", REFERENCE, "none.wav", "--metric", "stoi"], "none.wav: no such file"),
        (["score", REFERENCE, DEGRADED, "--volume"], "--volume"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(run, arguments, message):
    status, out, err = run(*arguments)
    assert status == 2 and out == "" and err.startswith("zoo: ") and err.count("\n") == 1
    assert re.search(message, err)


def test_csv_without_the_columns(run, tmp_path):
    (tmp_path / "pairs.csv").write_text("clean,noisy\na.wav,b.wav\n")
    status, _, err = run("score", tmp_path / "pairs.csv", "--metric", "stoi")
    assert status == 2 and "needs the columns reference and degraded" in err


def test_an_enhancer_scores_nothing(run, tmp_path):
    pytest.importorskip("keras")
    import zoo
    from zoo.enhancement.model import DNNEnhancer

    zoo.save(DNNEnhancer(units=4), tmp_path / "dnn")
    status, out, err = run("score", REFERENCE, DEGRADED, "--metric", f"{tmp_path}/dnn/")
    assert status == 2 and out == "" and "is a DNNEnhancer, which scores nothing; use `zoo enhance`" in err


def test_a_folder_that_holds_another_model_is_refused(run, tmp_path):
    keras = pytest.importorskip("keras")
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]).save(tmp_path / "model.keras")
    zipfile.ZipFile(tmp_path / "model.keras").extractall(tmp_path / "model")
    status, _, err = run("score", REFERENCE, DEGRADED, "--metric", tmp_path / "model/")
    assert status == 2 and err.startswith("zoo: ") and err.count("\n") == 1


def test_the_default_metric_is_a_checkpoint_and_quiet():
    """A fresh process, so that TensorFlow's start-up messages would show."""
    if score.DEFAULT_METRIC not in registry.names():
        pytest.skip(f"{score.DEFAULT_METRIC} is not bundled yet")
    command = [sys.executable, "-m", "zoo", "score", str(REFERENCE), str(DEGRADED), "--json", "-"]
    environment = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    result = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    # What TensorFlow 2.18 and later say before their log level counts.
    unavoidable = ("absl::InitializeLog", "Could not find cuda drivers")
    noise = [line for line in result.stderr.splitlines() if not any(words in line for words in unavoidable)]
    assert result.returncode == 0 and noise == []
    (pair,) = json.loads(result.stdout)["pairs"]
    true = speech.score_pair("pesq-wb", *(io.read(path)[0] for path in (REFERENCE, DEGRADED)), RATE)
    assert pair["scores"][score.DEFAULT_METRIC] == pytest.approx(true, abs=0.6)


def test_an_interval_is_two_columns_more_of_a_checkpoint_and_none_of_a_true_metric(run, folders):
    name = score.DEFAULT_METRIC
    arguments = ["--metric", name, "--metric", "stoi", "--interval", "--json", "-"]
    status, out, _ = run("score", *folders, *arguments)
    scores = json.loads(out)["pairs"][0]["scores"]
    assert status == 2 and list(scores) == [name, f"{name} low", f"{name} high", "stoi"]
    assert scores[f"{name} low"] <= scores[name] <= scores[f"{name} high"]
    status, out, err = run("score", REFERENCE, DEGRADED, "--metric", "quality-net-tiny-pesq-wb-16k", "--interval")
    assert status == 2 and out == ""
    assert err == f"zoo: quality-net-tiny-pesq-wb-16k has no intervals: leave out --interval, or score by {name}\n"


def test_one_pair_without_a_score_writes_no_file(run, folders, tmp_path):
    pair = [folder / "silent.wav" for folder in folders]
    status, out, err = run("score", *pair, "--metric", "stoi", "--csv", tmp_path / "o.csv", "--jobs", 2)
    assert status == 2 and out == "" and "silent.wav: is silent; use another recording" in err
    assert not list(tmp_path.iterdir())
    assert run("score", *pair, "--metric", "stoi", "--csv", "-")[1] == ""


def test_one_pair_is_resumed_like_many(run, tmp_path, monkeypatch):
    command = "score", REFERENCE, DEGRADED, "--metric", "si-sdr", "--csv", tmp_path / "o.csv"
    status, out, _ = run(*command)
    monkeypatch.setattr(measure, "score_pair", None)
    assert status == 0 and run(*command, "--resume")[:2] == (0, out)


def test_a_checkpoint_that_gives_no_score_says_so(run, monkeypatch):
    class Model(MeasuredRecordings):
        def score(self, reference, degraded, sample_rate):
            return np.array([np.nan])

    scoring.meters.cache_clear()  # an equal meter of another test would be taken
    monkeypatch.setattr(network, "load", lambda source: Model())
    status, _, err = run("score", REFERENCE, DEGRADED)
    scoring.meters.cache_clear()
    assert status == 2 and "quality-net-lite-pesq-wb-16k: the recording is too short or too quiet" in err


@pytest.fixture(scope="module")
def late(tmp_path_factory):
    """The reference and the same 10 ms late, and the degraded recording as late, each as long as the reference."""
    folder = tmp_path_factory.mktemp("late")
    for path in (REFERENCE, DEGRADED):
        audio, _ = io.read(path)
        soundfile.write(folder / path.name, np.pad(audio, (160, 0))[: len(audio)], RATE, subtype="PCM_16")
    return folder


def test_a_delay_is_said_and_align_takes_it_out(run, late):
    metrics = "--metric", score.DEFAULT_METRIC, "--metric", "si-sdr", "--metric", "pesq-wb", "--json", "-"
    status, out, err = run("score", REFERENCE, late / REFERENCE.name, *metrics)
    (pair,) = json.loads(out)["pairs"]
    assert status == 0 and err.count("\n") == 1 and "is 10.0 ms (160 samples) after its reference" in err
    assert "--align takes the delay out" in err and pair["error"] is None
    assert pair["scores"][score.DEFAULT_METRIC] < 3 and pair["scores"]["si-sdr"] < 10

    status, out, err = run("score", REFERENCE, late / REFERENCE.name, "--align", *metrics)
    scores = json.loads(out)["pairs"][0]["scores"]
    assert status == 0 and err == "" and scores["si-sdr"] > 100
    assert scores[score.DEFAULT_METRIC] > 4 and scores["pesq-wb"] == pytest.approx(4.64, abs=0.01)


def test_a_delay_is_not_said_where_the_metric_finds_it_or_nothing_is_late(run, late):
    assert run("score", REFERENCE, late / DEGRADED.name, "--metric", "pesq-wb")[2] == ""
    assert run("score", REFERENCE, DEGRADED, "--metric", "si-sdr")[2] == ""


def test_many_delays_are_counted(run, late, tmp_path):
    table = tmp_path / "pairs.csv"
    table.write_text("reference,degraded\n" + f"{REFERENCE},{late / DEGRADED.name}\n" * 6)
    status, _, err = run("score", table, "--metric", "si-sdr")
    assert status == 0 and err.count("160 samples") == 3 and "6 of 6 degraded recordings are not in time" in err


def test_recordings_are_scored_without_references(run, folders, tmp_path):
    recording, rate = io.read(DEGRADED)
    expected = load(FREE).score(recording, rate)[0]
    status, out, err = run("score", DEGRADED, "--metric", FREE)
    assert status == 0 and err == "" and float(out.split()[-1]) == pytest.approx(expected, abs=2e-3)
    status, out, err = run("score", folders[1], "--metric", FREE, "--csv", tmp_path / "o.csv", "--json", "-")
    with open(tmp_path / "o.csv", newline="") as file:
        rows = {row["degraded"]: row for row in csv.DictReader(file)}
    good = rows[str(folders[1] / "good.wav")]
    assert status == 2 and good["reference"] == "" and float(good[FREE]) == pytest.approx(expected, abs=1e-4)
    assert "is silent" in rows[str(folders[1] / "silent.wav")]["error"]
    assert "too short or too quiet" in rows[str(folders[1] / "tiny.wav")]["error"]
    assert {pair["reference"] for pair in json.loads(out)["pairs"]} == {None}


def test_a_column_of_recordings_is_scored_and_resumed(run, tmp_path, monkeypatch):
    table = tmp_path / "calls.csv"
    table.write_text(f"degraded\n{DEGRADED}\n{REFERENCE}\n")
    command = "score", table, "--metric", FREE, "--csv", tmp_path / "o.csv"
    status, out, _ = run(*command)
    assert status == 0 and [line.split()[0] for line in out.splitlines()[2:4]] == [str(DEGRADED), str(REFERENCE)]
    monkeypatch.setattr(measure, "score_pair", None)
    assert run(*command, "--resume")[:2] == (0, out)


def test_of_pairs_a_metric_without_a_reference_hears_the_degraded_recording(run, late):
    """It minds no delay, and stands beside metrics that compare."""
    status, out, err = run("score", REFERENCE, late / DEGRADED.name, "--metric", FREE, "--metric", "pesq-wb")
    alone = run("score", late / DEGRADED.name, "--metric", FREE)[1]
    assert status == 0 and err == "" and out.split()[-2] == alone.split()[-1]


@pytest.mark.parametrize("metrics", [(), ("--metric", FREE, "--metric", "stoi")])
def test_a_metric_that_compares_asks_for_the_other_recording(run, metrics):
    status, out, err = run("score", DEGRADED, *metrics)
    asks = "zoo: give a degraded recording or folder too, or one CSV file"
    hint = "" if metrics else f"; or score it alone by --metric {FREE}"
    assert status == 2 and out == "" and err == f"{asks}{hint}\n"
