"""The random networks: weights that are a seed, blocks that equal plain convolutions, what a stack sees."""

import hashlib

import keras
import numpy as np
import pytest

from tests.support import harness
from zoo.checkpoint import preset
from zoo.errors import InputError
from zoo.texture import blocks
from zoo.texture.model import RandomConvEnsemble, draw_kernel


def spectrogram(frames=200, batch=2, bins=9, seed=0):
    return np.random.default_rng(seed).random((batch, frames, bins))


def test_weights_are_the_same_everywhere():
    kernels = [draw_kernel(width, 257, 512, [0, i]) for i, width in enumerate((2, 4, 8))]
    digest = hashlib.sha256(b"".join(kernel.tobytes() for kernel in kernels)).hexdigest()
    assert digest[:16] == "6c690e88bee67d34"
    assert kernels[2].dtype == "float32" and np.abs(kernels[2]).max() <= np.sqrt(6 / (8 * 769))
    assert kernels[2].std() == pytest.approx(np.sqrt(2 / (8 * 769)), rel=0.01)


def test_a_bank_depends_on_its_place_and_seed_alone():
    one, two = (RandomConvEnsemble(widths, filters=4, bins=9, method="plain") for widths in ((2, 4), (2, 4, 8)))
    np.testing.assert_array_equal(one.banks[1].kernel, two.banks[1].kernel)
    other = RandomConvEnsemble((2, 4), filters=4, bins=9, seed=1, method="plain")
    assert (np.asarray(one.banks[1].kernel) != np.asarray(other.banks[1].kernel)).all()


@pytest.mark.parametrize("width", [2, 3, 4, 5, 8, 13, 16, 33, 64, 70])
def test_blocks_equal_the_plain_convolution(width):
    plain, fast = (
        RandomConvEnsemble((width,), filters=6, bins=9, method=method, dtype="float64")
        for method in ("plain", "blocks")
    )
    for frames in (width, width + 1, 150, 301):
        if frames < width:
            continue
        x = spectrogram(frames)
        expected, output = (np.asarray(model(x)[0]) for model in (plain, fast))
        assert output.shape == expected.shape == (2, frames - width + 1, 6) and output.dtype == "float64"
        np.testing.assert_allclose(output, expected, atol=1e-12)


def test_few_products_an_output():
    for width, most in ((4, 2.0), (8, 2.0), (16, 2.0), (32, 2.0), (64, 3.0)):
        numbers, outputs = len(blocks.transforms(width)[0]), len(blocks.transforms(width)[2])
        assert numbers / outputs <= most


def test_batch_is_independent_and_relu_is_on():
    model = RandomConvEnsemble((2, 16), filters=6, bins=9)
    together = model(spectrogram().astype("float32"))
    for i in range(2):
        for both, alone in zip(together, model(spectrogram().astype("float32")[i : i + 1]), strict=True):
            np.testing.assert_allclose(both[i], alone[0], atol=1e-5)
            assert 0.05 < np.mean(np.asarray(both) == 0) < 0.95


def test_a_stack_halves_its_frames():
    model = RandomConvEnsemble((3, 3, 3), filters=5, bins=9, stacked=True, method="plain")
    features = model(spectrogram(100).astype("float32"))
    assert [x.shape[1] for x in features] == model.frames_of(100) == [98, 47, 21]
    assert model.strides == [1, 2, 4] and model.fewest_frames == 2 + 2 * (2 + 2 * 3)
    assert [x.shape[1] for x in model(spectrogram(model.fewest_frames).astype("float32"))][-1] == 1
    with pytest.raises(InputError, match="fewer than the 18"):
        model(spectrogram(17).astype("float32"))
    pooled = np.asarray(features[0])[:, :98].reshape(2, 49, 2, 5).max(axis=2)
    np.testing.assert_allclose(model.banks[1](pooled), features[1], atol=1e-6)


def test_the_papers_stack_has_six_layers_of_two_frames_and_averages_pairs():
    model = RandomConvEnsemble((2,) * 6, filters=5, bins=9, stacked=True, pooling="average")
    x = spectrogram(model.fewest_frames).astype("float32")
    features = [np.asarray(bank) for bank in model(x)]
    assert model.fewest_frames == 95 and [bank.shape[1] for bank in features] == [94, 46, 22, 10, 4, 1]
    for i in range(1, 6):
        pairs = features[i - 1][:, : 2 * (features[i - 1].shape[1] // 2)]
        pooled = (pairs[:, ::2] + pairs[:, 1::2]) / 2
        kernel = draw_kernel(2, 5, 5, [0, i])
        expected = np.maximum(pooled[:, :-1] @ kernel[0] + pooled[:, 1:] @ kernel[1], 0)
        np.testing.assert_allclose(features[i], expected, atol=1e-6)
    assert RandomConvEnsemble.from_config(model.get_config()).pooling == "average"


def test_a_saved_ensemble_holds_no_weights(tmp_path):
    model = RandomConvEnsemble((2, 8), filters=32, bins=9, seed=3)
    loaded = harness_save_load(model, tmp_path / "saved")
    assert (tmp_path / "saved" / "model.weights.h5").stat().st_size < 20_000
    assert loaded.get_config() == model.get_config() and not loaded.trainable_variables


def harness_save_load(model, directory):
    preset.save(model, directory, golden=[spectrogram(30).astype("float32")])
    loaded = preset.load(directory, verify=True)
    for ours, theirs in zip(
        model(spectrogram().astype("float32")), loaded(spectrogram().astype("float32")), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    return loaded


def test_parameters_are_those_of_the_kernels():
    for method in ("plain", "blocks"):
        assert RandomConvEnsemble((2, 8), filters=4, bins=9, method=method).count_params() == (2 + 8) * 9 * 4
    assert RandomConvEnsemble((2, 8), filters=4, bins=9, stacked=True).count_params() == 2 * 9 * 4 + 8 * 4 * 4


def test_nothing_moves_in_training():
    model = RandomConvEnsemble((2, 8), filters=4, bins=9)
    inputs = keras.Input((None, 9))
    mean = keras.layers.GlobalAveragePooling1D()(model(keras.layers.Conv1D(9, 1)(inputs))[1])
    trained = keras.Model(inputs, mean)
    trained.compile("adam", loss="mse")
    harness.check_frozen(model, lambda: trained.fit(spectrogram(), np.ones((2, 4)), verbose=0))


def test_errors_say_what_to_do():
    with pytest.raises(InputError, match="plain or blocks"):
        RandomConvEnsemble(method="fast")
    with pytest.raises(InputError, match="max or average"):
        RandomConvEnsemble(pooling="sum")
    with pytest.raises(InputError, match="fewer than the 64"):
        RandomConvEnsemble(filters=2)(np.zeros((1, 63, 257), "float32"))
