"""Benchmark of streams: the time of a block over its length, and states that go on."""

import time

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from tools.bench import streaming


def test_a_factor_is_the_time_of_a_block_over_its_length():
    factors = streaming.real_time_factors(lambda block: time.sleep(0.01), np.zeros(320), 0.2, 16000)
    assert len(factors) == 10 and np.median(factors) == pytest.approx(0.5, abs=0.3)


def test_the_state_of_a_call_is_that_of_the_next():
    states = []

    def signature(block, state):
        states.append(state.copy())
        return {"enhanced": block, "state": state + 1}

    push = streaming.by_signature(signature, 3)
    for _ in range(3):
        push(np.zeros(4, "float32"))
    assert [state.tolist() for state in states] == [[[n, n, n]] for n in (0, 1, 2)]
