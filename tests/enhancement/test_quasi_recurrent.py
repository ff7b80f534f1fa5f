"""The causal enhancer: an untrained one changes nothing, streams are the whole, levels and offsets do not count."""

from importlib.util import find_spec

import keras
import numpy as np
import pytest

from tests.support.enhancement import voice
from zoo.audio import mix
from zoo.checkpoint import network, preset
from zoo.enhancement import inference
from zoo.enhancement.quasi_recurrent import QuasiRecurrentEnhancer
from zoo.enhancement.stream import Stream
from zoo.errors import InputError

RATE = 16000
on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow serves it")
writes = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow" or find_spec("tf2onnx") is None, reason="TensorFlow and tf2onnx write it"
)


def enhancer(**options):
    """A small one whose masks are not 1."""
    keras.utils.set_random_seed(0)
    model = QuasiRecurrentEnhancer(channels=4, first_channels=3, blocks=2, **options)
    last = model.core.get_layer("decoder_2")
    kernel, bias = last.get_weights()
    last.set_weights([np.random.default_rng(0).normal(0, 0.5, kernel.shape), bias])
    return model


@pytest.fixture(scope="module")
def model():
    return enhancer()


@pytest.fixture(scope="module")
def noisy():
    clean = voice(2.0, seed=0)
    return mix.mix_at_snr(clean, np.random.default_rng(1).standard_normal(len(clean)), 5.0)[:30011]


def test_the_published_size():
    model = QuasiRecurrentEnhancer()
    assert model.count_params() == 108970
    assert (model.lookahead, model.hop_length, model.core_state_size, model.state_size) == (0.032, 256, 4868, 5380)


def test_an_untrained_network_leaves_a_recording_as_it_is(noisy):
    keras.utils.set_random_seed(0)
    difference = QuasiRecurrentEnhancer().enhance(noisy, RATE) - noisy
    assert mix.rms(difference) < 0.03 * mix.rms(noisy)  # the noise has an offset in its first frames


@pytest.mark.parametrize("n_fft", [128, 255, 301])
def test_windows_in_which_a_band_would_be_empty_are_refused(n_fft):
    with pytest.raises(InputError, match=f"n_fft is {n_fft}; give an even number of samples from 256 on"):
        QuasiRecurrentEnhancer(channels=2, first_channels=2, blocks=1, n_fft=n_fft)
    assert np.isfinite(enhancer(n_fft=256).enhance(np.ones(2000), RATE)).all()


def test_no_sample_more_than_a_window_later_counts(model, noisy):
    changed = noisy.copy()
    changed[20000:] = 0.3
    before, after = (model.enhance(x, RATE) for x in (noisy, changed))
    np.testing.assert_array_equal(before[: 20000 - 512], after[: 20000 - 512])
    assert np.abs(before[20000:] - after[20000:]).max() > 1e-3


def test_served_blocks_are_the_streams(model, noisy):
    blocks = noisy[None, : 20 * 256]
    rng = np.random.default_rng(3)
    states = np.abs(rng.standard_normal((1, model.state_size), "float32"))
    enhanced, after = model.stream_batch(blocks, states)
    served = model.serve_stream(blocks, states)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(served["enhanced"]), enhanced, atol=1e-5)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(served["state"]), after, atol=1e-4)


def test_a_long_recording_in_chunks_is_the_whole(model, noisy, monkeypatch):
    whole = model.enhance(noisy, RATE)
    monkeypatch.setattr(inference, "CHUNK_SECONDS", 0.5)
    np.testing.assert_allclose(model.enhance(noisy, RATE), whole, atol=1e-6)


@pytest.mark.parametrize("gain_db", [-30, -10, 20])
def test_the_level_does_not_count(model, noisy, gain_db):
    gain = 10 ** (gain_db / 20)
    enhanced, expected = model.enhance(gain * noisy, RATE), gain * model.enhance(noisy, RATE)
    np.testing.assert_allclose(enhanced, expected, atol=1e-4 * np.abs(expected).max())


def test_an_offset_goes_and_hardly_changes_the_rest(model, noisy):
    """The first frame, of which half lies before the recording, is in the running means for some seconds."""
    without, with_offset = model.enhance(noisy, RATE), model.enhance(noisy + 0.1, RATE)
    assert abs(with_offset[2000:-2000].mean()) < 1e-5
    difference = with_offset[RATE:-600] - without[RATE:-600]
    assert mix.rms(difference) < 0.006 * mix.rms(without)


def test_silence_stays_silent(model):
    np.testing.assert_array_equal(model.enhance(np.zeros(8000), RATE), np.zeros(8000))


def test_it_is_made_again_from_its_config(model, noisy):
    again = QuasiRecurrentEnhancer.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.enhance(noisy, RATE), model.enhance(noisy, RATE))


@pytest.fixture(scope="module")
def saved(model, tmp_path_factory):
    """The directory of the small model as a checkpoint."""
    directory = tmp_path_factory.mktemp("causal") / "mine"
    preset.save(model, directory)
    return directory


@writes
def test_on_onnxruntime_it_is_the_same_and_streams(model, noisy, saved):
    network.write(model, saved)
    light = network.load(saved)
    enhanced = light.enhance(np.stack([noisy, noisy]), RATE, lengths=[len(noisy), 10000])
    expected = model.enhance(np.stack([noisy, noisy]), RATE, lengths=[len(noisy), 10000])
    np.testing.assert_allclose(enhanced, expected, atol=1e-4 * np.abs(expected).max())
    stream = Stream(light)
    parts = np.concatenate([stream.push(noisy[:7000]), stream.push(noisy[7000:]), stream.finish()])
    np.testing.assert_allclose(parts, expected[0], atol=1e-4 * np.abs(expected).max())


@on_tensorflow
@pytest.mark.slow
def test_a_served_stream_is_the_whole(model, noisy, saved, tmp_path):
    """By the SavedModel's signature in blocks of several hops, and by TensorFlow Lite's in single ones."""
    import tensorflow as tf

    from zoo.serving import convert, export

    exported = export.export(saved, tmp_path / "served")
    assert exported["signatures"]["stream"] == {"inputs": ["block", "state"], "outputs": ["enhanced", "state"]}
    served = tf.saved_model.load(str(exported["directory"])).signatures["stream"]
    lite = convert.convert(saved, tmp_path / "m.tflite", "tflite")
    assert lite["needs"] == []
    light = tf.lite.Interpreter(model_path=str(lite["path"])).get_signature_runner("stream")
    samples = 30 * 256
    expected = model.enhance(noisy[:samples], RATE)
    for step, size in ((served, 5 * 256), (light, 256)):
        state, parts = np.zeros((1, model.state_size), "float32"), []
        for start in range(0, samples, size):
            outputs = step(block=tf.constant(noisy[None, start : start + size]), state=tf.constant(state))
            state = np.asarray(outputs["state"])
            parts.append(np.asarray(outputs["enhanced"])[0])
        late = np.concatenate(parts)  # the first hop lies before the recording
        np.testing.assert_allclose(late[256:], expected[: samples - 256], atol=1e-4)
    with pytest.raises(Exception, match="give a multiple of 256 samples"):
        served(block=tf.zeros((1, 300)), state=tf.zeros((1, model.state_size)))
