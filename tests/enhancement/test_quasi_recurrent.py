"""The causal enhancer: an untrained one changes nothing, streams are the whole, levels and offsets do not count."""

import keras
import numpy as np
import pytest

from tests.support.enhancement import voice
from zoo.audio import mix
from zoo.enhancement import inference
from zoo.enhancement.quasi_recurrent import QuasiRecurrentEnhancer

RATE = 16000


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
    assert (model.lookahead, model.hop_length, model.core_state_size, model.state_size) == (0.032, 256, 4866, 5378)


def test_an_untrained_network_leaves_a_recording_as_it_is(noisy):
    keras.utils.set_random_seed(0)
    model = QuasiRecurrentEnhancer(channels=4, first_channels=3, blocks=1)
    model.core.get_layer("decoder_2").kernel.assign(0 * model.core.get_layer("decoder_2").kernel)
    np.testing.assert_allclose(model.enhance(noisy, RATE), noisy, atol=2e-3)  # but for what is a frame's offset


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
    """The step at the beginning, which is no offset yet, is in the running means for some seconds."""
    without, with_offset = model.enhance(noisy, RATE), model.enhance(noisy + 0.1, RATE)
    assert abs(with_offset[2000:-2000].mean()) < 1e-3
    difference = with_offset[RATE:-600] - without[RATE:-600]
    assert mix.rms(difference) < 0.03 * mix.rms(without)


def test_silence_stays_silent(model):
    np.testing.assert_array_equal(model.enhance(np.zeros(8000), RATE), np.zeros(8000))


def test_it_is_made_again_from_its_config(model, noisy):
    again = QuasiRecurrentEnhancer.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.enhance(noisy, RATE), model.enhance(noisy, RATE))
