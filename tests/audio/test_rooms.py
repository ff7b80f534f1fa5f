"""Simulated rooms are of their seed and decay as rooms do."""

import sys

import numpy as np
import pytest

from zoo.audio import rooms
from zoo.errors import InputError

RATE = 16000


def test_simulated_rooms_are_the_seeds_and_decay():
    simulated = rooms.shoebox_rooms(3, 5, RATE)
    rooms.shoebox_rooms.cache_clear()
    for one, again in zip(simulated, rooms.shoebox_rooms(3, 5, RATE), strict=True):
        np.testing.assert_array_equal(one, again)
    assert not np.array_equal(simulated[0], rooms.shoebox_rooms(3, 6, RATE)[0])
    for room in simulated:
        remaining = np.cumsum(room[::-1] ** 2)[::-1]
        decay_db = 10 * np.log10(remaining / remaining[0])
        rt60 = 3 * np.ptp(np.searchsorted(-decay_db, [5.0, 25.0])) / RATE
        assert 0.1 < rt60 < 1.5 and room.dtype == np.float32


def test_without_pyroomacoustics_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyroomacoustics", None)
    with pytest.raises(InputError, match="audio-zoo\\[rooms\\]"):
        rooms.shoebox_rooms(1, 99, RATE)
