"""Numbers on recordings: known levels, floors, bandwidths, clipping and duplicates."""

import numpy as np
import pytest

from zoo.audio import io
from zoo.data.measures import duplicates, measure, table
from zoo.errors import InputError

RATE = 16000
rng = np.random.default_rng(0)


def test_level_and_floor():
    audio = np.concatenate([rng.normal(scale=0.1, size=RATE), rng.normal(scale=0.001, size=RATE)])
    numbers = measure(audio, RATE)
    assert numbers["seconds"] == 2
    assert numbers["level_db"] == pytest.approx(-23, abs=0.2)
    assert numbers["floor_db"] == pytest.approx(-60, abs=1)


def test_bandwidth_of_an_upsampled_recording():
    narrow = io.resample(rng.normal(scale=0.1, size=RATE).astype("float32"), 8000, RATE)
    assert 3500 < measure(narrow, RATE)["bandwidth_hz"] < 5100
    assert measure(rng.normal(scale=0.1, size=RATE), RATE)["bandwidth_hz"] == 8000


def test_clipping_is_a_share():
    assert measure(np.clip(rng.normal(size=RATE), -1, 1), RATE)["clipped"] == pytest.approx(0.317, abs=0.02)
    assert measure(np.zeros(10), RATE)["clipped"] == 0


def test_copies_are_found_and_other_cuts_are_not():
    loudness = np.repeat(rng.uniform(0.01, 1, 64), 500)
    audio = rng.normal(size=loudness.size) * loudness
    copies = {"a": audio, "b": 0.1 * audio + rng.normal(scale=1e-4, size=audio.size), "c": np.roll(audio, 5000)}
    assert duplicates(copies) == [("a", "b")]
    assert duplicates({"a": audio}) == []


def test_a_folder_is_listed_with_its_duplicates(tmp_path):
    loudness = np.repeat(rng.uniform(0.01, 0.2, 64), 100)
    for name in ("a.wav", "b.flac"):
        io.write(tmp_path / name, rng.normal(size=loudness.size).clip(-1, 1) * loudness, RATE)
    lines = table(tmp_path).splitlines()
    assert lines[2].startswith("a.wav") and lines[-1] == "the same recording: a.wav, b.flac"


def test_an_empty_folder_is_refused(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="holds no recordings"):
            table(folder)
