"""The paper's JND network: its size, what a distance must be, invariances, freezing, padding, bad input."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.harness import (
    check_batch_invariance,
    check_frozen,
    check_padding_invariance,
    check_save_load,
    predict,
)
from zoo import backend
from zoo.errors import InputError
from zoo.jnd.model import JND

RATE = 22050


def pair(samples=5000, batch=3, seed=0):
    rng = np.random.default_rng(seed)
    reference = 0.1 * rng.standard_normal((batch, samples)).astype("float32")
    noise = np.linspace(0.01, 0.05, batch)[:, None] * rng.standard_normal((batch, samples))
    return [reference, (reference + noise).astype("float32")]


def small(**options):
    """Three layers of few channels, with the learned values of a start that is neither 1 nor 0."""
    keras.utils.set_random_seed(0)
    model, rng = JND(**{"channels": (4, 4, 8), **options}), np.random.default_rng(0)
    for variable in model.trainable_variables:
        if variable.name in ("weight", "beta", "bias"):
            variable.assign(rng.standard_normal(variable.shape))
    return model


@pytest.fixture(scope="module")
def model():
    return small()


@pytest.fixture(scope="module")
def deep():
    """All fourteen layers: a clip of few samples is one frame long before the last."""
    return small(channels=(4,) * 14)


def test_the_papers_layers():
    model = JND()
    kernels = [tuple(v.shape) for v in model.backbone.trainable_variables if v.name == "kernel"]
    channels = [32] * 5 + [64] * 5 + [128] * 4
    assert kernels == [(3, before, after) for before, after in zip([1, *channels], channels)]
    assert [layer.strides for layer in model.backbone.layers if hasattr(layer, "strides")] == [2] * 13 + [1]
    # Kernels, a beta and a weight of each channel, and the head, whose three layers are of 16, 6 and 2.
    head = (1 * 16 + 16) + (16 * 6 + 6) + (6 * 2 + 2)
    expected = sum(3 * before * after for _, before, after in kernels) + 2 * sum(channels) + head
    assert sum(int(np.prod(v.shape)) for v in model.trainable_variables) == expected == 241_844


def test_batch_invariance(model, deep):
    check_batch_invariance(model, pair())
    check_batch_invariance(deep, [*pair(), np.array([5000, 4999, 1234], "int32")])


@pytest.mark.parametrize("samples", [4096, 4097, 5001])
@pytest.mark.parametrize("padding", [1, 2, 4095])
def test_padding_invariance_at_every_parity(deep, samples, padding):
    check_padding_invariance(deep, pair(samples, batch=2), padding)


@pytest.mark.slow
def test_lengths_of_their_own_in_one_batch(deep):
    reference, degraded = pair()
    lengths = [5000, 3333, 4096]
    degraded[1, 3333:] = 0.7  # what lies after the length does not count
    alone = [deep.distance(r[:n], d[:n], RATE)[0] for r, d, n in zip(reference, degraded, lengths)]
    np.testing.assert_allclose(deep.distance(reference, degraded, RATE, lengths), alone, rtol=1e-4)
    np.testing.assert_allclose(
        deep.probability(reference, degraded, RATE, lengths, batch_size=2),
        deep.probability(reference, np.where(degraded == 0.7, 0, degraded), RATE, lengths),
        rtol=1e-4,
    )


def test_identical_recordings_are_at_distance_0_and_others_are_not(model):
    reference, degraded = pair()
    # Not exactly 0: the two are rows of one batch, which some processors add up in orders of their own.
    np.testing.assert_allclose(predict(model, [reference, reference]), 0.0, atol=1e-5)
    assert (predict(model, [reference, degraded]) > 0.01).all()
    training = ops.convert_to_numpy(model([reference, reference], training=True))
    np.testing.assert_allclose(training, 0.0, atol=1e-5)  # both lose the same features


def test_the_distance_is_symmetric(model):
    reference, degraded = pair()
    np.testing.assert_allclose(predict(model, [degraded, reference]), predict(model, [reference, degraded]), rtol=1e-5)


def test_the_distance_is_the_sum_of_its_layers_and_the_head_reads_their_mean(model):
    inputs = pair()
    distances = ops.convert_to_numpy(model.layer_distances(inputs))
    assert distances.shape == (3, 3)
    np.testing.assert_allclose(predict(model, inputs), distances.sum(axis=1), rtol=1e-6)
    x = 1 / (1 + np.exp(-distances.mean(axis=1, keepdims=True)))
    *hidden, (kernel, bias) = zip(*[iter(model.head.get_weights())] * 2, strict=True)
    for weights, biases in hidden:
        x = np.maximum(x @ weights + biases, 0)
    same, different = np.exp(x @ kernel + bias).T
    np.testing.assert_allclose(model.probability(*inputs, RATE), different / (same + different), rtol=1e-5)


def test_probability_is_one(model):
    reference, degraded = pair()
    for inputs in ((reference, degraded), (reference, reference), (reference, np.ones_like(reference))):
        probabilities = model.probability(*inputs, RATE)
        assert probabilities.shape == (3,) and ((probabilities >= 0) & (probabilities <= 1)).all()


@pytest.mark.parametrize("samples", [1, 2, 3, 3000])
def test_no_nan_on_silence_short_and_full_scale(deep, samples):
    silence, full = np.zeros((1, samples), "float32"), np.ones((1, samples), "float32")
    square = np.where(np.arange(samples) % 2, -full, full)
    for inputs in ([silence, silence], [full, silence], [silence, square], [square, -square]):
        measured = [deep.distance(*inputs, RATE), deep.probability(*inputs, RATE)]
        assert np.isfinite(measured).all()


def test_what_cannot_be_measured_is_nan_in_place(model):
    reference, degraded = pair(batch=4)
    reference[0, 5], degraded[1, 7], degraded[3, 4500] = np.nan, np.inf, np.nan
    for measure in (model.distance, model.probability):
        measured = measure(reference, degraded, RATE, lengths=[5000, 5000, 0, 4000])
        np.testing.assert_array_equal(np.isnan(measured), [True, True, True, False])


def test_an_empty_recording_is_nan_at_any_rate(model):
    nothing = np.zeros((2, 0), "float32")
    for measure in (model.distance, model.probability):
        assert np.isnan(measure(nothing, nothing, RATE)).all()
        assert np.isnan(measure(nothing, nothing, 16000, resample=True)).all()
        assert measure(nothing[:0], nothing[:0], 16000, resample=True).shape == (0,)


@pytest.mark.parametrize(
    ("recording", "pad", "message"),
    [
        (np.ones(100, "int16"), False, "audio is int16; give float"),
        ([[0.1, 0.2], [0.1]], False, "pad them and give lengths"),
        (0.5, True, "single number"),
        (np.ones((100, 2)), False, "looks like"),
    ],
)
def test_what_is_no_recording_raises(model, recording, pad, message):
    with pytest.raises(InputError, match=message):
        model.distance(recording, recording, RATE, pad=pad)


def test_long_recordings_go_in_smaller_batches(model, monkeypatch):
    inputs, sizes = pair(batch=4), []
    whole, measure = model.judge(*inputs, RATE), backend.predict
    monkeypatch.setattr("zoo.nn.segments._BATCH_SECONDS", 2 * 5000 / RATE)
    monkeypatch.setattr(backend, "predict", lambda core, x: sizes.append(len(x[0])) or measure(core, x))
    np.testing.assert_allclose(model.judge(*inputs, RATE), whole, rtol=1e-5)
    assert sizes == [2, 2]


def test_a_long_recording_has_the_mean_distance_of_its_stretches_and_the_probability_of_that(model, monkeypatch):
    reference, degraded = pair(batch=1)
    samples = reference.shape[1] // 2
    halves = [(reference[:, part], degraded[:, part]) for part in (slice(samples), slice(samples, None))]
    by_layer = np.mean([ops.convert_to_numpy(model.layer_distances(half)) for half in halves], axis=0)
    log_odds = np.diff(ops.convert_to_numpy(model.head(by_layer)))[0, 0]
    monkeypatch.setattr("zoo.nn.segments._SEGMENT_SECONDS", samples / RATE)
    measured = np.concatenate(model.judge(reference, degraded, RATE))
    np.testing.assert_allclose(measured, [by_layer.sum(), 1 / (1 + np.exp(-log_odds))], rtol=1e-4)


class Gain(keras.layers.Layer):
    """One gain a sample, near 1, to be trained."""

    def build(self, input_shape):
        self.gain = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="gain")

    def call(self, inputs):
        return inputs * self.gain


def test_frozen_in_the_training_of_another_and_the_gradient_arrives():
    metric, (reference, degraded) = small(dropout=0.5), pair(batch=2)
    metric.trainable = False
    inputs = [keras.Input((5000,)), keras.Input((5000,))]
    gain = Gain()
    outer = keras.Model(inputs, metric([inputs[0], gain(inputs[1])]))
    outer.compile(keras.optimizers.SGD(1.0), loss=lambda y, distance: ops.mean(distance), jit_compile=False)
    losses = []
    check_frozen(
        metric, lambda: losses.append(outer.fit([reference, degraded], np.zeros(2), verbose=0).history["loss"][0])
    )
    assert losses[0] == pytest.approx(float(metric.distance(reference, degraded, RATE).mean()), rel=1e-4)
    moved = ops.convert_to_numpy(gain.gain) - 1
    assert np.isfinite(moved).all() and (moved != 0).mean() > 0.99


@pytest.mark.slow
def test_trained_it_learns_and_drops_features():
    metric, (reference, degraded) = small(dropout=0.5), pair()
    assert not np.array_equal(*(ops.convert_to_numpy(metric([reference, degraded], training=True)) for _ in range(2)))
    before = [ops.convert_to_numpy(v).copy() for v in metric.core.trainable_variables]
    metric.compile(keras.optimizers.SGD(1e-2), loss=lambda y, distance: ops.mean(distance), jit_compile=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Gradients do not exist")  # of the head, which the distance lacks
        metric.fit([reference, degraded], np.zeros(3), verbose=0)
    moved = [np.abs(ops.convert_to_numpy(v) - old).max() for v, old in zip(metric.core.trainable_variables, before)]
    assert len(moved) == 9 and min(moved) > 0  # kernel, beta and weight of three layers


def test_save_load(model, tmp_path):
    loaded = check_save_load(model, pair(), tmp_path / "model")
    assert (loaded.channels, loaded.dropout, loaded.sample_rate) == ((4, 4, 8), 0.3, RATE)
    assert not loaded.trainable_variables


def test_distance_is_the_call(model):
    reference, degraded = pair(batch=5)
    measured = model.distance(reference, degraded, RATE, batch_size=2)
    np.testing.assert_allclose(measured, predict(model, [reference, degraded]), rtol=1e-4)
    np.testing.assert_allclose(model.distance(reference[0], degraded[0], RATE), measured[:1], rtol=1e-4)


def test_pad_opts_in(model):
    reference, degraded = pair()
    longer = np.pad(degraded, [(0, 0), (0, 321)])
    with pytest.raises(InputError, match="differ"):
        model.distance(reference, longer, RATE)
    silent_end = np.pad(reference, [(0, 0), (0, 321)])
    expected = model.distance(silent_end, longer, RATE)
    np.testing.assert_array_equal(model.distance(reference, longer, RATE, pad=True), expected)
    # Not exactly equal: the other order swaps rows of a batch, which some processors add up in orders of their own.
    np.testing.assert_allclose(model.distance(longer, reference, RATE, pad=True), expected, rtol=1e-5)
    np.testing.assert_array_equal(
        model.probability(reference[0], longer[0], RATE, pad=True), model.probability(silent_end[0], longer[0], RATE)
    )
    with pytest.raises(InputError, match="lengths or pad=True, not both"):
        model.distance(reference, longer, RATE, lengths=[5000] * 3, pad=True)


def test_resample_opts_in(model):
    reference, degraded = pair()
    with pytest.raises(InputError, match="16000 Hz.*22050 Hz.*resample=True"):
        model.distance(reference, degraded, 16000)
    assert (model.distance(reference, degraded, 16000, resample=True) > 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r, d: (r, d[:, :-1], None), "differ"),
        (lambda r, d: (r[None, None], d[None, None], None), r"give \(samples,\) or"),
        (lambda r, d: (r[None], d[None], None), "channels come last"),
        (lambda r, d: (r, d, [1]), "give 3 integers"),
        (lambda r, d: (r, d, [1, 2, 99999]), r"must lie in 0\.\.5000"),
    ],
)
def test_bad_input(model, change, message):
    reference, degraded, lengths = change(*pair())
    with pytest.raises(InputError, match=message):
        model.probability(reference, degraded, RATE, lengths=lengths)
