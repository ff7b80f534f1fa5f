"""Simulated listeners take part through the study's address."""

import numpy as np

from tests.support.listening import make_preference, running
from zoo.listening import crowd, results


def test_a_crowd_that_prefers_less_noise_prefers_system_b(tmp_path):
    store, kind = make_preference(tmp_path, 2, attention=True)
    with running(store, kind) as url:
        for i in range(2):
            state = crowd.attend(url, crowd.cleaner(0.0, np.random.default_rng(i)), worker=f"worker {i}")
            assert state["status"] == "done" and len(state["times"]) == 6
    rows, listeners = results.read(store, kind)
    assert [row["answer"] for row in rows] == ["b"] * 4
    assert [row["finished"] for row in listeners] == [1] * 2 and not any(row["rejected"] for row in listeners)
    store.close()
