"""Scores of many pairs: in order, by several processes, written as they come, and gone on with after a kill."""

import csv
import functools
import itertools
import os
import shutil
import signal
import subprocess
import sys

import pytest

from tests.support.harness import REPOSITORY, kill_after_lines
from zoo import cli, scoring
from zoo.audio import pairs
from zoo.cli import measure, score
from zoo.errors import InputError

AUDIO = REPOSITORY / "zoo" / "data" / "audio"


@pytest.fixture
def table(tmp_path):
    """A CSV of 150 pairs, more than two processes are given at once.

    A recording and its degraded, a recording and itself, and one that is not there, in turn.
    """
    names = itertools.cycle(["speech_degraded.flac", "speech_reference.flac", "nothing.flac"])
    rows = [(AUDIO / "speech_reference.flac", AUDIO / name) for name in itertools.islice(names, 150)]
    with open(tmp_path / "pairs.csv", "w", newline="") as file:
        csv.writer(file).writerows([("reference", "degraded"), *rows])
    return tmp_path / "pairs.csv"


def command(table, output, *more):
    return ["score", str(table), "--metric", "si-sdr", "--csv", str(output), *more]


def check_alike(actual, expected):
    """The same rows; other processes may sum in another order."""
    for row, other in itertools.zip_longest(csv.reader(actual.open()), csv.reader(expected.splitlines())):
        assert row[:2] + row[3:] == other[:2] + other[3:]
        assert row[2] == other[2] or float(row[2]) == pytest.approx(float(other[2]), abs=1e-6, nan_ok=True)


@pytest.fixture
def expected(table, tmp_path, capsys):
    assert cli.main(command(table, tmp_path / "expected.csv")) == 2
    assert "50 of 150 pairs have an error" in capsys.readouterr().err
    return (tmp_path / "expected.csv").read_text()


def test_processes_keep_the_order_and_do_not_run_ahead():
    drawn = []

    def numbers():
        for number in range(500):
            drawn.append(number)
            yield -number

    rows = scoring.scored(abs, numbers(), jobs=2)
    assert next(rows) == 0 and len(drawn) <= 2 * scoring._AHEAD
    assert list(rows) == list(range(1, 500))


def test_rows_are_written_while_pairs_are_read(tmp_path):
    drawn = []

    def pairs_read():
        for number in range(500):
            drawn.append(number)
            yield pairs.Pair("", f"{number}.wav", "b.wav")

    score = functools.partial(scoring.Row, scores={"stoi": 1.0}, error="")
    table = scoring.Table(tmp_path / "found.csv", ["stoi"])
    for number, row in enumerate(scoring.rows(score, pairs_read(), table, jobs=2), start=1):
        assert row.pair.reference == f"{number - 1}.wav"
        assert len(table.part.read_text().splitlines()) == 1 + number
        assert len(drawn) <= number + 2 * scoring._AHEAD
    assert number == 500 and not table.part.exists()


def test_pairs_that_cannot_be_read_cost_nothing(tmp_path):
    (tmp_path / "found.csv.part").write_text("kept")
    table = scoring.Table(tmp_path / "found.csv", ["stoi"], resume=True)
    (tmp_path / "found.csv.part").write_text("kept")
    with pytest.raises(InputError, match="nothing.csv: no such file; check the path"):
        list(scoring.rows(abs, pairs.stream(tmp_path / "nothing.csv"), table))
    assert table.part.read_text() == "kept"


def test_facts_of_pairs_are_columns_and_must_stay(tmp_path):
    arguments = [pairs.Pair("", "a.wav", "b.wav", facts=(kind, "x")) for kind in ("noisy", "clean")]
    score = functools.partial(scoring.Row, scores={"stoi": 0.5}, error="")
    table = functools.partial(scoring.Table, tmp_path / "found.csv", ["stoi"], facts=("kind", "room"))
    written = list(scoring.rows(score, arguments, table()))
    assert (tmp_path / "found.csv").read_text() == (
        "reference,degraded,kind,room,stoi,error\na.wav,b.wav,noisy,x,0.5,\na.wav,b.wav,clean,x,0.5,\n"
    )
    assert list(scoring.rows(None, arguments, table(resume=True))) == written
    with pytest.raises(InputError, match="row 1 of .* is of other recordings"):
        list(scoring.rows(None, arguments[::-1], table(resume=True)))


def test_processes_write_what_one_does(table, tmp_path, expected):
    assert cli.main(command(table, tmp_path / "found.csv", "--jobs", "2")) == 2
    check_alike(tmp_path / "found.csv", expected)


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def stop(request):
    """A signal with its usual handler: a suite in the background may have been started with it ignored."""
    usual = signal.default_int_handler if request.param == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(request.param, usual)
    yield request.param
    signal.signal(request.param, before)


def test_a_stopped_run_goes_on_where_it_was(table, tmp_path, expected, monkeypatch, capsys, stop):
    calls, scorer = [], score.scorer

    def stops(name, *options):
        meter = scorer(name, *options)

        def function(*recordings):
            calls.append(1)
            if len(calls) == 10:
                signal.raise_signal(stop)
            return meter.function(*recordings)

        return measure.Meter(meter.rates, meter.columns, function)

    monkeypatch.setattr(score, "scorer", stops)
    scoring.meters.cache_clear()  # an equal meter of another test would be taken
    output = tmp_path / "found.csv"
    assert cli.main(command(table, output)) == 128 + stop
    assert "--resume goes on" in capsys.readouterr().err and not output.exists()
    part = tmp_path / "found.csv.part"
    done = part.read_text()
    assert expected.startswith(done) and len(done.splitlines()) == 1 + 13  # 9 that were scored, 4 that are not there
    part.write_text(done + "/a/torn/line,with")
    assert cli.main(command(table, output, "--resume")) == 2
    assert output.read_text() == expected and not part.exists()
    assert len(calls) == 101  # none was scored twice but the one that stopped it


def test_a_killed_run_goes_on(table, tmp_path, expected):
    output, part = tmp_path / "found.csv", tmp_path / "found.csv.part"
    script = (
        "import sys, time\nfrom zoo import cli\nfrom zoo.cli import measure\nwhole = measure.score_pair\n"
        "def slowly(*arguments, **named):\n    time.sleep(0.05)\n    return whole(*arguments, **named)\n"
        "measure.score_pair = slowly\nsys.exit(cli.main(sys.argv[1:]))"
    )
    running = subprocess.Popen([sys.executable, "-c", script, *command(table, output)], cwd=REPOSITORY)
    kill_after_lines(running, part, 5)
    assert not output.exists() and 5 < len(part.read_text().splitlines()) < 150
    assert cli.main(command(table, output, "--resume")) == 2
    check_alike(output, expected)


def test_a_run_that_fails_before_its_first_row_writes_nothing(tmp_path):
    def score(pair):
        raise InputError("no score")

    with pytest.raises(InputError, match="no score"):
        list(scoring.rows(score, [pairs.Pair("", "a.wav", "b.wav")], scoring.Table(tmp_path / "scores.csv", ["stoi"])))
    assert not list(tmp_path.iterdir())


def test_a_run_without_a_pair_writes_the_header(tmp_path):
    assert list(scoring.rows(None, [], scoring.Table(tmp_path / "scores.csv", ["stoi"]))) == []
    assert (tmp_path / "scores.csv").read_text() == "reference,degraded,stoi,error\n"


def test_without_resume_the_rows_of_a_stopped_run_are_not_thrown_away(table, tmp_path, capsys, monkeypatch):
    (tmp_path / "found.csv.part").write_text("rows of some days\n")
    monkeypatch.setattr(measure, "score_pair", None)
    assert cli.main(command(table, tmp_path / "found.csv")) == 2
    said = capsys.readouterr().err
    assert "found.csv.part has the rows of a run that was stopped: go on with --resume, or remove it" in said
    assert (tmp_path / "found.csv.part").read_text() == "rows of some days\n"
    with pytest.raises(InputError, match="has the rows of a run that was stopped"):
        scoring.Table(tmp_path / "found.csv", ["stoi"])
    assert not (tmp_path / "found.csv").exists()


def test_of_two_runs_at_once_one_begins(tmp_path):
    first, second = (scoring.Table(tmp_path / "found.csv", ["stoi"]) for _ in range(2))
    with first:
        first.write(scoring.Row(pairs.Pair("", "a.wav", "b.wav"), {"stoi": 0.5}, ""))
        with pytest.raises(InputError, match="go on with --resume"), second:
            pytest.fail("it must not begin")
    assert (tmp_path / "found.csv").read_text().splitlines()[1] == "a.wav,b.wav,0.5,"


def test_an_empty_part_is_begun_anew(table, tmp_path, expected):
    (tmp_path / "found.csv.part").write_text("reference,degr")  # killed in its first line
    assert cli.main(command(table, tmp_path / "found.csv", "--resume")) == 2
    assert (tmp_path / "found.csv").read_text() == expected


@pytest.mark.parametrize(
    "part, says",
    [
        ("reference,degraded,stoi,error\n", "has the columns reference, degraded, stoi, error, not those of this run"),
        ("reference,degraded,si-sdr,error\na.wav,b.wav,0.5,\n", "row 1 of .* is of other recordings"),
    ],
)
def test_rows_of_another_run_are_refused(table, tmp_path, capsys, part, says):
    (tmp_path / "found.csv.part").write_text(part)
    assert cli.main(command(table, tmp_path / "found.csv", "--resume")) == 2
    assert says.split(" .* ")[-1] in capsys.readouterr().err
    assert (tmp_path / "found.csv.part").read_text() == part


def test_more_rows_than_pairs_are_refused(table, tmp_path, expected, capsys):
    (tmp_path / "found.csv.part").write_text(expected + expected.splitlines()[1] + "\n")
    assert cli.main(command(table, tmp_path / "found.csv", "--resume")) == 2
    assert "row 151" in capsys.readouterr().err


def test_resuming_a_whole_run_scores_nothing(table, tmp_path, expected, monkeypatch):
    monkeypatch.setattr(measure, "score_pair", None)
    assert cli.main(command(table, tmp_path / "expected.csv", "--resume")) == 2
    assert (tmp_path / "expected.csv").read_text() == expected


def test_a_part_from_a_spreadsheet_is_gone_on_with(table, tmp_path, expected):
    lines = expected.splitlines(keepends=True)
    (tmp_path / "found.csv.part").write_text("\ufeff" + "".join(lines[:9]), encoding="utf-8")
    assert cli.main(command(table, tmp_path / "found.csv", "--resume")) == 2
    assert (tmp_path / "found.csv").read_text(encoding="utf-8-sig") == expected


def test_names_of_files_that_no_alphabet_has(tmp_path):
    for folder in ("reference", "degraded"):
        (tmp_path / folder).mkdir()
        for name in (b"a\xff.wav", "b\x85,c.wav".encode(), b"d.wav"):
            shutil.copyfile(AUDIO / "speech_reference.flac", os.path.join(os.fsencode(tmp_path / folder), name))
    arguments = ["score", str(tmp_path / "reference"), str(tmp_path / "degraded"), "--metric", "si-sdr"]
    arguments += ["--csv", str(tmp_path / "found.csv")]
    assert cli.main(arguments) == 0
    actual = (tmp_path / "found.csv").read_bytes()
    (tmp_path / "found.csv").unlink()
    (tmp_path / "found.csv.part").write_bytes(actual[: actual.rindex(b"d.wav")])
    assert cli.main([*arguments, "--resume"]) == 0
    assert (tmp_path / "found.csv").read_bytes() == actual


def test_no_processes_are_refused_before_anything_is_opened(table, tmp_path, capsys):
    (tmp_path / "found.csv.part").write_text("kept")
    assert cli.main(command(table, tmp_path / "found.csv", "--jobs", "0")) == 2
    assert "0 processes do nothing" in capsys.readouterr().err
    assert (tmp_path / "found.csv.part").read_text() == "kept"


def test_resume_needs_a_file(table, capsys):
    assert cli.main(["score", str(table), "--metric", "stoi", "--resume"]) == 2
    assert "--resume goes on with a CSV; name it by --csv" in capsys.readouterr().err


def test_a_scheduler_is_one_of_dask(table, tmp_path, capsys):
    assert cli.main(command(table, tmp_path / "found.csv", "--scheduler", "tcp://host:8786")) == 2
    assert "--scheduler is the address of a Dask cluster; give --backend dask too" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "no-scheme://host"])
def test_a_scheduler_that_does_not_answer_is_named(address):
    pytest.importorskip("distributed")
    import dask

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "0.2s"}),
        pytest.raises(InputError, match=f"no Dask scheduler answers at {address}"),
    ):
        list(scoring.scored(abs, [1], jobs=2, backend="dask", scheduler=address))


def test_a_missing_backend_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray.util.joblib", None)
    with pytest.raises(InputError, match="--backend ray needs a package that is not installed"):
        list(scoring.scored(abs, [1], jobs=2, backend="ray"))


# In a process of its own: threads that other tests left behind allocate too.
PEAKS = """
import sys, tracemalloc
from zoo import cli, scoring
from zoo.cli import measure
measure.score_pair = lambda pair, *_, **__: scoring.Row(pair, {"si-sdr": 1.0}, "")
peaks = []
for count in (10_000, 20_000):
    with open("pairs.csv", "w") as file:
        file.write("reference,degraded\\n")
        file.writelines(f"reference{i}.wav,degraded{i}.wav\\n" for i in range(count))
    tracemalloc.start()
    arguments = ["score", "pairs.csv", "--metric", "si-sdr", "--csv", "scores.csv"]
    assert cli.main(arguments) == 0 and cli.main([*arguments, "--resume"]) == 0
    peaks.append(tracemalloc.get_traced_memory()[1])
    tracemalloc.stop()
    assert len(open("scores.csv").readlines()) == count + 1
assert peaks[1] < peaks[0] + 5e5, peaks  # the rows alone would be some MB
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_pairs(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", PEAKS]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "20000" in done.stdout and "degraded19999.wav" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("named", ["--scheduler", "DASK_SCHEDULER_ADDRESS"])
def test_a_dask_cluster_scores_too_and_is_named(table, tmp_path, expected, named):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address
        option, variable = ([named, address], {}) if named.startswith("--") else ([], {named: address})
        arguments = [sys.executable, "-m", "zoo", *command(table, tmp_path / "found.csv", "--backend", "dask", *option)]
        environment = {**os.environ, **variable}
        done = subprocess.run(arguments, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert f"zoo: dask runs at {address}\n" in done.stderr
    check_alike(tmp_path / "found.csv", expected)


@pytest.mark.slow
def test_dask_without_a_scheduler_says_that_it_runs_here(capsys):
    pytest.importorskip("distributed")
    assert list(scoring.scored(abs, [-1, 2], jobs=2, backend="dask")) == [1, 2]
    said = capsys.readouterr().err
    assert "zoo: dask runs at a cluster of this machine alone; --scheduler names another" in said
