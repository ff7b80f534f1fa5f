"""`zoo distance` as a user runs it: its columns, what it takes that `zoo score` refuses, and the two commands' hints."""

import csv
import json

import numpy as np
import pytest
import soundfile

import zoo
from tests.support.harness import REPOSITORY, data_path
from zoo import cli, scoring
from zoo.audio import io
from zoo.checkpoint import registry
from zoo.cli import distance
from zoo.jnd.model import JND
from zoo.quality_net.model import QualityNetLite

RATE = 22050
AUDIO = REPOSITORY / "zoo" / "data" / "audio"
REFERENCE, DEGRADED = AUDIO / "speech_reference.flac", AUDIO / "speech_degraded.flac"


@pytest.fixture(scope="module")
def model():
    """A small network with random weights; its head has no negative ones, so that probabilities differ."""
    model, rng = JND(channels=(4, 4, 8)), np.random.default_rng(0)
    model.set_weights([rng.standard_normal(weight.shape) for weight in model.get_weights()])
    model.head.set_weights([rng.random(weight.shape) / 2 for weight in model.head.get_weights()])
    return model


@pytest.fixture(scope="module")
def metric(model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("metric") / "jnd"
    zoo.save(model, directory)
    return f"{directory}/"


@pytest.fixture(scope="module")
def recordings():
    """One second of the speech, clean and noisy, at the network's rate."""
    return [io.read(path, RATE, resample=True)[0][RATE : 2 * RATE] for path in (REFERENCE, DEGRADED)]


@pytest.fixture(scope="module")
def folders(recordings, tmp_path_factory):
    """Two folders, of which good.wav, muted.wav and silent.wav can be measured as they are."""
    root = tmp_path_factory.mktemp("folders")
    reference, degraded = recordings
    files = {
        "good.wav": (reference, degraded, RATE),
        "muted.wav": (reference, 0 * degraded, RATE),
        "silent.wav": (0 * reference, 0 * degraded, RATE),
        "short.wav": (reference, degraded[:-1000], RATE),
        "long.wav": (reference[:-1000], degraded, RATE),
        "stereo.wav": (reference, np.stack([degraded, degraded], axis=1), RATE),
        "rate.wav": (io.resample(reference, RATE, 44100), io.resample(degraded, RATE, 44100), 44100),
        "vanishing.wav": (reference[:1], degraded[:1], 48000),
    }
    for name, (*pair, rate) in files.items():
        for folder, audio in zip(("reference", "degraded"), pair, strict=True):
            (root / folder).mkdir(exist_ok=True)
            soundfile.write(root / folder / name, audio, rate, subtype="FLOAT")
    soundfile.write(root / "reference" / "lonely.wav", reference, RATE)
    return root / "reference", root / "degraded"


REASONS = {
    "short.wav": "align and cut them to one length, or pad the shorter (--pad",
    "long.wav": "align and cut them to one length, or pad the shorter (--pad",
    "stereo.wav": "differ in channels, 1 and 2: downmix them (--downmix",
    "rate.wav": "is at 44100 Hz, 22050 Hz is needed; resample it",
    "vanishing.wav": "is at 48000 Hz, 22050 Hz is needed; resample it",
    "lonely.wav": "no such file",
}


def scores(out):
    """The only pair's (distance, probability) of a JSON report, and of it alone."""
    (pair,) = json.loads(out)["pairs"]
    assert pair["error"] is None
    return tuple(pair["scores"].values())


def expected(model, reference, degraded):
    return tuple(float(f(reference, degraded, RATE)[0]) for f in (model.distance, model.probability))


def test_a_pair_has_its_distance_and_probability(run, folders, metric, model, recordings):
    paths = [folder / "good.wav" for folder in folders]
    value, probability = expected(model, *recordings)
    assert value > 0.01 and 0.01 < probability < 0.99
    status, out, err = run("distance", *paths, "--metric", metric)
    header, _, row = out.splitlines()
    assert status == 0 and err == "" and header.split("  ")[-1] == f"{metric} P(different)"
    assert row.split() == [str(paths[1]), f"{value:.3f}", f"{probability:.3f}"]

    status, out, _ = run("distance", paths[0], paths[0], "--metric", metric, "--json", "-")
    assert status == 0 and scores(out) == expected(model, recordings[0], recordings[0])
    # Not exactly 0: the two are rows of one batch, which some processors add up in orders of their own.
    assert scores(out)[0] == pytest.approx(0, abs=1e-6) and scores(out)[1] != pytest.approx(probability, abs=1e-3)


def test_folders_measure_the_good_and_explain_the_rest(run, folders, metric, model, recordings, tmp_path):
    written = "--csv", tmp_path / "o.csv", "--json", tmp_path / "o.json"
    status, out, err = run("distance", *folders, "--metric", metric, *written)
    assert status == 2 and err == "zoo: 6 of 9 pairs have an error; their rows say what to do\n"
    lines = {line.split()[0]: line for line in out.splitlines()}
    for name, reason in REASONS.items():
        assert reason in lines[name] and lines[name].split()[1:3] == ["-", "-"]
    assert lines["scored"].split()[1:] == ["3", "3"] and lines["failed"].split()[1:] == ["6", "6"]

    clean, noisy = recordings
    values = {
        "good.wav": expected(model, clean, noisy),
        "muted.wav": expected(model, clean, 0 * clean),
        "silent.wav": expected(model, 0 * clean, 0 * clean),
    }
    assert values["silent.wav"][0] == pytest.approx(0, abs=1e-6) and values["muted.wav"][0] > 1e-3
    columns = [metric, f"{metric} P(different)"]
    with open(tmp_path / "o.csv", newline="") as file:
        rows = {row["degraded"]: row for row in csv.DictReader(file)}
    for name, value in values.items():
        row = rows[str(folders[1] / name)]
        assert [float(row[column]) for column in columns] == pytest.approx(value, rel=1e-6) and not row["error"]
    assert rows[str(folders[1] / "short.wav")][columns[1]] == "nan"

    report = json.loads((tmp_path / "o.json").read_text())
    for column, cells in zip(columns, zip(*values.values(), strict=True), strict=True):
        assert report["summary"][column] == {"mean": pytest.approx(np.mean(cells), rel=1e-6), "n": 3, "n_failed": 6}
    assert all((pair["scores"][columns[0]] is None) == (pair["error"] is not None) for pair in report["pairs"])


@pytest.mark.parametrize("name", ["short.wav", "long.wav"])
def test_pad_ends_the_shorter_in_silence(run, folders, metric, model, recordings, name):
    (reference, degraded), short = (x.copy() for x in recordings), slice(-1000, None)
    (degraded if name == "short.wav" else reference)[short] = 0
    status, out, _ = run("distance", *(folder / name for folder in folders), "--metric", metric, "--pad", "--json", "-")
    assert status == 0 and scores(out) == pytest.approx(expected(model, reference, degraded), rel=1e-6)


def test_resample_and_downmix(run, folders, metric, model, recordings):
    good = expected(model, *recordings)
    for name, option, tolerance in (("stereo.wav", "--downmix", 1e-6), ("rate.wav", "--resample", 0.05)):
        command = "distance", *(folder / name for folder in folders), option, "--metric", metric, "--json", "-"
        status, out, _ = run(*command)
        assert status == 0 and scores(out) == pytest.approx(good, rel=tolerance)


def test_channels_are_compared_as_they_are(run, metric, model, recordings, tmp_path):
    paths, stereo = [], []
    for name, audio in zip(("reference", "degraded"), recordings, strict=True):
        stereo.append(np.stack([audio, 0.5 * audio[::-1]], axis=1))
        paths.append(tmp_path / f"{name}.wav")
        soundfile.write(paths[-1], stereo[-1], RATE, subtype="FLOAT")
    status, out, _ = run("distance", *paths, "--metric", metric, "--json", "-")
    judged = model.judge(*(x[None].astype("float32") for x in stereo), RATE)
    assert status == 0 and scores(out) == pytest.approx([float(one[0]) for one in judged], rel=1e-5)


def test_two_metrics_have_two_columns_each(run, folders, metric, tmp_path):
    zoo.save(JND(channels=(4, 8)), tmp_path / "other")
    metrics = metric, f"{tmp_path}/other/"
    options = [option for name in metrics for option in ("--metric", name)]
    status, out, _ = run("distance", *(folder / "good.wav" for folder in folders), *options, "--json", "-")
    names = list(json.loads(out)["summary"])
    assert status == 0 and names == [column for name in metrics for column in (name, f"{name} P(different)")]


def test_csv_of_pairs(run, folders, metric):
    table = folders[0].parent / "pairs.csv"
    table.write_text("reference,degraded\nreference/good.wav,degraded/good.wav\nreference/good.wav,\n")
    status, out, _ = run("distance", table, "--metric", metric, "--csv", "-")
    good, bad = csv.DictReader(out.splitlines())
    assert status == 2 and float(good[metric]) > 0 and bad["error"].startswith("row 2 lacks its reference or degraded")


def test_a_mistake_is_one_line_and_status_2(run, folders, metric):
    pair = [folder / "good.wav" for folder in folders]
    metric = "--metric", metric
    mistakes = {
        "give a degraded recording": (pair[0], *metric),
        "is a folder": (pair[0], AUDIO, *metric),
        "would mix on stdout": (*pair, *metric, "--csv", "-", "--json", "-"),
        "folder does not exist": (*pair, *metric, "--csv", "none/o.csv"),
        "none.wav: no such file": (pair[0], "none.wav", *metric),
        "(--pad, pad=True)": (*(folder / "short.wav" for folder in folders), *metric),
        "has no distance: a recording is empty": (
            *(folder / "vanishing.wav" for folder in folders), *metric, "--resample",
        ),
        "unknown metric zzz; `zoo list` names them\n": (*pair, "--metric", "zzz"),
        "zzz/' is no saved model": (*pair, "--metric", "zzz/"),
    }  # fmt: skip
    for message, arguments in mistakes.items():
        status, out, err = run("distance", *arguments)
        assert status == 2 and out == "" and err.startswith("zoo: ") and err.count("\n") == 1
        assert message in err


def test_each_command_names_the_other(run, metric, tmp_path):
    zoo.save(QualityNetLite(), tmp_path / "lite")
    hints = {
        ("distance", f"{tmp_path}/lite/"): "is a QualityNetLite, which measures no distance; use `zoo score`",
        ("distance", "pesq-wb"): "pesq-wb is a score, no distance; use `zoo score`",
        ("score", metric): "is a JND, which scores nothing; use `zoo distance`",
    }
    for (command, name), hint in hints.items():
        status, out, err = run(command, REFERENCE, DEGRADED, "--metric", name, "--resample")
        assert status == 2 and out == "" and err.endswith(f"{hint}\n")


def test_a_default_that_is_not_installed_is_said(run, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "root", lambda: tmp_path)
    scoring.meters.cache_clear()  # another test may have loaded it in this process
    status, _, err = run("distance", REFERENCE, DEGRADED)
    assert status == 2 and err == (
        f"zoo: {distance.DEFAULT_METRIC}, the default metric, is not installed; "
        "name a checkpoint or directory by --metric\n"
    )


def test_the_default_metric_is_a_checkpoint(run):
    if distance.DEFAULT_METRIC not in registry.names():
        pytest.skip(f"{distance.DEFAULT_METRIC} is not bundled yet")
    status, out, err = run("distance", REFERENCE, DEGRADED, "--resample", "--json", "-")
    value, probability = scores(out)
    assert status == 0 and err == "" and value > 0 and probability > 0.5


def test_help_shows_examples_and_what_the_columns_are(capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(["distance", "--help"])
    out = capsys.readouterr().out
    assert caught.value.code == 0 and "zoo distance pairs.csv" in out and "P(different), the probability" in out


def test_real_recordings(run, metric, model):
    """The sample audio of the authors is at the network's rate."""
    paths = [data_path("upstream_dpam", "sample_audio", name) for name in ("ref.wav", "4.wav")]
    status, out, _ = run("distance", *paths, "--metric", metric, "--json", "-")
    assert status == 0 and scores(out) == pytest.approx(expected(model, *(io.read(path)[0] for path in paths)))


def test_align_takes_a_delay_out_and_recordings_of_two_lengths(run, folders, metric, tmp_path):
    reference, degraded = (io.read(folder / "good.wav")[0] for folder in folders)
    soundfile.write(tmp_path / "late.wav", np.pad(degraded, (441, 0)), RATE, subtype="FLOAT")
    paths = folders[0] / "good.wav", folders[1] / "good.wav"
    aligned, good = (
        run("distance", paths[0], other, "--metric", metric, "--json", "-", *options)
        for other, options in ((tmp_path / "late.wav", ["--align"]), (paths[1], []))
    )
    assert aligned[0] == good[0] == 0 and scores(aligned[1]) == pytest.approx(scores(good[1]), rel=1e-5)
    soundfile.write(tmp_path / "same.wav", np.pad(degraded, (441, 0))[: len(reference)], RATE, subtype="FLOAT")
    assert "20.0 ms (441 samples) after" in run("distance", paths[0], tmp_path / "same.wav", "--metric", metric)[2]
