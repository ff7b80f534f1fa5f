"""`zoo evaluate quality-net --pairs`: true and predicted scores of any number of pairs, and their agreement."""

import csv
import dataclasses
import itertools
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.evaluation import evaluate as run_command
from tests.support.harness import REPOSITORY, kill_after_lines
from zoo.audio import io
from zoo.checkpoint import preset, registry
from zoo.errors import InputError
from zoo.metrics import speech
from zoo.quality_net import evaluate, report, train
from zoo.quality_net.examples import VARIETY
from zoo.quality_net.model import QualityNetLite

AUDIO = REPOSITORY / "zoo" / "data" / "audio"
RECIPE = train.Recipe("x", "QualityNetLite", "stoi")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    directory = tmp_path_factory.mktemp("checkpoint") / "model"
    card = {"name": "x", "training": {"recipe": dataclasses.asdict(RECIPE)}}
    preset.save(QualityNetLite(), directory, card=card)
    return directory


@pytest.fixture
def table(tmp_path):
    """A CSV of 24 pairs: a recording and its degraded, one and itself, and one that is not there, in turn."""
    names = itertools.cycle(["speech_degraded.flac", "speech_reference.flac", "nothing.flac"])
    conditions = itertools.cycle([("noisy", 5), ("clean", ""), ("noisy", "25.50"), ("codec", ""), ("", "")])
    rows = [(AUDIO / "speech_reference.flac", AUDIO / next(names), *next(conditions)) for _ in range(24)]
    with open(tmp_path / "pairs.csv", "w", newline="") as file:
        csv.writer(file).writerows([("reference", "degraded", "kind", "snr_db"), *rows])
    return tmp_path / "pairs.csv"


@pytest.fixture
def run(checkpoint, table, capsys):
    """Evaluate the pairs in this process, with more arguments; gives stdout and stderr."""

    def command(*more):
        run_command(*arguments(checkpoint, table, *more))
        return capsys.readouterr()

    return command


def arguments(checkpoint, table, *more):
    """The arguments of `zoo evaluate`; in this process alone where `more` does not say another number of them."""
    options = ["quality-net", "--checkpoint", checkpoint, "--pairs", table, "--jobs", 1, *more]
    return [str(option) for option in options]


def check_alike(actual, expected):
    """The same rows; other processes may sum in another order."""
    for row, other in itertools.zip_longest(csv.reader(actual.open()), csv.reader(expected.open())):
        assert row[:4] + row[6:] == other[:4] + other[6:]
        for value, known in zip(row[4:6], other[4:6], strict=True):
            assert value == known or float(value) == pytest.approx(float(known), abs=1e-6)


def test_every_row_is_written_and_counted(run, checkpoint, tmp_path):
    printed = run("--output", tmp_path / "scores.csv", "--scatter", tmp_path / "scatter.png")
    assert [line.split()[:5] for line in printed.out.splitlines()] == [
        ["all", "n", "16", "failed", "8"],
        ["noisy", "n", "6", "failed", "4"],
        ["clean", "n", "4", "failed", "1"],
        ["other", "n", "6", "failed", "3"],
        ["codec", "n", "3", "failed", "2"],
        ["snr", "0..10", "n", "3", "failed"],
        ["snr", "20..30", "n", "3", "failed"],
    ]
    assert printed.err.count("nothing.flac: no such file") == 8
    assert (tmp_path / "scatter.png").stat().st_size > 1000
    header, *rows = csv.reader((tmp_path / "scores.csv").open())
    assert header == ["reference", "degraded", "kind", "snr_db", "truth", "predicted", "error"] and len(rows) == 24
    assert [row[2:4] for row in rows[:5]] == [
        ["noisy", "5"],
        ["clean", "nan"],
        ["noisy", "25.50"],
        ["codec", "nan"],
        ["other", "nan"],
    ]
    reference, degraded = (io.read(AUDIO / f"speech_{name}.flac", 16000)[0] for name in ("reference", "degraded"))
    predicted = preset.load(checkpoint).score(reference, degraded, 16000)[0]
    assert float(rows[0][4]) == speech.score_or_nan("stoi", reference, degraded, 16000)
    assert float(rows[0][5]) == pytest.approx(predicted, abs=1e-6) and rows[0][6] == ""
    assert rows[2][4:6] == ["nan", "nan"] and "nothing.flac: no such file" in rows[2][6]


def test_any_error_of_a_library_is_that_rows_message(run, tmp_path, monkeypatch):
    read, calls = evaluate.pairs.read, []

    def fail(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise ValueError("array is too big\nand more")
        return read(*arguments)

    monkeypatch.setattr(evaluate.pairs, "read", fail)
    run("--output", tmp_path / "scores.csv")
    _, *rows = csv.reader((tmp_path / "scores.csv").open())
    assert len(rows) == 24 and rows[1][4:] == ["nan", "nan", "ValueError: array is too big"]
    assert rows[0][6] == rows[3][6] == ""


def test_nothing_is_written_that_was_not_asked_for(run, tmp_path):
    before = set(tmp_path.iterdir())
    assert run().out.startswith("all                   n    16  failed   8")
    assert set(tmp_path.iterdir()) == before


@pytest.mark.slow
def test_a_killed_evaluation_goes_on(run, checkpoint, table, tmp_path):
    printed = run("--output", tmp_path / "expected.csv")
    output, part = tmp_path / "found.csv", tmp_path / "found.csv.part"
    script = (
        "import sys, time\nfrom zoo import cli\nfrom zoo.audio import pairs\nwhole = pairs.read\n"
        "def slowly(*arguments, **named):\n    time.sleep(0.1)\n    return whole(*arguments, **named)\n"
        "pairs.read = slowly\ncli.main(['evaluate', *sys.argv[1:]])"
    )
    command = [sys.executable, "-c", script, *arguments(checkpoint, table, "--output", output)]
    running = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    kill_after_lines(running, part, 5)
    assert not output.exists() and 5 < len(part.read_text().splitlines()) < 24
    with open(part, "a") as file:
        file.write("/a/torn/line,with")
    assert run("--output", output, "--resume").out == printed.out
    check_alike(output, tmp_path / "expected.csv")


def test_a_whole_evaluation_is_not_done_again(run, tmp_path, monkeypatch):
    output = tmp_path / "found.csv"
    printed, done = run("--output", output), output.read_text()
    monkeypatch.setattr(evaluate, "_score", lambda *_: pytest.fail("scored again"))
    assert run("--output", output, "--resume").out == printed.out and output.read_text() == done


def test_rows_of_other_pairs_are_refused(run, table, tmp_path):
    run("--output", tmp_path / "found.csv")
    table.write_text(table.read_text().replace("25.50", "15.50", 1))
    with pytest.raises(InputError, match=r"row 3 of .*found\.csv\.part is of other recordings"):
        run("--output", tmp_path / "found.csv", "--resume")


def test_an_snr_that_is_no_number_is_an_error_of_its_row(run, table, tmp_path):
    table.write_text(table.read_text().replace(",5\n", ",5 dB\n").replace(",5\r\n", ",5 dB\r\n"))
    printed = run("--output", tmp_path / "found.csv")
    assert printed.out.startswith("all                   n    13  failed  11")
    assert "has the snr_db '5 dB'; give a number, in dB" in printed.err
    assert run("--output", tmp_path / "found.csv", "--resume").out == printed.out


@pytest.mark.parametrize(
    "more, says",
    [
        (["--resume"], "--resume goes on with a CSV; name it by --output"),
        (["--output", "nowhere/scores.csv"], "nowhere/scores.csv: its folder does not exist"),
        (["--scatter", "nowhere/scatter.png"], "nowhere/scatter.png: its folder does not exist"),
    ],
)
def test_what_cannot_be_written_is_refused_at_once(run, monkeypatch, more, says):
    monkeypatch.setattr(evaluate, "_score", None)
    with pytest.raises(InputError, match=says):
        run(*more)


def test_a_split_and_pairs_are_not_taken_together(run):
    with pytest.raises(InputError, match="give one of them"):
        run("--split", "test2")


@pytest.mark.parametrize("more", [["--backend", "dask"], ["--resume"], ["--output", "scores.csv"]])
def test_what_goes_with_pairs_is_refused_without(checkpoint, more):
    with pytest.raises(InputError, match="go with --pairs"):
        run_command("quality-net", "--checkpoint", checkpoint, *more)


@pytest.mark.slow
def test_a_dask_cluster_of_two_evaluates_too(run, tmp_path):
    distributed = pytest.importorskip("distributed")
    import dask

    run("--output", tmp_path / "expected.csv")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        dask.config.set({"scheduler-address": cluster.scheduler_address}),
        distributed.Client(cluster) as client,
    ):
        run("--output", tmp_path / "found.csv", "--backend", "dask", "--jobs", -1)
        # Both loaded the surrogate, once each, and this process did not score for them.
        loaded = client.run(lambda: evaluate._model.cache_info().misses)
    assert list(loaded.values()) == [1, 1]
    check_alike(tmp_path / "found.csv", tmp_path / "expected.csv")


@pytest.mark.parametrize(
    ("name", "drawn"),
    [
        ("test2", ("test2", 2048, {})),
        ("varied", ("test", 2048, {"variety": VARIETY})),
        ("lengths", ("test", 512, {"seconds": (1.0, 3.0, 10.0, 30.0)})),
    ],
)
def test_further_test_pairs_go_into_the_card_beside_the_first(checkpoint, tmp_path, monkeypatch, name, drawn):
    directory, calls = shutil.copytree(checkpoint, tmp_path / "mine"), []
    chunks = SimpleNamespace(audio=[], facts=[{"kind": "noisy", "snr_db": 5.0}] * 2)

    def prepare(recipe, data, runs, split, n_jobs, **options):
        calls.append((split, recipe.n_test, options))
        return chunks, np.array([0.5, 0.6])

    monkeypatch.setattr(report, "prepare", prepare)
    monkeypatch.setattr(evaluate, "predict", lambda model, chunks: np.array([0.5, 0.7]))
    first = {"results": {"all": "of the first"}}
    registry_card = registry.info(directory) | {"evaluation": first}
    report.write_card(directory, registry_card)
    run_command("quality-net", "--checkpoint", f"{directory}/", "--split", name)
    card = registry.info(directory)
    assert calls == [drawn] and card["evaluation"] == first
    assert card[name]["results"]["all"]["mae"][0] == pytest.approx(0.05)
    assert card[name]["command"].endswith(f"mine/ --split {name}") and card[name]["commit"]
    assert not list(directory.glob("*.png"))


def test_a_trained_checkpoint_gets_its_plots_and_card(checkpoint, tmp_path, monkeypatch, capsys):
    directory = shutil.copytree(checkpoint, tmp_path / "mine")
    audio = np.random.default_rng(0).integers(-3000, 3000, (2, 2, 32000)).astype("int16")
    chunks = SimpleNamespace(audio=[audio], facts=[{"kind": "noisy", "snr_db": 5.0}] * 2)
    monkeypatch.setattr(report, "prepare", lambda *_: (chunks, np.array([0.5, 0.6])))
    monkeypatch.setattr(evaluate, "_ASCENT_STEPS", (0, 1))
    report.evaluate_checkpoint(directory, "data", tmp_path / "runs", 1, "python again")
    card = registry.info(directory)
    assert card["evaluation"]["results"]["all"]["n"] == 2 and card["gradient"]["steps"] == [0, 1]
    for facts in (card["evaluation"], card["gradient"]):
        assert facts["command"] == "python again" and facts["data"].startswith("pairs of the test split")
    assert {path.name for path in directory.glob("*.png")} == {"scatter.png", "gradient.png"}
    assert capsys.readouterr().out.startswith("all                   n     2")
