"""Speed, tempo and pitch: lengths and frequencies are those that were asked for."""

import numpy as np
import pytest

from tests.support.audio import RATE, tone, voice
from zoo.audio import mix, speed


def frequency(audio):
    """Of the strongest partial, Hz."""
    windowed = audio * np.hanning(len(audio))
    return np.argmax(np.abs(np.fft.rfft(windowed, 8 * RATE))) / 8


@pytest.mark.parametrize("factor", [0.85, 1.0, 1.18])
def test_speed_tempo_and_pitch_of_a_tone(factor):
    sine = tone(seconds=1.0)
    faster, quicker, higher = (
        speed.change_speed(sine, factor),
        speed.change_tempo(sine, factor, RATE),
        speed.change_pitch(sine, factor, RATE),
    )
    assert len(faster) == len(quicker) == round(RATE / factor) and len(higher) == RATE
    assert frequency(faster) == pytest.approx(440 * factor, rel=0.002)
    assert frequency(quicker) == pytest.approx(440, rel=0.01)
    assert frequency(higher) == pytest.approx(440 * factor, rel=0.01)
    for changed in (faster, quicker, higher):
        assert changed.dtype == np.float32 and mix.rms(changed) == pytest.approx(mix.rms(sine), rel=0.05)


def test_an_equal_tempo_changes_nothing():
    speech = voice()
    np.testing.assert_allclose(speed.change_tempo(speech, 1.0, RATE), speech, atol=1e-6)


def test_tempo_keeps_the_order_of_what_is_said():
    loud_late = np.concatenate([0.1 * voice(1.0), voice(1.0)])
    changed = speed.change_tempo(loud_late, 1.18, RATE)
    assert mix.rms(changed[: RATE // 2]) < 0.3 * mix.rms(changed[-RATE // 2 :])


def test_shifts_are_exact_and_bring_silence():
    speech = voice()
    late, early = speed.shift(speech, 800), speed.shift(speech, -800)
    np.testing.assert_array_equal(late[800:], speech[:-800])
    np.testing.assert_array_equal(early[:-800], speech[800:])
    assert not late[:800].any() and not early[-800:].any()
    np.testing.assert_array_equal(speed.shift(speech, 0), speech)
    assert not speed.shift(speech, len(speech) + 1).any()


def test_a_slow_clock_runs_ahead_in_the_end():
    speech = voice(2.0)
    drifted = speed.drift(speech, 1000.0)
    assert len(drifted) == len(speech) and not drifted[-20:].any()

    def ahead(start):
        return int(np.argmax([np.dot(drifted[start : start + 2000], speech[start + i :][:2000]) for i in range(60)]))

    assert [ahead(start) for start in (1000, 10000, 28000)] == pytest.approx([2, 11, 29], abs=1)
