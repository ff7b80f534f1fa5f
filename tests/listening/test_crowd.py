"""Simulated listeners take part through the study's address."""

import numpy as np
import pytest

from tests.support.listening import make_preference, running
from zoo.listening import crowd, results, sounds


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


@pytest.mark.parametrize(("snr_db", "choice"), [(22.0, "same"), (18.0, "different"), (np.inf, "same")])
def test_a_noticer_hears_a_difference_that_is_loud_enough_at_any_gain(snr_db, choice):
    rng = np.random.default_rng(0)
    clip, noise = 0.1 * rng.standard_normal((2, 16000))
    pair = [sounds.encode(audio, 16000) for audio in (clip, 0.7 * (clip + 10 ** (-snr_db / 20) * noise))]
    decide = crowd.noticer(20.0, 0.1, rng)
    assert decide({"screen": "jnd"}, pair) == {"choice": choice}
    assert decide({"screen": "jnd"}, pair[::-1]) == {"choice": choice}
