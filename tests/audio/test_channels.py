"""Channels keep shape and alignment, and do what they say to the spectrum and the level."""

import numpy as np
import pytest

from tests.support.audio import RATE, tone, voice
from zoo.audio import channels, mix

CHANNELS = [
    channels.band_limit,
    channels.tilt,
    channels.microphone,
    channels.clip,
    channels.lose_packets,
    channels.quantize,
]


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("seed", range(4))
def test_channels_keep_shape_and_time(channel, seed):
    speech = voice()
    degraded = channel(speech, RATE, np.random.default_rng(seed))
    assert degraded.shape == speech.shape
    assert degraded.dtype == np.float32
    assert np.isfinite(degraded).all()
    assert np.abs(degraded - speech).max() > 0
    lagged = [np.dot(np.roll(degraded, lag), speech) for lag in range(-40, 41)]
    assert abs(int(np.argmax(lagged)) - 40) <= 2
    np.testing.assert_array_equal(degraded, channel(speech, RATE, np.random.default_rng(seed)))


def test_a_microphone_keeps_the_level_and_loses_the_lowest_and_the_highest():
    white = mix.colored_noise(4 * RATE, 0.0, np.random.default_rng(0))
    frequency = np.fft.rfftfreq(len(white), 1 / RATE)
    for seed in range(8):
        recorded = channels.microphone(white, RATE, np.random.default_rng(seed))
        assert mix.rms(recorded) == pytest.approx(mix.rms(white), rel=1e-5)
        power = np.abs(np.fft.rfft(recorded)) ** 2
        low, middle = power[(frequency > 5) & (frequency < 25)], power[(frequency > 500) & (frequency < 2500)]
        assert 10 * np.log10(low.mean() / middle.mean()) < -8
        assert power[frequency > 7800].mean() < middle.mean()


def test_silence_stays_silent_through_a_microphone():
    assert not channels.microphone(np.zeros(1000, "float32"), RATE, np.random.default_rng(0)).any()


def test_clipping_lowers_the_peak_and_packets_leave_the_rest_alone():
    speech, sine = voice(), tone()
    for seed in range(8):
        assert np.abs(channels.clip(speech, RATE, np.random.default_rng(seed))).max() < np.abs(speech).max()
        lost = channels.lose_packets(sine, RATE, np.random.default_rng(seed)) != sine
        assert 0 < lost.mean() < 0.6


@pytest.mark.parametrize("seed", range(6))
def test_a_gate_silences_pauses_and_leaves_speech(seed):
    rng = np.random.default_rng(0)
    speech = np.repeat([1.0, 1e-3, 1.0], RATE // 2) * rng.standard_normal(3 * RATE // 2)
    speech = (0.1 * speech).astype("float32")
    gated = channels.gate(speech, RATE, np.random.default_rng(seed))
    spoken, pause = np.r_[: RATE // 2, RATE : 3 * RATE // 2], np.r_[RATE // 2 + 1600 : RATE - 1600]
    assert gated.dtype == np.float32 and gated.shape == speech.shape
    np.testing.assert_array_equal(gated[spoken], speech[spoken])
    assert mix.rms(gated[pause]) < 0.2 * mix.rms(speech[pause])
