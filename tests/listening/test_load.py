"""A hundred listeners at once, and a server that is killed in the middle: nothing is lost or doubled."""

import os
import statistics
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from tests.support.listening import Store, start_server, write_pairs
from zoo.listening import crowd
from zoo.listening.store import Answer, Listener, Trial

LISTENERS, PAIRS = 100, 10


def attend(url, seed):
    pause = float(np.random.default_rng(seed).uniform(0.5, 1.5))
    time.sleep(pause)  # people do not begin at one moment
    return crowd.attend(url, None, worker=f"worker {seed}", pause=pause, patience=60)


@pytest.mark.slow
def test_a_thousand_answers_outlive_a_killed_server(tmp_path):
    calm = os.getloadavg()[0] < 0.75 * os.cpu_count()  # other work on the machine would be measured too
    table = write_pairs(tmp_path, PAIRS, seconds=0.05)
    (tmp_path / "study.toml").write_text("comments = false\n")
    arguments = ("preference", table, "--study", tmp_path / "study.db", "--settings", tmp_path / "study.toml")
    server, url = start_server(*arguments)
    with ThreadPoolExecutor(LISTENERS) as pool:
        futures = [pool.submit(attend, url, seed) for seed in range(LISTENERS)]
        while not count(tmp_path, Answer) > 500:
            time.sleep(0.1)
        server.kill()
        server.wait()
        server, _ = start_server(*arguments, port=int(url.rstrip("/").rpartition(":")[2]))
        states = [future.result() for future in futures]
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
    if calm:
        assert statistics.median(time for state in states for time in state["times"]) < 0.05


def count(folder, table):
    store = Store(folder / "study.db")
    with store.read() as session:
        rows = session.query(table).count()
    store.close()
    return rows
