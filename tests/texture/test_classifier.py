"""The sound classifier: probabilities that no level, padding or neighbour changes; the same after saving."""

import keras
import numpy as np
import pytest

from tests.support.harness import check_batch_invariance, check_frozen, check_save_load, predict
from zoo.audio import io
from zoo.errors import InputError
from zoo.texture.classifier import SoundClassifier

RATE = 16000
CLASSES = ("clock", "rain", "wind")


@pytest.fixture(scope="module")
def model():
    """A small one with statistics, so that an input that is not masked would show."""
    keras.utils.set_random_seed(1)
    model = SoundClassifier(CLASSES, channels=[8, 12, 16, 16, 16])
    rng = np.random.default_rng(0)
    for variable in model.variables:
        if len(variable.shape) == 1:  # of the normalisations, and the last bias
            variable.assign(variable + 0.2 * np.abs(rng.standard_normal(variable.shape)).astype("float32"))
    return model


@pytest.fixture
def clips():
    rng = np.random.default_rng(0)
    return rng.normal(0, [[0.01], [0.1], [0.3]], (3, 9000)).astype("float32")


def test_the_bundled_size():
    assert 300_000 < SoundClassifier([f"class {i}" for i in range(14)]).count_params() < 400_000


def test_probabilities_sum_to_one_and_differ(model, clips):
    clips[1] = 0.1 * np.sin(2 * np.pi * 440 * np.arange(9000) / RATE)
    probabilities = predict(model, [clips])
    assert probabilities.shape == (3, 3) and (probabilities > 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert np.abs(probabilities[0] - probabilities[1]).max() > 1e-2
    assert model.compute_output_shape((5, 9000)) == model.compute_output_shape([(5, 9000), (5,)]) == (5, 3)


def test_batch_invariance(model, clips):
    check_batch_invariance(model, [clips])
    check_batch_invariance(model, [clips, np.array([9000, 5000, 777], "int32")])


@pytest.mark.parametrize("samples", [8191, 8192, 9000])
@pytest.mark.parametrize("padding", [1, 255, 4321])
def test_padding_does_not_matter(samples, padding, model, clips):
    bare, lengths = predict(model, [clips[:, :samples]]), np.full(3, samples, "int32")
    for junk in (0.0, 0.5):
        padded = np.pad(clips[:, :samples], [(0, 0), (0, padding)], constant_values=junk)
        np.testing.assert_allclose(predict(model, [padded, lengths]), bare, rtol=1e-4, atol=1e-5)


def test_level_does_not_matter(model, clips):
    for gain in (1e-2, 0.5, 3.0):
        np.testing.assert_allclose(predict(model, [gain * clips]), predict(model, [clips]), rtol=1e-3, atol=1e-5)


def test_silence_one_sample_and_full_scale_are_finite(model):
    for clip in (np.zeros((1, 8000)), np.ones((1, 8000)), np.zeros((1, 1)), np.full((1, 8000), 1e-20)):
        assert np.isfinite(predict(model, [clip.astype("float32")])).all()


def test_save_and_load(model, clips, tmp_path):
    loaded = check_save_load(model, [clips], tmp_path / "saved")
    assert isinstance(loaded, SoundClassifier)
    assert (
        loaded.classes == CLASSES
        and loaded.sample_rate == RATE
        and loaded.get_config() == {**model.get_config(), "trainable": False}
    )


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="takes the gradient by TensorFlow's tape")
def test_the_gradient_reaches_the_waveform_and_changes_nothing(model, clips):
    import tensorflow as tf

    def step():
        waveform = tf.constant(clips)
        with tf.GradientTape() as tape:
            tape.watch(waveform)
            loss = -tf.math.log(model(waveform)[:, 0])
        gradient = tape.gradient(loss, waveform).numpy()
        assert np.isfinite(gradient).all() and (np.abs(gradient).max(axis=1) > 0).all()

    check_frozen(model, step)


# --- recordings -------------------------------------------------------------------------------------------------


def test_probabilities_of_recordings(model, clips):
    probabilities = model.probabilities(clips, RATE, batch_size=2)
    assert probabilities.dtype == np.float64
    np.testing.assert_allclose(probabilities, predict(model, [clips]), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model.probabilities(clips[0], RATE), probabilities[:1], rtol=1e-4, atol=1e-6)
    lengths = np.array([9000, 4000, 9000])
    short = model.probabilities(clips[1, :4000], RATE)
    np.testing.assert_allclose(model.probabilities(clips, RATE, lengths)[1:2], short, rtol=1e-4, atol=1e-6)


def test_what_cannot_be_heard_is_nan_in_its_place(model, clips):
    clips[0, 5], clips[1] = np.nan, 0.0
    probabilities = model.probabilities(clips, RATE)
    assert np.isnan(probabilities).all(axis=1).tolist() == [True, True, False]
    assert np.isnan(model.probabilities(clips[2:], RATE, np.array([0]))).all()


def test_another_rate_is_resampled_when_asked(model, clips):
    smooth = io.resample(clips, 8000, RATE)
    probabilities = model.probabilities(smooth, RATE)
    again = model.probabilities(io.resample(smooth, RATE, 48000), 48000, resample=True)
    np.testing.assert_allclose(again, probabilities, atol=0.02)
    with pytest.raises(InputError, match="48000 Hz and the model at 16000 Hz: pass resample=True"):
        model.probabilities(smooth, 48000)


def test_errors_say_what_to_do(model):
    with pytest.raises(InputError, match="two or more, all different"):
        SoundClassifier(["rain", "rain"])
    with pytest.raises(InputError, match="give float in"):
        model.probabilities(np.zeros(8000, "int16"), RATE)
    with pytest.raises(InputError, match=r"give \(samples,\) or \(batch, samples\)"):
        model.probabilities(np.zeros((1, 8000, 2)), RATE)
