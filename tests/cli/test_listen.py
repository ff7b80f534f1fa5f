"""`zoo listen`: a study is made, served and read; errors are a line, and leave nothing."""

import csv
import functools
import signal
import sys

import numpy as np
import pytest

sqlalchemy = pytest.importorskip("sqlalchemy", reason="needs sqlalchemy, of the extra listen")

from tests.support.listening import begin, message, start_server, write_pairs
from zoo.listening import crowd, store


def test_a_study_is_made_answered_ended_and_read(run, tmp_path):
    arguments = ("preference", write_pairs(tmp_path, 2), "--study", tmp_path / "study.db")
    process, url = start_server(*arguments)
    crowd.attend(url, crowd.cleaner(0.0, np.random.default_rng(0)), worker="ann")
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 128 + signal.SIGTERM
    assert process.stdout.read() == "zoo: stopped; no file is half written\n"
    status, out, _ = run("listen", "results", tmp_path / "study.db", "--report", tmp_path / "report")
    assert status == 0 and "1 took part, 1 to the end; 2 answers, 2 of them count" in out and "b over a" in out
    with open(tmp_path / "report" / "answers.csv", newline="") as file:
        assert [row["answer"] for row in csv.DictReader(file)] == ["b", "b"]
    assert run("listen", "forget", tmp_path / "study.db", "ann")[:2] == (
        0, f"{tmp_path / 'study.db'}: ann and 5 answers are deleted\n"
    )  # fmt: skip


def test_a_study_that_cannot_be_made_leaves_nothing(run, tmp_path):
    table = write_pairs(tmp_path, 1)
    (tmp_path / "b0.wav").unlink()
    before = sorted(tmp_path.iterdir())
    status, _, err = run("listen", "preference", table, "--study", tmp_path / "study.db")
    assert status == 2 and "b0.wav" in err and err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_a_study_that_is_absent_is_a_line(run, tmp_path):
    for command in (("serve", "--study"), ("results", "--report", tmp_path / "report"), ("forget", "ann")):
        arguments = [command[0], tmp_path / "absent.db", *command[1:]]
        if command[0] == "serve":
            arguments = ["serve", "--study", tmp_path / "absent.db"]
        if command[0] == "forget":
            arguments = ["forget", tmp_path / "absent.db", "ann"]
        status, _, err = run("listen", *arguments)
        assert status == 2 and "no such study" in err and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_without_the_extra_a_line_names_it(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    status, _, err = run("listen", "serve", "--study", tmp_path / "study.db")
    assert status == 2 and 'pip install "audio-zoo[listen]"' in err


@pytest.mark.slow
def test_a_killed_server_goes_on_where_it_was(tmp_path):
    arguments = ("preference", write_pairs(tmp_path, 1), "--study", tmp_path / "study.db")
    process, url = start_server(*arguments)
    http = begin(url)
    state = http.get(f"{url}api/state").json()
    assert http.post(f"{url}api/answers", json=message(state, "agree", "answer-1")).status_code == 200
    process.kill()
    process.wait()
    process, url = start_server(*arguments)
    assert http.get(f"{url}api/state").json()["trial"]["screen"] == "volume"
    process.terminate()
    process.wait()
    process.stdout.close()


def test_a_full_disk_is_a_line_and_leaves_nothing(run, tmp_path, monkeypatch):
    table = write_pairs(tmp_path, 4)
    before = sorted(tmp_path.iterdir())

    def small(connection, record):
        store._set_up(connection, record)
        connection.execute("PRAGMA max_page_count=20")

    monkeypatch.setattr(store, "_engine", functools.partial(limited, small))
    status, _, err = run("listen", "preference", table, "--study", tmp_path / "study.db")
    assert status == 2 and "database or disk is full" in err and err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def limited(set_up, address):
    """An engine whose database may not grow."""
    engine = sqlalchemy.create_engine(f"sqlite:///{address}")
    sqlalchemy.event.listen(engine, "connect", set_up)
    sqlalchemy.event.listen(engine, "begin", store._begin)
    return engine
