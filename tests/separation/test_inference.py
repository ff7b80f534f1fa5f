"""Sources by onnxruntime are those by Keras."""

import numpy as np
import pytest

from tests.support import checkpoints, onnx

NAMES = [name for name in onnx.ONNX_NAMES if name.startswith("chandna")]


@pytest.mark.parametrize("name", NAMES)
def test_sources_are_those_of_keras_and_sum_to_the_mixture(name):
    mixture = onnx.recordings(44100, 2, 1.3)[1].T
    expected = checkpoints.load(name).separate(mixture, 44100)
    separated = onnx.load(name).separate(mixture, 44100)
    assert list(separated) == list(expected)
    for source, audio in separated.items():
        np.testing.assert_allclose(audio, expected[source], atol=1e-4 * np.abs(mixture).max())
    np.testing.assert_allclose(sum(separated.values()), mixture, atol=1e-5)
