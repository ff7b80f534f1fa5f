"""Imitated enhancers keep the shape and something of the speech."""

import numpy as np
import pytest

from tests.support.audio import RATE, voice
from zoo.quality_net import degrade


@pytest.mark.parametrize("seed", range(12))
def test_enhancers_leave_something_of_the_speech(seed):
    speech, noise = voice(), 0.3 * voice(seed=1)
    enhanced = degrade.enhance_like(speech, noise, RATE, np.random.default_rng(seed))
    assert enhanced.shape == speech.shape
    assert enhanced.dtype == np.float32
    assert np.isfinite(enhanced).all()
    assert np.corrcoef(enhanced, speech)[0, 1] > 0.3
