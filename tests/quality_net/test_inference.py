"""Scores by onnxruntime are those by Keras: of batches, of lengths, of long recordings, and where there is none."""

import numpy as np
import pytest

from tests.support import checkpoints, onnx

NAMES = [name for name in onnx.ONNX_NAMES if name.startswith("quality-net")]


@pytest.mark.parametrize("name", checkpoints.swept(NAMES))
def test_scores_are_those_of_keras(name):
    keras_model, model = checkpoints.load(name), onnx.load(name)
    recordings = model.of_pair(*onnx.recordings(16000, 3, 1.5))
    lengths = [24000, 20001, 7000]  # the last is too short
    expected = keras_model.score(*recordings, 16000, lengths)
    np.testing.assert_allclose(model.score(*recordings, 16000, lengths), expected, atol=1e-4)
    assert np.isfinite(expected).tolist() == [True, True, False]


def test_the_score_of_a_long_recording_is_that_of_keras():
    name = "quality-net-tiny-pesq-wb-16k"
    (reference,), (degraded,) = onnx.recordings(16000, 1, 31)
    expected = checkpoints.load(name).score(reference, degraded, 16000, clip=False)
    np.testing.assert_allclose(onnx.load(name).score(reference, degraded, 16000, clip=False), expected, atol=1e-4)


def test_scores_over_time_are_those_of_keras():
    name = "quality-net-free-pesq-wb-16k"
    _, (recording,) = onnx.recordings(16000, 1, 31)
    seconds, expected = checkpoints.load(name).score_over_time(recording, 16000, clip=False)
    actual_seconds, actual = onnx.load(name).score_over_time(recording, 16000, clip=False)
    np.testing.assert_array_equal(actual_seconds, seconds)
    np.testing.assert_allclose(actual, expected, atol=1e-4)


def test_silence_has_no_score():
    speech = onnx.recordings(16000, 1, 1)[0]
    for name in NAMES:
        model = onnx.load(name)
        assert np.isnan(model.score(*model.of_pair(speech, np.zeros_like(speech)), 16000)).all()
