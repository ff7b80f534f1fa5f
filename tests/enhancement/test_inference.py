"""Recordings enhanced by onnxruntime are those enhanced by Keras: of batches, of lengths, and long ones."""

import numpy as np
import pytest

from tests.support import checkpoints, onnx
from zoo.cli.enhance import DEFAULT_CHECKPOINT
from zoo.enhancement.model import DNNEnhancer

NAMES = [name for name in onnx.ONNX_NAMES if name.startswith(("blstm", "can", "dnn", "qrnn"))]


def check_enhanced(name, noisy, **options):
    expected = checkpoints.load(name).enhance(noisy, 16000, **options)
    enhanced = onnx.load(name).enhance(noisy, 16000, **options)
    np.testing.assert_allclose(enhanced, expected, atol=1e-4 * np.abs(expected).max())
    return enhanced


def test_the_default_of_the_command_starts_at_once():
    assert DEFAULT_CHECKPOINT in NAMES


@pytest.mark.parametrize("name", checkpoints.swept(NAMES))
def test_recordings_are_enhanced_as_by_keras(name):
    enhanced = check_enhanced(name, onnx.recordings(16000, 2, 1.2)[1], lengths=[19200, 10001])
    assert not enhanced[1, 10001:].any()


def test_a_long_recording_is_enhanced_as_by_keras():
    check_enhanced("dnn-pmsqe-16k", onnx.recordings(16000, 1, 61)[1][0])


def test_the_statistics_of_a_long_recording_are_those_of_the_whole():
    """A recording has the features by chunks that it has in one piece."""
    noisy = onnx.recordings(16000, 1, 3)[1][0]
    model = DNNEnhancer(units=4)
    for chunks, whole in zip(model._conditions(noisy, 16128), model._conditions(noisy, 48128), strict=True):
        np.testing.assert_allclose(chunks, whole, rtol=1e-5)
