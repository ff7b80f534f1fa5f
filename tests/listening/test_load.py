"""A hundred listeners at once, and a server that is killed in the middle: nothing is lost or doubled.

How long an answer takes depends on what else the machine does; the processor time that a server spends on one does not,
so that is bounded always, and the wait where the machine is otherwise idle. `pytest -s` shows both.
"""

import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.support.listening import Store, start_server, write_pairs
from zoo.listening import crowd
from zoo.listening.store import Answer, Listener, Trial

LISTENERS, PAIRS = 100, 10
SLOWEST = 0.05  # s, the median wait for an answer
COSTLIEST = 0.025  # s of processor time an answer, of which two cores have 2 s a second


def cpu_seconds(process):
    """Processor time that a process has used."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def attend(url, seed):
    pause = float(np.random.default_rng(seed).uniform(0.5, 1.5))
    time.sleep(pause)  # people do not begin at one moment
    return crowd.attend(url, None, worker=f"worker {seed}", pause=pause, patience=300)


@pytest.mark.slow
def test_a_thousand_answers_outlive_a_killed_server(tmp_path):
    calm = os.getloadavg()[0] < 0.75 * os.cpu_count()  # other work on the machine would be measured too
    table = write_pairs(tmp_path, PAIRS, seconds=0.05)
    (tmp_path / "study.toml").write_text("comments = false\n")
    arguments = ("preference", table, "--study", tmp_path / "study.db", "--settings", tmp_path / "study.toml")
    server, url = start_server(*arguments)
    used = -cpu_seconds(server)
    with ThreadPoolExecutor(LISTENERS) as pool:
        futures = [pool.submit(attend, url, seed) for seed in range(LISTENERS)]
        while not count(tmp_path, Answer) > 500:
            time.sleep(0.1)
        used += cpu_seconds(server)
        server.kill()
        server.wait()
        server, _ = start_server(*arguments, port=int(url.rstrip("/").rpartition(":")[2]))
        used -= cpu_seconds(server)
        states = [future.result() for future in futures]
    used += cpu_seconds(server)
    server.terminate()
    server.wait()
    assert {state["status"] for state in states} == {"done"}
    saved = [name for state in states for name in state["saved"]]
    store = Store(tmp_path / "study.db")
    with store.read() as session:
        assert {name for (name,) in session.query(Answer.client_id)} == set(saved)
        assert len(saved) == len(set(saved)) == session.query(Trial).count() == LISTENERS * (PAIRS + 2)
        assert session.query(Listener).count() == LISTENERS
    store.close()
    wait, cost = statistics.median(time for state in states for time in state["times"]), used / len(saved)
    print(f"median answer {1000 * wait:.1f} ms, {1000 * cost:.1f} ms of processor time, load {os.getloadavg()[0]:.1f}")
    assert cost < COSTLIEST
    assert wait < SLOWEST or not calm


def count(folder, table):
    store = Store(folder / "study.db")
    with store.read() as session:
        rows = session.query(table).count()
    store.close()
    return rows
