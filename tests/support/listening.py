"""Small studies, their listeners and their servers."""

import contextlib
import csv
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import requests

for package in ("alembic", "limits", "sqlalchemy", "starlette", "uvicorn"):
    pytest.importorskip(package, reason=f"needs {package}, of the extra listen")

import zoo
from zoo.audio import io
from zoo.listening import crowd, flow, jnd, preference, rate, serve, study
from zoo.listening.store import Store, Trial

REPOSITORY = Path(__file__).resolve().parents[2]
RATE = 16000
PINK = {"name": "pink noise", "towards": {"noise:pink": 100.0}}


def write_table(folder, rows, name="pairs.csv"):
    """A CSV of rows in a folder; gives its path."""
    with open(folder / name, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return folder / name


def write_pairs(folder, count=4, seconds=0.2, **columns):
    """Recordings of two systems, of which b has less noise, and their table; gives its path."""
    rows, time = [], np.arange(int(seconds * RATE)) / RATE
    for i in range(count):
        tone = 0.2 * np.sin(2 * np.pi * (200 + 20 * i) * time) * (time > seconds / 4)
        noise = np.random.default_rng(i).standard_normal(len(time))
        for system, level in (("a", 0.05), ("b", 0.01)):
            io.write(folder / f"{system}{i}.wav", (tone + level * noise).astype("float32"), RATE, clip=True)
        rows.append({"a": f"a{i}.wav", "b": f"b{i}.wav", "item": f"item {i}"} | columns)
    return write_table(folder, rows)


def make_preference(folder, count=4, **settings):
    """A preference test in a folder; gives its store, open, and its kind."""
    table = write_pairs(folder, count)
    store = Store(folder / "study.db", create=True)
    chosen = preference.PreferenceSettings(**settings)
    with store.write() as session:
        study.make(store, "preference", chosen, preference.read_items(table, session), session)
    return store, study.open_kind(store)


def make_jnd(folder, count=3, noise=None, seconds=1.0, **settings):
    """A test of just noticeable differences in a folder, of short clips; gives its store, open, and its kind."""
    (folder / "clean").mkdir(exist_ok=True)
    speech, _ = io.read(zoo.examples()["reference"])
    for i in range(count):
        io.write(folder / "clean" / f"{i}.wav", np.roll(speech, 6000 * i)[: int((seconds + 0.025) * RATE)], RATE)
    chosen = jnd.JNDSettings(**{"condition": [PINK], "attention": False} | settings)
    store = Store(folder / "study.db", create=True)
    with store.write() as session:
        items = jnd.read_items(folder / "clean", session)
        study.make(store, "jnd", jnd.with_noises(chosen, noise, session), items, session)
    return store, study.open_kind(store)


def make_rating(folder, systems=("mse", "jnd"), count=2, **settings):
    """A test of ratings in a folder; gives its store, open, and its kind."""
    rows, rng = [], np.random.default_rng(0)
    for i in range(count):
        reference = 0.2 * rng.standard_normal(3200)
        io.write(folder / f"reference{i}.wav", reference, RATE, clip=True)
        for system in systems:
            io.write(folder / f"{system}{i}.wav", 0.5 * reference + 0.1 * rng.standard_normal(3200), RATE, clip=True)
            row = {"file": f"{system}{i}.wav", "system": system, "item": f"item {i}", "reference": f"reference{i}.wav"}
            rows.append(row)
    store, chosen = Store(folder / "study.db", create=True), rate.RatingSettings(**settings)
    table = write_table(folder, rows, "systems.csv")
    with store.write() as session:
        study.make(store, "rate", chosen, rate.read_items(table, chosen, session), session)
    return store, study.open_kind(store)


def attend(store, kind, decide, worker=""):
    """A session from its first screen to its last, without a server; `decide` takes the trial as the store has it."""
    token, number = flow.begin(store, kind, worker), 0
    while (state := flow.state(store, kind, token))["status"] == "going":
        with store.read() as session:
            value = decide(session.get(Trial, flow.current_trial(store, token)))
        value = value or crowd.plain_answer(state["trial"])
        flow.save(store, kind, token, message(state, "", f"{token[:20]}-{number}") | {"value": value})
        number += 1
    return state


def notices(answer):
    """How a listener answers `attend`: by a function of the strength, and right on what has a right answer."""

    def decide(trial):
        if trial.screen != "jnd":
            return None
        different = answer(trial.content["rho"])
        return {"choice": trial.expected or ("different" if different else "same")}

    return decide


@contextlib.contextmanager
def running(store, kind):
    """The address of a study that is served by a thread of this process."""
    server, listening = serve.server(store, kind), serve.bind("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def start_server(*arguments, port=0):
    """`zoo listen` in a process of its own; gives it and the study's address."""
    command = [sys.executable, "-m", "zoo", "listen", *map(str, arguments), "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    printed = ""
    for line in process.stdout:
        printed += line
        if line.startswith("open "):
            return process, re.search(r"http://\S+", line)[0]
    raise AssertionError(f"the server did not start: {printed}")


def begin(url, **ids):
    """A session at an address; gives the `requests.Session` that carries its token."""
    http = requests.Session()
    response = http.post(f"{url}api/sessions", json=ids)
    response.raise_for_status()
    http.headers["Authorization"] = f"Bearer {response.json()['token']}"
    return http


def message(state, choice, client_id, **changes):
    """An answer to the trial of a state."""
    trial = state["trial"]
    answer = {"client_id": client_id, "number": trial["number"], "value": {"choice": choice}, "seconds": 2.0}
    return answer | {"plays": [1] * trial["sounds"]} | changes
