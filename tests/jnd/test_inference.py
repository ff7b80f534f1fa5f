"""Distances by onnxruntime are those by Keras: of batches, of lengths, of long recordings, and where there is none."""

import numpy as np
import pytest

from tests.support import checkpoints, onnx

NAMES = [name for name in onnx.ONNX_NAMES if name.startswith("jnd")]


def check_judgments(name, *pair, **options):
    expected = checkpoints.load(name).judge(*pair, 22050, **options)
    for ours, theirs in zip(onnx.load(name).judge(*pair, 22050, **options), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", checkpoints.swept(NAMES))
def test_distances_and_probabilities_are_those_of_keras(name):
    check_judgments(name, *onnx.recordings(22050, 3, 1.0), lengths=[22050, 20001, 0])


def test_those_of_a_long_recording_are_those_of_keras():
    check_judgments("jnd-22k", *onnx.recordings(22050, 1, 31))


def test_identical_recordings_have_no_distance():
    speech = onnx.recordings(22050, 1, 1)[0]
    assert onnx.load("jnd-22k").distance(speech, speech, 22050).tolist() == [0.0]
    assert 0 < onnx.load("jnd-22k").probability(speech, speech, 22050)[0] < 0.2
