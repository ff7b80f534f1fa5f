"""Reverberation: the ratio and the decay asked for are those that come out."""

import numpy as np
import pytest

from zoo.audio import mix
from zoo.audio.rooms import shoebox_rooms
from zoo.errors import InputError
from zoo.jnd import rooms
from zoo.jnd.effects import SAMPLE_RATE

IMPULSE = np.eye(1, 3 * SAMPLE_RATE)[0]


def response(rt60=0.5):
    """A decaying room that starts late and upside down, its direct path 2 samples wide."""
    room = mix.decaying_room(rt60, 0.0, SAMPLE_RATE, np.random.default_rng(0))
    room[1] = 0.5
    return np.concatenate([np.zeros(321), -room])


@pytest.mark.parametrize("drr_db", [-27.0, 0.0, 20.0, 65.0])
def test_ratio_is_exact(drr_db):
    out = rooms.reverberate(IMPULSE, response(), drr_db).astype("float64")
    assert 10 * np.log10(out[0] ** 2 / np.sum(out[1:] ** 2)) == pytest.approx(drr_db, abs=1e-3)
    assert np.sum(out**2) == pytest.approx(1, abs=1e-5)
    assert out[0] > 0 and not out[1:55].any()


def test_own_ratio_and_decay_stay():
    room = response()
    out = rooms.reverberate(IMPULSE, room).astype("float64")
    direct, tail = np.sum(room[321:376] ** 2), -room[376:]
    assert out[0] ** 2 / np.sum(out[1:] ** 2) == pytest.approx(direct / np.sum(tail**2), rel=1e-4)
    np.testing.assert_allclose(out[55 : 55 + len(tail)] / out[55], tail / tail[0], atol=1e-4)


@pytest.mark.parametrize("own", [0.1, 0.5, 2.0])
@pytest.mark.parametrize("rt60", [0.05, 0.24, 0.8, 1.7, 8.0])
def test_decay_is_as_asked(own, rt60):
    impulse = np.eye(1, 9 * SAMPLE_RATE)[0]
    out = rooms.reverberate(impulse, response(own), 0.0, rt60)
    assert rooms.decay_time(out) == pytest.approx(rt60, rel=0.03)
    assert 10 * np.log10(out[0] ** 2 / np.sum(out[1:].astype("float64") ** 2)) == pytest.approx(0.0, abs=1e-2)


def test_a_longer_decay_keeps_the_early_pattern_and_the_colour():
    rng = np.random.default_rng(0)
    dull = np.convolve(mix.decaying_room(0.3, 0.0, SAMPLE_RATE, rng)[1:], np.ones(8) / 8)
    out = rooms.reverberate(IMPULSE, np.concatenate([[1.0], dull]), 0.0, 1.5)
    assert np.corrcoef(out[55:1000], dull[54:999])[0, 1] > 0.9
    power = np.abs(np.fft.rfft(out[SAMPLE_RATE // 2 : SAMPLE_RATE])) ** 2
    low, high = np.sum(power[: len(power) // 8]), np.sum(power[len(power) // 8 :])
    assert low > 3 * high


def test_speech_comes_through_at_a_high_ratio():
    speech = np.random.default_rng(1).standard_normal(20000).astype("float32")
    out = rooms.reverberate(speech, response(), 65.0, 1.0)
    assert 20 * np.log10(mix.rms(out - speech) / mix.rms(speech)) < -60
    assert out.dtype == np.float32


@pytest.mark.parametrize("samples", [1, 55, 56, 4000])
def test_short_clips_are_cut_not_refused(samples):
    out = rooms.reverberate(np.ones(samples, "float32"), response(), 0.0, 0.5)
    assert out.shape == (samples,) and np.isfinite(out).all()


def test_what_cannot_be_is_refused():
    for bad in (np.zeros(9000), np.eye(1, 9000)[0], np.ones(20)):
        with pytest.raises(InputError, match="reverberation"):
            rooms.reverberate(IMPULSE, bad, 0.0)
    with pytest.raises(InputError, match="out of range"):
        rooms.reverberate(IMPULSE, response(), 0.0, 9.0)
    with pytest.raises(InputError, match="sparse"):
        rooms.reverberate(IMPULSE, IMPULSE + 0.5 * np.roll(IMPULSE, 1000), 0.0, 1.0)


def test_simulated_rooms_take_every_decay():
    for room in shoebox_rooms(3, 5, SAMPLE_RATE):
        assert 0.1 < rooms.decay_time(room) < 1.5
        for rt60 in (0.24, 0.6, 1.7):
            assert rooms.decay_time(rooms.reverberate(IMPULSE, room, 0.0, rt60)) == pytest.approx(rt60, rel=0.05)
