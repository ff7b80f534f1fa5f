"""Layers of the separator: products in place of convolutions, transposes, pooling and masks."""

import numpy as np
import pytest
from keras import layers, ops

from zoo.separation.layers import MaxPoolBins, SoftMasks, SpectrumConv2D, TransposedConv2D, UnpoolBins, perceptron_core


def noise(*shape, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(shape, dtype="float32")


@pytest.mark.parametrize("width", [9, 5])
def test_a_convolution_over_all_bins_is_keras_own(width):
    x = noise(2, 3, 9, 1)
    ours, theirs = SpectrumConv2D(4, (1, width)), layers.Conv2D(4, (1, width))
    output = ours(x)
    theirs.build(x.shape)
    theirs.set_weights([weight + 0.1 for weight in ours.get_weights()])
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(x), theirs(x), atol=1e-5)
    assert tuple(output.shape) == tuple(theirs(x).shape)


@pytest.mark.parametrize(("kernel", "size"), [((1, 9), 9), ((1, 4), 9), ((3, 1), 1)])
def test_the_transposed_convolution_is_the_adjoint_of_its_convolution(kernel, size):
    """<C x, y> = <x, C' y>, which defines a transpose."""
    convolution = layers.Conv2D(4, kernel, use_bias=False)
    x = noise(2, 5, size, 2).astype("float32")
    y = noise(*convolution(x).shape, seed=1)
    back = TransposedConv2D(convolution, tied=True)(y)
    assert tuple(back.shape) == x.shape
    left, right = float(ops.sum(convolution(x) * y)), float(ops.sum(back * x))
    assert left == pytest.approx(right, rel=1e-4)
    own = TransposedConv2D(convolution, tied=False)
    assert own(y).shape == back.shape and len(own.trainable_variables) == 3
    assert not np.allclose(own(y), back)


def test_pooling_remembers_where():
    x = np.array([3.0, 1.0, 2.0, -1.0, -5.0], "float32").reshape(1, 1, 5, 1)
    pooled, places = MaxPoolBins(3)(x)
    np.testing.assert_array_equal(ops.convert_to_numpy(pooled).ravel(), [3.0, 0.0])
    np.testing.assert_array_equal(
        ops.convert_to_numpy(UnpoolBins(5)(ops.convert_to_tensor(pooled) * 2, places)).ravel(), [6.0, 0, 0, 0, 0]
    )


def test_bins_that_fill_no_group_may_be_left_out():
    x = np.array([3.0, 1.0, 2.0, 4.0, 5.0], "float32").reshape(1, 1, 5, 1)
    pooled, places = MaxPoolBins(3, rest=False)(x)
    np.testing.assert_array_equal(ops.convert_to_numpy(pooled).ravel(), [3.0])
    np.testing.assert_array_equal(ops.convert_to_numpy(UnpoolBins(5)(pooled, places)).ravel(), [3.0, 0, 0, 0, 0])


def test_a_perceptron_sees_each_frame_by_itself():
    core = perceptron_core(2, 3, 5, (4,), 0.5)
    x = np.abs(noise(2, 3, 5))
    (first, first_bias), (last, last_bias) = (layer.get_weights() for layer in core.layers if layer.weights)
    y = np.maximum(np.maximum(0.5 * x @ first + first_bias, 0) @ last + last_bias, 0).reshape(2, 3, 2, 5)
    y = y.transpose(0, 2, 1, 3) + 1e-7
    np.testing.assert_allclose(core(x), y / y.sum(axis=1, keepdims=True), rtol=1e-4, atol=1e-5)


def test_soft_masks():
    outputs = np.array([3.0, -1.0, 0.0, 0.0], "float32").reshape(1, 4, 1, 1)
    np.testing.assert_allclose(ops.convert_to_numpy(SoftMasks()(outputs)).ravel(), [0.75, 0.25, 0, 0], atol=1e-6)
    np.testing.assert_allclose(ops.convert_to_numpy(SoftMasks()(0 * outputs)).ravel(), 0.25)
