"""Mixing: the SNR asked for is the SNR that comes out."""

import numpy as np
import pytest

from zoo.audio import mix

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("snr_db", [-10.0, 0.0, 17.5])
def test_snr(snr_db):
    speech, noise = RNG.standard_normal((2, 8000)).astype("float32")
    added = mix.mix_at_snr(speech, 7 * noise, snr_db).astype("float64") - speech
    assert 20 * np.log10(mix.rms(speech) / mix.rms(added)) == pytest.approx(snr_db, abs=1e-3)


def test_silent_noise_adds_nothing():
    speech = RNG.standard_normal(100).astype("float32")
    np.testing.assert_array_equal(mix.mix_at_snr(speech, np.zeros(100, "float32"), 0.0), speech)


def test_loop_repeats_short_recordings():
    looped = mix.loop_to(np.arange(5.0), 23, np.random.default_rng(0))
    assert (np.diff(looped) % 5 == 1).all()


@pytest.mark.parametrize(("exponent", "db_per_octave"), [(0.0, 0.0), (1.0, -3.01), (2.0, -6.02)])
def test_noise_colour(exponent, db_per_octave):
    noise = mix.colored_noise(2**18, exponent, np.random.default_rng(0))
    power = np.abs(np.fft.rfft(noise)) ** 2
    low, high = power[1000:2000].mean(), power[32000:64000].mean()
    assert 10 * np.log10(high / low) / 5 == pytest.approx(db_per_octave, abs=0.15)
    assert mix.rms(noise) == pytest.approx(0.1, rel=1e-4)


def test_a_room_keeps_the_direct_path_in_place():
    speech = RNG.standard_normal(400).astype("float32")
    response = np.zeros(100, "float32")
    response[30], response[50] = -2.0, 1.0
    expected = speech.copy()
    expected[20:] -= 0.5 * speech[:-20]
    np.testing.assert_allclose(mix.convolve_room(speech, response), expected, atol=1e-5)


def test_synthetic_room_has_its_decay_and_its_direct_part():
    room = mix.decaying_room(0.5, 6.0, 16000, np.random.default_rng(0)).astype("float64")
    energy = np.cumsum(room[:0:-1] ** 2)[::-1]
    slope = 10 * np.log10(energy[4000] / energy[400]) / (3600 / 16000)
    assert slope == pytest.approx(-120.0, rel=0.15)
    assert 10 * np.log10(room[0] ** 2 / energy[0]) == pytest.approx(6.0, abs=0.01)
