"""STOI and ESTOI are those of the pystoi package; silence and short recordings have no segments."""

import numpy as np
import pystoi
import pytest

import zoo
from zoo.audio import io
from zoo.metrics import intelligibility


@pytest.fixture(scope="module")
def pair():
    return [io.read(zoo.examples()[name])[0].astype("float64") for name in ("reference", "degraded")]


@pytest.mark.parametrize("extended", [False, True])
def test_scores_are_those_of_pystoi(pair, extended):
    measure = intelligibility.estoi if extended else intelligibility.stoi
    np.random.seed(0)  # pystoi draws its noise from the global generator
    expected = pystoi.stoi(*pair, 16000, extended=extended)
    assert measure(*intelligibility.third_octaves(*pair, 16000)) == pytest.approx(expected, abs=1e-6)


def test_segments_leave_out_what_is_silent(pair):
    whole, _ = intelligibility.third_octaves(*pair, 16000)
    gap = [np.concatenate([x, np.zeros(16000), x]) for x in pair]
    twice, _ = intelligibility.third_octaves(*gap, 16000)
    assert whole.shape[1:] == (15, 30) and len(twice) < 2 * len(whole) + 2 * intelligibility.SEGMENT_FRAMES


def test_too_short_has_no_segment():
    noise = np.random.default_rng(0).normal(size=2000)
    assert intelligibility.third_octaves(noise, noise, 10000)[0].shape == (0, 15, 30)
