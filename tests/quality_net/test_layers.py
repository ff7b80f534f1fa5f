"""The convolution by Fourier transforms against Keras's own, and the weighted mean over time against NumPy."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from zoo.quality_net.layers import FourierConv2D, FrameConstraint, WeightedMeanOverTime
from zoo.texture.optimize import value_and_gradient


def twins(shape, filters, size, **options):
    """The layer, Keras's with the same weights, and an input."""
    rng = np.random.default_rng(0)
    ours, plain = FourierConv2D(filters, size, **options), layers.Conv2D(filters, size, **options)
    for layer in (ours, plain):
        layer.build(shape)
        layer.set_weights([np.random.default_rng(1).standard_normal(weight.shape) for weight in layer.weights])
    return ours, plain, rng.standard_normal(shape).astype("float32")


@pytest.mark.parametrize("frames", [11, 32, 33, 54, 55, 100])  # one output; the ends of blocks of 32, 22 apart
@pytest.mark.parametrize("bands", [11, 12, 30])
def test_it_is_the_plain_convolution(frames, bands):
    ours, plain, x = twins((2, frames, bands, 3), 5, 11)
    expected = ops.convert_to_numpy(plain(x))
    output = ops.convert_to_numpy(ours(x))
    assert output.shape == expected.shape
    np.testing.assert_allclose(output, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("size", [(1, 4), (4, 1), (9, 2), (20, 7)])
def test_kernels_of_any_shape(size):
    ours, plain, x = twins((2, 70, 16, 2), 3, size, activation="relu")
    expected = ops.convert_to_numpy(plain(x))
    np.testing.assert_allclose(ops.convert_to_numpy(ours(x)), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("of", ["inputs", "kernel"])
def test_gradients_are_those_of_the_plain_convolution(of):
    ours, plain, x = twins((2, 40, 12, 2), 3, 9)
    kernel, gradients = ops.convert_to_numpy(plain.kernel), []
    for layer in (ours, plain):

        def loss(argument, layer=layer):
            y = layer.convolution_op(*(argument, kernel) if of == "inputs" else (x, argument))
            return ops.sum(ops.sin(y / 9)), ()

        gradients.append(np.asarray(value_and_gradient(loss)(x if of == "inputs" else kernel)[1]))
    np.testing.assert_allclose(*gradients, atol=1e-4 * np.abs(gradients[1]).max())


def test_frames_need_not_be_known():
    inputs, (_, plain, x) = keras.Input((None, 12, 2)), twins((2, 40, 12, 2), 3, 9)
    model = keras.Model(inputs, FourierConv2D(3, 9)(inputs))
    model.set_weights(plain.get_weights())
    assert model.output_shape == (None, None, 4, 3)
    expected = ops.convert_to_numpy(plain(x))
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("frames", [5, 10])
def test_too_few_frames_are_refused(frames):
    ours, _, x = twins((1, 40, 14, 2), 3, 11)
    with pytest.raises(Exception, match="(?i)negative|non-negative|shape"):
        ours(x[:, :frames])


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="JAX knows all shapes")
@pytest.mark.parametrize("frames", [5, 9])
def test_too_few_frames_are_refused_where_their_number_is_unknown(frames):
    import tensorflow as tf

    ours, plain, x = twins((2, 40, 14, 2), 3, 11)
    compiled = tf.function(ours, input_signature=[tf.TensorSpec((None, None, 14, 2))])
    expected = ops.convert_to_numpy(plain(x))
    np.testing.assert_allclose(compiled(x), expected, atol=1e-5 * np.abs(expected).max())
    with pytest.raises(tf.errors.InvalidArgumentError):
        compiled(x[:, :frames])


def test_too_large_a_transform_is_a_plain_convolution():
    ours, plain, x = twins((1, 12, 257, 40), 50, 11)
    np.testing.assert_array_equal(ops.convert_to_numpy(ours(x)), ops.convert_to_numpy(plain(x)))


@pytest.mark.parametrize("option", [{"strides": 2}, {"padding": "same"}, {"dilation_rate": 2}, {"groups": 2}])
def test_what_a_plain_convolution_is_for_is_refused(option):
    with pytest.raises(ValueError, match="no padding"):
        FourierConv2D(4, 9, **option)


def test_other_precisions_are_a_plain_convolution():
    ours, plain, x = twins((2, 40, 12, 2), 3, 9, dtype="mixed_bfloat16")
    np.testing.assert_array_equal(ops.convert_to_numpy(ours(x)), ops.convert_to_numpy(plain(x)))


def test_the_weighted_mean_is_that_of_the_frames_that_count():
    values, logits = np.random.default_rng(0).standard_normal((2, 3, 9)).astype("float32")
    logits[0, 8] = 50.0  # after the length
    lengths = np.array([8, 9, 1], "int32")
    expected = [np.average(v[:n], weights=np.exp(w[:n])) for v, w, n in zip(values, logits, lengths, strict=True)]
    actual = WeightedMeanOverTime()(values, logits, lengths)
    np.testing.assert_allclose(ops.convert_to_numpy(actual), expected, rtol=1e-5)


def test_the_constraint_is_the_distance_of_the_frames_that_count_in_training_alone():
    values = np.array([[0.0, 2.0, 9.0], [1.0, 1.0, 1.0]], "float32")
    quality, lengths = np.array([1.0, 0.0], "float32"), np.array([2, 3], "int32")
    layer = FrameConstraint(0.5)
    np.testing.assert_array_equal(layer(quality, values, lengths, training=True), quality)
    assert [float(loss) for loss in layer.losses] == [pytest.approx(0.5 * (1.0 + 1.0) / 2)]
    layer(quality, values, lengths)
    assert layer.losses == []
    layer.trainable = False
    layer(quality, values, lengths, training=True)
    assert layer.losses == []
    assert FrameConstraint.from_config(layer.get_config()).weight == 0.5
