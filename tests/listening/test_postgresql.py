"""A study in PostgreSQL, as many servers share one: the same flow, and each answer once."""

import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.listening import attend, message, preference, study, write_pairs
from zoo.listening import flow, report, results
from zoo.listening.store import Answer, Listener, Store

pytest.importorskip("psycopg", reason="needs psycopg, of the extra test")


def programs():
    """Folder of PostgreSQL's programs, which Debian keeps out of the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    named = shutil.which("initdb")
    return Path(named).resolve().parent if named else folders[-1] if folders else None


@pytest.fixture(scope="module")
def database():
    """The URL of an empty database of a server of its own, on a socket in a temporary folder."""
    folder = programs()
    if folder is None:
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    # PostgreSQL refuses to run as root.
    user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(dir="/tmp") as place:  # a socket's path must be short
        if user:
            shutil.chown(place, "postgres")

        def run(program, *arguments):
            subprocess.run([*user, folder / program, *arguments], check=True, stdout=subprocess.DEVNULL, cwd="/")

        run("initdb", "-D", f"{place}/data", "-U", "postgres", "-A", "trust", "--no-sync")
        settings = f"-k {place} -c listen_addresses='' -c fsync=off"
        run("pg_ctl", "-D", f"{place}/data", "-o", settings, "-l", f"{place}/log", "-w", "start")
        try:
            yield f"postgresql://postgres@/postgres?host={place}"
        finally:
            run("pg_ctl", "-D", f"{place}/data", "-m", "immediate", "stop")


@pytest.mark.slow
def test_a_study_in_postgresql_goes_as_one_in_a_file(database, tmp_path):
    table = write_pairs(tmp_path, 2)
    stores = [Store(database, create=True), Store(database)]  # two servers
    with stores[0].write() as session:
        items = preference.read_items(table, session)
        study.make(stores[0], "preference", preference.PreferenceSettings(), items, session)
    kind = study.open_kind(stores[1])
    token = flow.begin(stores[0], kind, worker="ann")
    with pytest.raises(flow.Refused, match="this id has a session"):
        flow.begin(stores[1], kind, worker="ann")
    state = flow.state(stores[1], kind, token)
    with ThreadPoolExecutor(8) as pool:  # the same answer at once, to both
        sent = [
            pool.submit(flow.save, stores[i % 2], kind, token, message(state, "agree", "answer-1")) for i in range(8)
        ]
        assert {each.result() for each in sent} == {""}
    with stores[0].read() as session:
        assert session.query(Answer).count() == 1
    attend(stores[1], kind, lambda trial: None, worker="bob")
    assert "2 answers, 2 of them count" in report.write(stores[0], kind, tmp_path / "report").text
    assert results.forget(stores[0], "bob") == 5
    with stores[1].read() as session:
        assert session.query(Listener).count() == 1
    for store in stores:
        store.close()
