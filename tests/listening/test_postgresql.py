"""A study in PostgreSQL, as many servers share one: the same flow, and each answer once."""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.listening import REPOSITORY, attend, message, preference, start_server, study, write_pairs
from zoo.listening import crowd, flow, report, results
from zoo.listening.store import Answer, Listener, Store

psycopg = pytest.importorskip("psycopg", reason="needs psycopg, of the extra test")


def programs():
    """Folder of PostgreSQL's programs, which Debian keeps out of the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    named = shutil.which("initdb")
    return Path(named).resolve().parent if named else folders[-1] if folders else None


@pytest.fixture(scope="module")
def server():
    """The folder of the socket of a database server of its own."""
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
            yield place
        finally:
            run("pg_ctl", "-D", f"{place}/data", "-m", "immediate", "stop")


@pytest.fixture
def database(server, request):
    """The URL of an empty database."""
    name = f"study_{zlib.crc32(request.node.name.encode())}"
    with psycopg.connect(f"postgresql://postgres@/postgres?host={server}", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"postgresql://postgres@/{name}?host={server}"


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


@pytest.mark.slow
def test_two_servers_share_a_hundred_listeners(database, tmp_path):
    (tmp_path / "study.toml").write_text("comments = false\npairs = 3\n")
    table, settings = write_pairs(tmp_path, 6, seconds=0.05), ("--settings", tmp_path / "study.toml")
    servers = [start_server("preference", table, "--study", database, *settings)]
    servers.append(start_server("serve", "--study", database))

    def take_part(seed):
        time.sleep(0.1 * seed)  # people do not begin at one moment
        return crowd.attend(servers[seed % 2][1], None, worker=f"worker {seed}", pause=0.5, patience=300)

    try:
        with ThreadPoolExecutor(100) as pool:
            states = list(pool.map(take_part, range(100)))
    finally:
        for process, _ in servers:
            process.terminate()
            process.wait()
    assert {state["status"] for state in states} == {"done"}
    saved = [name for state in states for name in state["saved"]]
    store = Store(database)
    with store.read() as session:
        assert {name for (name,) in session.query(Answer.client_id)} == set(saved)
        assert len(saved) == len(set(saved)) == 100 * 5 and session.query(Listener).count() == 100
    store.close()
    counts = Counter(row["item"] for row in results_of(database, tmp_path / "report")).values()
    assert sum(counts) == 300 and max(counts) - min(counts) < 20, "but for sessions that begin at once, all alike"


def results_of(database, folder):
    """The rows that `zoo listen results` writes."""
    command = [sys.executable, "-m", "zoo", "listen", "results", database, "--report", folder]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=REPOSITORY)
    with open(folder / "answers.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
