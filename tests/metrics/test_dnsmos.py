"""DNSMOS is what the package speechmos gives, of any length and level, and NaN where there is nothing to score."""

import sys

import numpy as np
import pytest

from tests.support.harness import REPOSITORY
from zoo.audio import io
from zoo.errors import InputError
from zoo.metrics import dnsmos

RATE = 16000
NEEDS_NETWORK = pytest.mark.skipif(not dnsmos.available(), reason="needs speechmos, of the extra dnsmos")


def recording(kind):
    return io.read(REPOSITORY / "zoo" / "data" / "audio" / f"speech_{kind}.flac", RATE)[0]


def one_window():
    """5 s, which are doubled once."""
    return np.tile(recording("degraded"), 2)[: 5 * RATE]


def of(audio, **options):
    """The scores of one recording, in the order of the names."""
    return [scores[0] for scores in dnsmos.dnsmos(audio, RATE, **options).values()]


# By `speechmos.dnsmos.run(recording, 16000)` of speechmos 0.0.1.1.
@NEEDS_NETWORK
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("reference", (2.846631, 3.137105, 3.818524)),
        ("degraded", (1.757692, 3.102050, 1.675477)),
        ("enhanced", (1.379379, 2.003117, 1.569241)),
    ],
)
def test_scores_are_those_of_the_package(kind, expected):
    assert list(dnsmos.dnsmos(recording(kind), RATE)) == ["ovrl", "sig", "bak"]
    assert of(recording(kind)) == pytest.approx(expected, abs=1e-3)


@pytest.mark.slow
@NEEDS_NETWORK
@pytest.mark.parametrize("seconds", [9.01, 11.2, 35.0])
def test_long_recordings_are_scored_as_by_the_package(seconds):
    pytest.importorskip("librosa", reason="the package's own code needs librosa")
    from speechmos import dnsmos as package

    long = np.tile(recording("degraded"), 12)[: int(seconds * RATE)]
    long *= np.linspace(0.1, 1, len(long), dtype="float32")  # so that no two windows are alike
    expected = package.run(long, RATE)
    assert of(long) == pytest.approx([expected[f"{name}_mos"] for name in ("ovrl", "sig", "bak")], abs=1e-4)


@pytest.mark.parametrize(
    ("samples", "starts"),
    [(5 * RATE, [0]), (6 * RATE, [0, 1, 2]), (10 * RATE, [0]), (11 * RATE, [0, 1]), (34 * RATE, [*range(7), 24])],
)
def test_windows_are_those_of_the_package(samples, starts):
    ramp = np.arange(samples, dtype="float32")
    windows = dnsmos._windows(ramp)
    assert [window[0] for window in windows] == [start * RATE % samples for start in starts]
    assert {len(window) for window in windows} == {144160}


@NEEDS_NETWORK
def test_what_cannot_be_scored_is_nan_in_its_place():
    degraded = one_window()
    batch = np.stack([degraded, 0 * degraded, np.full_like(degraded, np.nan), degraded])
    for scores in dnsmos.dnsmos(batch, RATE, lengths=[len(degraded)] * 3 + [0]).values():
        np.testing.assert_array_equal(np.isnan(scores), [False, True, True, True])


@NEEDS_NETWORK
def test_padding_changes_nothing():
    degraded = one_window()
    assert of(np.pad(degraded, (0, 99))[None], lengths=[len(degraded)]) == of(degraded)


@NEEDS_NETWORK
def test_beyond_full_scale_is_brought_to_it():
    loud = one_window() * np.float32(3)
    assert np.abs(loud).max() > 1
    assert of(loud) == pytest.approx(of(loud / np.abs(loud).max()), abs=1e-4)


def test_other_rates_are_refused():
    with pytest.raises(InputError, match="takes 16000 Hz, the audio has 8000 Hz"):
        dnsmos.dnsmos(np.zeros(8000), 8000)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "speechmos", None)
    dnsmos._network.cache_clear()
    with pytest.raises(InputError, match=r"audio-zoo\[dnsmos\]"):
        dnsmos.dnsmos(np.ones(100), RATE)
