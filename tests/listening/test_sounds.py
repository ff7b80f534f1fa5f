"""Recordings of a study: alike where one switches between them, and stored once."""

import numpy as np
import pytest

from tests.support.listening import RATE, Store
from zoo.audio import io
from zoo.errors import InputError
from zoo.listening import sounds
from zoo.listening.store import Sound


def test_a_sound_is_stored_once_and_comes_back(tmp_path):
    store = Store(tmp_path / "study.db", create=True)
    audio = np.random.default_rng(0).uniform(-1, 1, (800, 2)).astype("float32")
    with store.write() as session:
        assert sounds.add(session, audio, RATE) == sounds.add(session, audio, RATE)
        (sound,) = session.query(Sound).all()
    decoded, rate = sounds.decode(sound.audio)
    np.testing.assert_allclose(decoded, audio, atol=2**-15)
    assert rate == RATE and sound.seconds == 0.05
    store.close()


@pytest.mark.parametrize(
    ("samples", "rate", "channels", "words"),
    [
        (800, 8000, 1, "sample rate, 16000 Hz and 8000 Hz"),
        (801, RATE, 1, "number of samples, 800 and 801"),
        (800, RATE, 2, "number of channels, 1 and 2"),
    ],
)
def test_recordings_that_differ_are_refused(tmp_path, samples, rate, channels, words):
    io.write(tmp_path / "a.wav", np.zeros(800), RATE)
    io.write(tmp_path / "b.wav", np.zeros((samples, channels)), rate)
    with pytest.raises(InputError, match=words):
        sounds.read_alike([tmp_path / "a.wav", tmp_path / "b.wav"])


def test_audio_beyond_full_scale_is_refused():
    with pytest.raises(InputError, match=r"peaks at 1\.50"):
        sounds.encode(np.full(10, 1.5), RATE)


def test_the_tone_in_opposite_phase_cancels_from_loudspeakers():
    tones = sounds.headphone_tones(softest=0, opposite=2, sample_rate=RATE)
    starts = [0, int(1.5 * RATE), 3 * RATE]
    left = [tones[start : start + RATE, 0].std() for start in starts]
    together = [tones[start : start + RATE].mean(axis=1).std() for start in starts]
    assert 20 * np.log10(left[1] / left[0]) == pytest.approx(20 * np.log10(2), abs=0.05)
    assert left[2] == pytest.approx(left[1], rel=1e-3)
    assert together[2] < 1e-6 < together[0] < together[1]
