"""Golden inputs: sound, at the SNR they say, the same each time."""

import numpy as np
import pytest

from zoo.checkpoint import golden
from zoo.metrics import speech


def test_voices_are_at_their_snr_and_the_same_each_time():
    reference, degraded = golden.voices_in_noise(16000, (5, 20))
    assert reference.shape == degraded.shape == (2, 16000)
    assert max(np.abs(reference).max(), np.abs(degraded).max()) < 1
    assert speech.si_sdr(reference, degraded) == pytest.approx([5, 20], abs=0.2)
    np.testing.assert_array_equal(golden.voices_in_noise(16000, (5, 20))[1], degraded)
