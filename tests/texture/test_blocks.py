"""Convolutions block by block: the matrices, and the whole against NumPy's correlation."""

import numpy as np
import pytest
from keras import ops

from zoo.texture import blocks


@pytest.mark.parametrize("width", [2, 3, 4, 7, 16, 33, 64, 70])
def test_the_three_matrices_are_a_correlation(width):
    block, kernel, back = blocks.transforms(width)
    rng = np.random.default_rng(width)
    x, k = rng.standard_normal(block.shape[1]), rng.standard_normal(width)
    np.testing.assert_allclose(
        back @ ((block @ x) * (kernel @ k)), np.correlate(x, k, "valid")[: len(back)], atol=1e-12
    )


@pytest.mark.parametrize("frames", [4, 5, 16, 50])
def test_a_convolution_is_the_sum_over_channels(frames):
    rng = np.random.default_rng(0)
    x, kernel = rng.standard_normal((2, frames, 3)), rng.standard_normal((4, 3, 5))
    outputs = ops.convert_to_numpy(blocks.block_convolution(x, blocks.transform_kernel(kernel), 4))
    assert outputs.shape == (2, frames - 3, 5)
    expected = [
        [sum(np.correlate(clip[:, c], kernel[:, c, f], "valid") for c in range(3)) for f in range(5)] for clip in x
    ]
    np.testing.assert_allclose(outputs, np.transpose(expected, (0, 2, 1)), rtol=1e-4, atol=1e-4)


def test_narrow_kernels_stay_plain():
    assert [blocks.blocked(width) for width in (2, 3, 4, 64)] == [False, False, True, True]
