"""Utterances are counted as ITU's code counts them, so that PESQ is refused before that code runs past its tables."""

import numpy as np
import pytest

from tests.support.harness import RECORDED
from zoo.audio import io
from zoo.metrics import speech, utterances

RATE = 16000


def bursts(count, burst_seconds=0.22, gap_seconds=0.22, rate=RATE):
    """The same fragment of speech, over and over."""
    recording, _ = io.read(RECORDED, rate, resample=True)
    length, gap = (round(seconds * rate) for seconds in (burst_seconds, gap_seconds))
    loudest = np.argmax(np.convolve(recording.astype("float64") ** 2, np.ones(length), "valid"))
    return np.tile(np.pad(recording[loudest : loudest + length], (0, gap)), count)


@pytest.mark.parametrize(("rate", "mode"), [(16000, "wb"), (16000, "nb"), (8000, "nb")])
@pytest.mark.parametrize("count", [1, 10, 50, 66])
def test_bursts_are_counted(rate, mode, count):
    assert utterances.count(bursts(count, rate=rate), rate, mode) == count


@pytest.mark.parametrize(("mode", "burst", "gap", "count"), [("wb", 0.3, 0.15, 1), ("wb", 0.012, 0.4, 0)])
def test_short_gaps_join_and_clicks_are_no_utterance(mode, burst, gap, count):
    assert utterances.count(bursts(20, burst, gap), RATE, mode) == count


def test_a_constant_added_to_speech_changes_nothing():
    assert utterances.count(bursts(10) + 0.2, RATE, "nb") == utterances.count(10 * bursts(10), RATE, "nb") == 10


@pytest.mark.parametrize("mode", ["wb", "nb"])
def test_pesq_of_more_bursts_than_itu_has_room_for_is_nan_and_of_fewer_its_score(mode):
    """Past its tables ITU's code gave 2.19 of 55 bursts in narrow band where 1.78 is right, and crashed on 60."""
    few, many = bursts(40), bursts(55)
    noise = np.random.default_rng(0).normal(0, 0.02, len(many))
    scores = speech.pesq(few, few + noise[: len(few)], RATE, mode=mode)
    assert scores[0] == pytest.approx({"wb": 1.24, "nb": 1.78}[mode], abs=0.03)
    assert len(many) < 30 * RATE and np.isnan(speech.pesq(many, many + noise, RATE, mode=mode)[0])
    with pytest.raises(speech.Unscorable, match="at most 50 utterances"):
        speech.score_pair(f"pesq-{mode}", many, many + noise, RATE)
