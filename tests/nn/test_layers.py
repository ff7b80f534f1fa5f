"""Spectral normalisation against the SVD, its side effects (none), and the masked poolings."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from tests.support.harness import check_frozen
from zoo.nn.layers import (
    MaskTime,
    MaxOverTime,
    MeanOverTime,
    SpectralNormalization,
    fold_spectral_normalization,
)


def network(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((12, 10, 3)),
            SpectralNormalization(layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")),
            SpectralNormalization(layers.Conv2D(16, 5, padding="same", use_bias=False)),
            layers.GlobalAveragePooling2D(),
            SpectralNormalization(layers.Dense(10)),
            SpectralNormalization(layers.Dense(1)),
        ]
    )


def wrapped(model):
    return [layer for layer in model.layers if isinstance(layer, SpectralNormalization)]


def sigma(layer):
    kernel = ops.convert_to_numpy(layer.effective_kernel()).astype("float64")
    return np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]


@pytest.mark.parametrize("seed", range(3))
def test_sigma_is_one_from_the_first_call_on(seed):
    for layer in wrapped(network(seed)):
        assert sigma(layer) == pytest.approx(1.0, rel=0.02)


def test_output_is_that_of_the_divided_kernel():
    keras.utils.set_random_seed(1)
    layer = SpectralNormalization(layers.Dense(6, activation="tanh"))
    x = np.random.default_rng(0).standard_normal((4, 9)).astype("float32")
    y = ops.convert_to_numpy(layer(x))
    expected = np.tanh(x @ ops.convert_to_numpy(layer.effective_kernel()) + ops.convert_to_numpy(layer.layer.bias))
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_training_keeps_the_norm_with_two_calls_a_step():
    inputs = [keras.Input((12, 10, 3)), keras.Input((12, 10, 3))]
    shared = network()
    model = keras.Model(inputs, layers.Subtract()([shared(inputs[0]), shared(inputs[1])]))
    model.compile(keras.optimizers.Adam(1e-2), loss="mse", jit_compile=False)
    rng = np.random.default_rng(0)
    for _ in range(20):
        batch = [rng.standard_normal((4, 12, 10, 3)).astype("float32") for _ in inputs]
        model.train_on_batch(batch, np.ones((4, 1), "float32"))
    for layer in wrapped(shared):
        assert sigma(layer) == pytest.approx(1.0, rel=0.02)


def test_inference_and_frozen_training_change_nothing():
    frozen = network()
    frozen.trainable = False
    x = np.random.default_rng(0).standard_normal((2, 12, 10, 3)).astype("float32")

    def step():
        outer = keras.Sequential([keras.Input(x.shape[1:]), layers.Conv2D(3, 1), frozen])
        outer.compile("sgd", loss="mse", jit_compile=False)
        frozen(x, training=True)
        outer.train_on_batch(x, np.ones((2, 1), "float32"))

    check_frozen(frozen, step)


def test_training_moves_the_direction():
    layer = SpectralNormalization(layers.Dense(5))
    layer(np.ones((1, 50), "float32"))
    before = ops.convert_to_numpy(layer.direction)
    layer(np.ones((1, 50), "float32"), training=True)
    assert np.abs(ops.convert_to_numpy(layer.direction) - before).max() > 0


def test_save_and_load(tmp_path):
    model, x = network(), np.random.default_rng(0).standard_normal((2, 12, 10, 3)).astype("float32")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(ops.convert_to_numpy(loaded(x)), ops.convert_to_numpy(model(x)))


def test_fold_gives_plain_layers_with_the_same_output():
    model, x = network(), np.random.default_rng(0).standard_normal((2, 12, 10, 3)).astype("float32")
    folded = fold_spectral_normalization(model)
    assert not wrapped(folded)
    assert type(folded.layers[0]) is layers.Conv2D
    assert folded.count_params() == sum(np.prod(w.shape) for w in model.trainable_weights)
    np.testing.assert_allclose(ops.convert_to_numpy(folded(x)), ops.convert_to_numpy(model(x)), atol=1e-6)


def test_mixed_precision():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = network()
        y = model(np.random.default_rng(0).standard_normal((2, 12, 10, 3)).astype("float32"), training=True)
        assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
        assert np.isfinite(ops.convert_to_numpy(ops.cast(y, "float32"))).all()
        assert all(keras.backend.standardize_dtype(w.dtype) == "float32" for w in model.weights)
        for layer in wrapped(model):
            assert sigma(layer) == pytest.approx(1.0, rel=0.02)
    finally:
        keras.config.set_dtype_policy(policy)


@pytest.mark.parametrize("layer", [layers.DepthwiseConv2D(3), layers.Conv2D(4, 3, groups=2), layers.LSTM(3)])
def test_other_layers_are_refused(layer):
    with pytest.raises(ValueError, match="wraps Conv2D"):
        SpectralNormalization(layer)


def test_masked_poolings_are_those_of_the_bare_clip():
    x = np.random.default_rng(0).standard_normal((3, 7, 2, 4)).astype("float32") - 3.0
    lengths = np.array([7, 4, 1], "int32")
    mean, peak, masked = (ops.convert_to_numpy(f()(x, lengths)) for f in (MeanOverTime, MaxOverTime, MaskTime))
    for i, n in enumerate(lengths):
        np.testing.assert_allclose(mean[i], x[i, :n].mean(axis=0), rtol=1e-5)
        np.testing.assert_allclose(peak[i], x[i, :n].max(axis=0), rtol=1e-5)
        np.testing.assert_array_equal(masked[i, :n], x[i, :n])
        assert not masked[i, n:].any()


def test_time_masks_of_whole_clips_change_nothing():
    x = np.random.default_rng(0).standard_normal((2, 5, 3, 4)).astype("float32")
    np.testing.assert_array_equal(ops.convert_to_numpy(MaskTime()(x, np.array([5, 5]))), x)
