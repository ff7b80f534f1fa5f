"""Degradations keep shape and alignment."""

import numpy as np
import pytest

from tests.support.audio import RATE, voice
from zoo.quality_net import degrade

CHANNELS = [
    degrade.band_limit,
    degrade.tilt,
    degrade.clip,
    degrade.lose_packets,
    degrade.quantize,
    degrade.codec,
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


@pytest.mark.parametrize("seed", range(12))
def test_enhancers_leave_something_of_the_speech(seed):
    speech, noise = voice(), 0.3 * voice(seed=1)
    enhanced = degrade.enhance_like(speech, noise, RATE, np.random.default_rng(seed))
    assert enhanced.shape == speech.shape
    assert enhanced.dtype == np.float32
    assert np.isfinite(enhanced).all()
    assert np.corrcoef(enhanced, speech)[0, 1] > 0.3


def test_align_takes_the_delay_out():
    speech = voice()
    late = np.concatenate([np.zeros(1105, "float32"), speech])
    np.testing.assert_array_equal(degrade.align(late, speech), speech)
    early = degrade.align(speech[300:], speech)
    np.testing.assert_array_equal(early[300:], speech[300:])
