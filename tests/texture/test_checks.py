"""Targets, lengths and counts that a synthesis refuses, with words that say what to give."""

import numpy as np
import pytest

from zoo.errors import InputError
from zoo.texture import checks

SOUND = np.sin(np.arange(16000.0))


def test_a_target_is_given_back_as_float32():
    target = checks.check_target(SOUND, 16000, 1.0)
    assert target.dtype == np.float32
    np.testing.assert_allclose(target, SOUND, atol=1e-6)


@pytest.mark.parametrize(
    ("target", "rate", "says"),
    [
        (SOUND[:, None], 16000, r"has the shape \(16000, 1\); give one channel"),
        (SOUND.astype("int16"), 16000, "is int16; give float"),
        (SOUND, 0, "sample rate is 0; give that of the audio, a whole number in Hz, above 0"),
        (SOUND, float("nan"), "sample rate is nan"),
        (np.where(np.arange(16000) == 3, np.inf, SOUND), 16000, "NaN or infinity"),
        (SOUND[:-1], 16000, "has 1.00 s; give 1.00 s or more"),
        (0 * SOUND + 0.5, 16000, "is silent"),
    ],
)
def test_a_target_that_cannot_be_used(target, rate, says):
    with pytest.raises(InputError, match=says):
        checks.check_target(target, rate, 1.0)


def test_the_length_of_the_result():
    assert checks.result_samples(SOUND, 44100, None, 0.5) == 16000
    assert checks.result_samples(SOUND, 44100, 1.23456, 0.5) == 54444
    for seconds in (0.4, float("nan"), float("inf")):
        with pytest.raises(InputError, match="give 0.50 s or more"):
            checks.result_samples(SOUND, 44100, seconds, 0.5)


@pytest.mark.parametrize("value", [-1, 1.5, "3", None])
def test_counts_are_integers_of_0_or_more(value):
    checks.check_counts(seed=0, iterations=np.int64(3))
    with pytest.raises(InputError, match="phase iterations is .*; give an integer, 0 or more"):
        checks.check_counts(phase_iterations=value)
