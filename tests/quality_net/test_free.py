"""The network without a reference: invariances, values over time, what cannot be scored, and what it is served as."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.harness import check_batch_invariance, check_padding_invariance, check_save_load
from zoo.errors import InputError
from zoo.quality_net.free import QualityNetFree
from zoo.quality_net.layers import WeightedMeanOverTime

RATE = 16000
STEP = 1024  # samples from moment to moment


def recordings(samples=14000, batch=3, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal((batch, samples)).astype("float32")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return QualityNetFree(value_range=(1.04, 4.64))


def test_batch_and_padding_invariance(model):
    check_batch_invariance(model, [recordings()])
    for padding in (1, 255, 256, 1023, 1024, 5000):
        check_padding_invariance(model, [recordings()], padding=padding)


def test_save_load(model, tmp_path):
    loaded = check_save_load(model, [recordings(batch=1)], tmp_path / "model")
    assert {**loaded.get_config(), "trainable": True} == model.get_config() and loaded.frame_samples == STEP


def test_the_score_is_the_call_and_the_weighted_mean_of_the_values_over_time(model):
    audio = recordings()
    scores = model.score(audio, RATE, batch_size=2)
    np.testing.assert_allclose(scores, ops.convert_to_numpy(model(audio)), atol=1e-4)
    (mean,) = (layer for layer in model.core.layers if isinstance(layer, WeightedMeanOverTime))
    values, logits = keras.Model(model.core.inputs, mean.input[:2])(model.core_inputs([audio]))
    values, weights = ops.convert_to_numpy(values), np.exp(ops.convert_to_numpy(logits))
    quality = (values * weights).sum(axis=1) / weights.sum(axis=1)
    np.testing.assert_allclose(scores, model.in_units(quality), atol=1e-4)
    seconds, over_time = model.score_over_time(audio[0], RATE, clip=False)
    np.testing.assert_allclose(over_time, model.in_units(values[0, : len(seconds)]), atol=1e-4)
    np.testing.assert_allclose(seconds, np.arange(14) * STEP / RATE)


def test_values_over_time_are_of_their_moments(model):
    """What is more than the network's reach away changes a moment's value by the level alone."""
    audio = recordings(samples=10 * RATE, batch=1)[0]
    other = audio.copy()
    other[: 2 * RATE] = np.roll(other[: 2 * RATE], 100)
    seconds, before = model.score_over_time(audio, RATE, clip=False)
    _, after = model.score_over_time(other, RATE, clip=False)
    changed = np.abs(after - before)
    assert changed[seconds < 1.5].max() > 10 * changed[seconds > 5].max()


def test_a_long_recording_has_the_values_of_its_segments_and_none_in_silence(model, monkeypatch):
    audio = recordings(samples=3 * RATE, batch=1)[0]
    thirds = [audio[start : start + RATE] for start in (0, RATE, 2 * RATE)]
    monkeypatch.setattr("zoo.nn.segments._SEGMENT_SECONDS", 1.0)
    means = [model.score(third, RATE)[0] for third in thirds]
    assert model.score(audio, RATE)[0] == pytest.approx(np.mean(means), abs=1e-4)
    audio[RATE : 2 * RATE] = 0
    assert model.score(audio, RATE)[0] == pytest.approx((means[0] + means[2]) / 2, abs=1e-4)
    seconds, scores = model.score_over_time(audio, RATE)
    np.testing.assert_array_equal(np.isnan(scores), (seconds >= 1) & (seconds < 2))
    alone_seconds, alone = model.score_over_time(thirds[2], RATE)
    inside = (seconds >= 2) & (seconds <= 2 + alone_seconds[-1])
    np.testing.assert_allclose(scores[inside], np.interp(seconds[inside], 2 + alone_seconds, alone), atol=1e-4)


def test_what_cannot_be_scored_is_nan_in_place(model):
    audio = recordings(samples=12000, batch=5)
    audio[1], audio[2, 5], audio[4, 11000] = 0.0, np.nan, np.inf
    scores = model.score(audio, RATE, lengths=[12000, 12000, 12000, 7999, 9000])
    np.testing.assert_array_equal(np.isnan(scores), [False, True, True, True, False])
    for one in audio[1:3]:
        assert np.isnan(model.score_over_time(one, RATE)[1]).all()


def test_bad_input_is_refused(model):
    audio = recordings(batch=2)
    with pytest.raises(InputError, match="2 recordings; give one"):
        model.score_over_time(audio, RATE)
    with pytest.raises(InputError, match="8000 Hz.*16000 Hz.*resample=True"):
        model.score_over_time(audio[0], 8000)
    with pytest.raises(InputError, match=r"a call has 3 inputs; give \[waveform\] or \[waveform, lengths\]"):
        model([audio, audio, np.array([14000, 14000])])


def test_it_is_served_as_it_scores(model):
    audio = recordings(samples=12000, batch=4)
    audio[1], lengths = 0.0, np.array([12000, 12000, 9000, 7999], "int32")
    outputs = model.serve(ops.convert_to_tensor(audio * (np.arange(12000) < lengths[:, None])), lengths)
    score, over_time = (ops.convert_to_numpy(outputs[name]) for name in ("score", "over_time"))
    np.testing.assert_allclose(score, model.score(audio, RATE, lengths=lengths), atol=1e-4)
    for row, length in zip(over_time[[0, 2]], (12000, 9000), strict=True):
        _, expected = model.score_over_time(audio[0 if length == 12000 else 2, :length], RATE)
        np.testing.assert_allclose(row[: len(expected)], expected, atol=1e-4)
        assert np.isnan(row[len(expected) :]).all()


@pytest.mark.slow
def test_a_training_draws_the_moments_together():
    """Fitted to one label, with the constraint and without: the score comes near it, and the moments nearer."""
    audio = recordings(samples=16000, batch=4)
    spread = {}
    for constraint in (0.0, 3.0):
        keras.utils.set_random_seed(0)
        model = QualityNetFree(dropout=0.0, constraint=constraint)
        model.compile(keras.optimizers.Adam(1e-3), loss="mse", loss_weights=1 / 25)
        model.fit(audio, np.full(4, 3.0, "float32"), epochs=20, verbose=0)
        spread[constraint] = np.std([model.score_over_time(one, RATE, clip=False)[1] for one in audio])
    assert spread[3.0] < 0.5 * spread[0.0]
