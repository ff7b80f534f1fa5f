"""Layers of the JND networks against Keras and NumPy, with and without padding."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.jnd.layers import ChannelDistance, ClipNormalization, HalvingConv1D, PairedDropout


def values(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def array(tensor):
    return ops.convert_to_numpy(tensor)


def zero_after(x, lengths):
    return np.where((np.arange(x.shape[1]) < np.asarray(lengths)[:, None])[:, :, None], x, 0).astype("float32")


@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("samples", [1, 2, 3, 8, 9])
def test_convolution_is_that_of_keras(samples, strides):
    x = values(2, samples, 3)
    ours = HalvingConv1D(4, strides)
    y = array(ours(x, np.full(2, samples, "int32")))
    theirs = keras.layers.Conv1D(4, 3, strides, "same", use_bias=False)
    theirs.build(x.shape)
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(y, array(theirs(x)), atol=1e-6)
    assert y.shape == ours.compute_output_shape(x.shape)


@pytest.mark.parametrize("size", [8, 9, 20])
def test_convolution_is_aligned_by_the_length_of_each_example(size):
    lengths = np.array([8, 7, 1, 4], "int32")
    x, layer = zero_after(values(4, size, 3), lengths), HalvingConv1D(4, 2)
    together = array(layer(x, lengths))
    for row, y, length in zip(x, together, lengths, strict=True):
        alone = array(layer(row[None, :length], np.array([length])))[0]
        np.testing.assert_allclose(y[: len(alone)], alone, atol=1e-6)


@pytest.mark.parametrize("lengths", [(8, 6, 2), (7, 5, 1), (8, 7, 2)])
def test_convolution_is_the_same_whichever_parities_are_together(lengths):
    x, layer = zero_after(values(3, 9, 3), lengths), HalvingConv1D(4, 2)
    together = array(layer(x, np.array(lengths, "int32")))
    mixed = array(layer(np.tile(x, (2, 1, 1)), np.array([*lengths, 3, 4, 5], "int32")))
    np.testing.assert_allclose(together, mixed[:3], atol=1e-6)


@pytest.mark.on_jax
@pytest.mark.on_torch
@pytest.mark.parametrize("samples", [1, 10])
def test_normalization_of_whole_clips_is_that_of_numpy_and_of_padded_ones(samples):
    x, beta, layer = 3 + values(3, samples, 4), values(4, seed=1), ClipNormalization()
    layer.build(x.shape)
    layer.set_weights([beta])
    lengths = np.full(3, samples, "int32")
    whole = array(layer(ops.convert_to_tensor(x), lengths))
    clips = x.astype("float64")
    expected = (clips - clips.mean(1, keepdims=True)) / np.sqrt(clips.var(1, keepdims=True) + 1e-3) + beta
    np.testing.assert_allclose(whole, expected, atol=1e-5)
    padded = array(layer(ops.convert_to_tensor(np.pad(x, ((0, 0), (0, 5), (0, 0)))), lengths))
    np.testing.assert_allclose(padded[:, :samples], whole, atol=1e-5)
    assert not padded[:, samples:].any()


def test_normalization_is_that_of_numpy_and_zero_after_the_length():
    x, lengths, beta = 3 + values(3, 10, 4), np.array([10, 7, 1], "int32"), values(4, seed=1)
    layer = ClipNormalization()
    layer.build(x.shape)
    layer.set_weights([beta])
    for training in (False, True):  # the statistics are the clip's own in both
        y = array(layer(x, lengths, training=training))
        for row, clip, length in zip(y, x, lengths, strict=True):
            clip = clip[:length].astype("float64")
            expected = (clip - clip.mean(axis=0)) / np.sqrt(clip.var(axis=0) + 1e-3) + beta
            np.testing.assert_allclose(row[:length], expected, atol=1e-5)
            assert not row[length:].any()


def test_dropout_takes_the_same_of_both_halves_in_training():
    layer, x = PairedDropout(0.3), np.ones((8, 500, 4), "float32")
    y = array(layer(x, training=True))
    np.testing.assert_array_equal(y[:4], y[4:])
    assert not np.array_equal(y[0], y[1])  # not the same of all examples
    assert set(np.unique(y)) == {0.0, np.float32(1 / 0.7)}
    assert np.mean(y == 0) == pytest.approx(0.3, abs=0.03)
    assert not np.array_equal(y, array(layer(x, training=True)))  # nor the same at each step


def test_dropout_is_off_in_inference_and_at_rate_0():
    x = values(4, 10, 2)
    np.testing.assert_array_equal(array(PairedDropout(0.3)(x)), x)
    np.testing.assert_array_equal(array(PairedDropout(0.0)(x, training=True)), x)


def test_distance_is_that_of_numpy():
    lengths, weight = np.array([9, 5, 0] * 2, "int32"), values(4, seed=1)
    x, layer = zero_after(values(6, 9, 4), lengths), ChannelDistance()
    layer.build(x.shape)
    np.testing.assert_array_equal(layer.get_weights()[0], np.ones(4))
    layer.set_weights([weight])
    y = array(layer(x, lengths))
    difference = np.abs(weight * (x[:3] - x[3:]))
    np.testing.assert_allclose(y, [difference[0].mean(), difference[1, :5].mean(), 0], rtol=1e-5)


@pytest.mark.parametrize("layer", [HalvingConv1D(4, 2), PairedDropout(0.25)])
def test_config_makes_the_layer_again(layer):
    config = type(layer).from_config(layer.get_config()).get_config()
    assert config == layer.get_config()
