"""Sources of a song as one array: shapes, copies, and the contract of audio, with the source named in each message."""

import numpy as np
import pytest

from zoo.errors import InputError
from zoo.metrics import stems

WAVE = np.linspace(-0.5, 0.5, 100)


def test_sources_are_stacked_in_the_order_of_the_references():
    stereo = np.stack([WAVE, -WAVE], axis=1)
    true, estimated = stems.pair({"a": WAVE, "b": 2 * WAVE}, {"b": WAVE, "a": 3 * WAVE})
    assert true.shape == estimated.shape == (2, 100, 1) and true.dtype == np.float64
    np.testing.assert_array_equal(estimated[:, :, 0], [3 * WAVE, WAVE])
    stacked = stems.stack({"a": stereo}, "reference")
    stacked[:] = 0
    assert stacked.shape == (1, 100, 2) and stereo.any()


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (np.zeros((8, 100)), r"has 100 channels of 8 samples; channels come last: .*audio\.T"),
        (np.zeros((1, 100, 2)), r"audio has shape \(1, 100, 2\); give \(samples,\) or \(samples, channels\)"),
        (np.zeros(0), "audio has shape"),
        (np.zeros(100, "int16"), "audio is int16"),
        (np.full(100, np.nan), "holds NaN"),
        (32768.5 * WAVE, "divide 16-bit samples by 32768"),
        ("a.wav", "not samples; read a file"),
    ],
)
def test_what_is_no_reference_is_refused(audio, message):
    with pytest.raises(InputError, match=f"^reference 'vocals': .*{message}"):
        stems.stack({"vocals": audio}, "reference")


def test_an_estimate_may_be_of_any_size():
    assert stems.stack({"vocals": 32768.5 * WAVE}, "estimate").shape == (1, 100)
