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


def test_the_range_of_levels_is_that_of_speech_over_its_pauses():
    speech = np.repeat([[1.0, 0.001], [1.0, 0.1]], 16000, axis=1) * RNG.standard_normal((2, 32000))
    np.testing.assert_allclose(mix.level_range_db(speech, 16000), [60, 20], atol=1)
    assert mix.level_range_db(np.zeros(16000), 16000) == 0
    noisy = mix.mix_at_snr(speech[0], RNG.standard_normal(32000), 15.0)
    assert 10 < mix.level_range_db(noisy, 16000) < 22


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


def test_pulsing_noise_swings_by_30_to_100_percent():
    for seed in range(10):
        gain = mix.pulse(np.ones(64000), 16000, np.random.default_rng(seed))
        assert 0.29 < np.ptp(gain) / 2 < 1.01 and gain.mean() == pytest.approx(1, abs=0.1)


def test_a_level_wanders_slowly_within_its_range():
    for seed in range(10):
        gain = mix.fluctuate(np.ones(64000), 16000, 20.0, np.random.default_rng(seed))
        gains_db = 20 * np.log10(gain)
        assert -20 <= gains_db.min() and gains_db.max() <= 1e-9 and np.ptp(gains_db) > 2
        assert np.abs(np.diff(gains_db)).max() <= 20 / (0.25 * 16000)


def test_a_blend_is_the_sum_of_its_noises_within_15_db():
    low, high = (np.sin(2 * np.pi * f * np.arange(32000) / 16000) for f in (200, 3000))
    ratios = []
    for seed in range(20):
        spectrum = np.abs(np.fft.rfft(mix.blend([low, high], 16000, np.random.default_rng(seed)))) ** 2
        ratios.append(10 * np.log10(spectrum[:1600].sum() / spectrum[1600:].sum()))
    assert np.ptp(ratios) > 6 and np.abs(ratios).max() < 15 + 20
    assert not mix.blend([np.zeros(100)], 16000, np.random.default_rng(0)).any()
