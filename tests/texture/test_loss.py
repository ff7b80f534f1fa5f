"""The losses of textures: exact values, gradients, shifts, lengths, precision, saving."""

import functools

import keras
import numpy as np
import pytest
from keras import ops

from zoo.errors import InputError
from zoo.texture.loss import AutocorrelationLoss, DiversityLoss, GramLoss, SendikLoss, UnshiftedDiversityLoss
from zoo.texture.model import RandomConvEnsemble

CircularLoss = functools.partial(AutocorrelationLoss, circular=True)
LOSSES = (GramLoss, AutocorrelationLoss, DiversityLoss, UnshiftedDiversityLoss, SendikLoss, CircularLoss)


@pytest.fixture
def float64():
    """JAX computes in float32 whatever it is given, unless this is set."""
    if keras.backend.backend() != "jax":
        yield
        return
    import jax

    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


def ensemble(widths=(2, 8), dtype="float64", bins=9, **options):
    return RandomConvEnsemble(widths, filters=6, bins=bins, dtype=dtype, **options)


def clips(frames=160, batch=2, seed=0):
    return np.random.default_rng(seed).random((batch, frames, 9))


def value(loss, target, estimate):
    """Mean of a batch in the inputs' own precision; a call casts to Keras's."""
    return float(np.mean(loss.call(target, estimate)))


@pytest.mark.on_jax
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("stacked", [False, True])
def test_gradients_are_those_of_finite_differences(loss, stacked):
    from zoo.texture.optimize import value_and_gradient

    loss, target = loss(ensemble(stacked=stacked)), clips(batch=1)
    compute = value_and_gradient(lambda x: (loss.call(target, x)[0], ()))
    x, direction = clips(batch=1, seed=1), np.random.default_rng(2).standard_normal((1, 160, 9))
    (value, _), gradient = compute(x)
    step = 1e-6
    ends = [float(compute(x + sign * step * direction)[0][0]) for sign in (1, -1)]
    slope = (ends[0] - ends[1]) / (2 * step)
    assert np.sum(np.asarray(gradient) * direction) == pytest.approx(slope, rel=1e-5, abs=1e-9) and float(value) != 0


@pytest.mark.parametrize("loss", LOSSES)
def test_blocks_have_the_loss_and_gradient_of_plain_convolutions(loss):
    from zoo.texture.optimize import value_and_gradient

    results = []
    for method in ("plain", "blocks"):
        one = loss(ensemble(method=method))
        compute = value_and_gradient(lambda x, one=one: (one.call(clips(batch=1), x)[0], ()))
        (value, _), gradient = compute(clips(batch=1, seed=1))
        results.append((float(value), np.asarray(gradient)))
    assert results[1][0] == pytest.approx(results[0][0], rel=1e-10)
    assert np.linalg.norm(results[1][1] - results[0][1]) < 1e-8 * np.linalg.norm(results[0][1])


def test_what_is_alike_costs_nothing_and_a_copy_much():
    for loss in (GramLoss, AutocorrelationLoss):
        assert value(loss(ensemble()), clips(), clips()) == 0
    turned = np.roll(clips(), 30, axis=1)
    diversity, sendik = DiversityLoss(ensemble()), UnshiftedDiversityLoss(ensemble())
    assert value(diversity, clips(), clips()) == pytest.approx(1e6, rel=0.01)
    assert value(sendik, clips(), clips()) == pytest.approx(1e6, rel=0.01)
    assert value(diversity, clips(), turned) > 5 * value(sendik, clips(), turned)
    _, worst = diversity.worst(diversity.ensemble(clips()), diversity.ensemble(turned))
    assert np.asarray(worst).tolist() == [130, 130]  # the target turned by 130 of 160 frames


def test_rhythm_is_in_the_autocorrelation_and_not_in_the_gram():
    ticking, even = np.full((1, 600, 9), 0.1), np.full((1, 600, 9), 0.1)
    ticking[:, ::100] = even[:, np.sort(np.random.default_rng(0).choice(600, 6, replace=False))] = 3.0
    moved = np.roll(ticking, 37, axis=1)
    one = ensemble()
    for loss, least in ((AutocorrelationLoss(one), 10), (GramLoss(one), 0)):
        assert value(loss, ticking, even) > least * value(loss, ticking, moved)
    assert value(GramLoss(one), ticking, even) < 0.1


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", ["waveform", "spectrogram", "stacked"])
def test_padding_and_batches_change_nothing(loss, kind):
    if kind == "waveform":
        rng, lengths = np.random.default_rng(0), [12000, 10016]
        target, estimate = 0.1 * rng.standard_normal((2, 2, 12000))
        one = loss(RandomConvEnsemble((2, 8), filters=6, dtype="float64"), waveform=True)
    else:
        target, estimate, lengths = clips(), clips(seed=1), [160, 132]
        one = loss(ensemble(stacked=kind == "stacked"))
    alone = [
        float(one.call(target[i : i + 1, :length], estimate[i : i + 1, :length])[0]) for i, length in enumerate(lengths)
    ]
    ends = [(0, 0), (0, 70)] + [(0, 0)] * (target.ndim - 2)
    padded = [np.pad(x, ends, constant_values=0.5) for x in (target, estimate)]
    np.testing.assert_allclose(one.call(*padded, np.array(lengths)), alone, rtol=1e-6)


@pytest.mark.on_jax
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("kind", ["waveform", "spectrogram", "narrowest last", "stacked"])
@pytest.mark.parametrize("lengths", [None, (1, 0.37)])
def test_a_gram_by_blocks_is_that_of_the_whole(kind, lengths, monkeypatch):
    from zoo.texture.optimize import value_and_gradient

    rng, waveform = np.random.default_rng(0), kind == "waveform"
    # The wide network has 297 frames in blocks of 33, or of a waveform 32 in blocks of 17: the last is not whole.
    target, estimate = 0.1 * rng.standard_normal((2, 2, 3000)) if waveform else (clips(304), clips(304, seed=1))
    widths, whole, block = (8, 2) if kind == "narrowest last" else (2, 8), *((16, 17) if waveform else (32, 33))
    loss = GramLoss(ensemble(widths=widths, stacked=kind == "stacked", bins=257 if waveform else 9), waveform=waveform)
    lengths = lengths if lengths is None else np.array([int(share * target.shape[1]) for share in lengths])
    grams = []
    for most in (10**6, whole):
        monkeypatch.setattr("zoo.texture.loss._WHOLE", most)
        monkeypatch.setattr("zoo.texture.loss._BLOCK", block)  # a stacked ensemble has blocks of 34
        compute = value_and_gradient(lambda x: (sum(ops.unstack(loss.call(target, x, lengths), 2)), ()))
        (value, _), gradient = compute(estimate)
        grams.append((float(value), np.asarray(gradient)))
        assert loss.call(target, estimate, lengths).shape == (2,)  # by operation too
    assert grams[1][0] == pytest.approx(grams[0][0], rel=1e-10) and grams[0][0] > 1e-3
    assert np.linalg.norm(grams[1][1] - grams[0][1]) < 1e-9 * np.linalg.norm(grams[0][1])


def test_a_long_gram_holds_no_features(monkeypatch):
    """Each call of the networks sees a block, and for the gradient they are called again: no features are held."""
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("it looks into TensorFlow's tape")
    seen = []
    monkeypatch.setattr("zoo.texture.loss._WHOLE", 100)
    monkeypatch.setattr("zoo.texture.loss._BLOCK", 50)
    loss = GramLoss(ensemble())
    monkeypatch.setattr(loss.ensemble, "call", lambda x, call=loss.ensemble.call: seen.append(x.shape[1]) or call(x))
    estimate = tf.constant(clips(101, seed=1))
    with tf.GradientTape() as tape:
        tape.watch(estimate)
        losses = loss.call(clips(100), estimate)
    assert seen == [100, 58, 58]
    tape.gradient(losses, estimate)
    assert seen == [100, 58, 58, 58, 58]


def test_blocks_are_longer_than_what_a_kernel_needs(monkeypatch):
    rng = np.random.default_rng(0)
    target, estimate = 0.1 * rng.standard_normal((1, 12000)), 0.1 * rng.standard_normal((3, 30000))
    loss = GramLoss(ensemble(widths=(64, 50), bins=257), waveform=True)
    whole = np.asarray(loss.call(target, estimate))
    monkeypatch.setattr("zoo.texture.loss._WHOLE", 200)  # the target is whole, the estimate in blocks
    monkeypatch.setattr("zoo.texture.loss._BLOCK", 1)
    assert whole.shape == (3,)
    np.testing.assert_allclose(loss.call(target, estimate), whole, rtol=1e-10)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_clip_that_is_too_short_has_no_loss(loss):
    losses = np.asarray(loss(ensemble()).call(clips(), clips(seed=1), np.array([160, 7])))
    assert np.isfinite(losses[0]) and np.isnan(losses[1])


@pytest.mark.parametrize("loss", [GramLoss, AutocorrelationLoss])
def test_length_is_free(loss):
    long = np.tile(clips(batch=1), (1, 4, 1))
    one = loss(ensemble(), **({"lags": (0.02, 0.2)} if loss is AutocorrelationLoss else {}))
    targets = one.targets(one.ensemble(long[:, :320]))
    assert float(one.compare(targets, one.ensemble(long))[0]) < 1e-3


def test_losses_can_be_saved(monkeypatch):
    # The default ensemble has 66 MB of weights: one for all losses.
    monkeypatch.setattr("zoo.texture.loss.RandomConvEnsemble", functools.cache(RandomConvEnsemble))
    for loss in LOSSES:
        restored = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss(waveform=True)))
        assert (
            restored.get_config() == loss(waveform=True).get_config()
            and restored.waveform
            and restored.ensemble.filters == 512
        )
        with pytest.raises(InputError, match="source string"):
            loss(ensemble()).get_config()


def test_errors_say_what_to_do():
    with pytest.raises(InputError, match=r"give \(batch, frames, bins\)"):
        GramLoss(ensemble())(np.zeros((2, 100)), np.zeros((2, 100)))
    with pytest.raises(InputError, match=r"give \(batch, samples\)"):
        GramLoss(ensemble(), waveform=True)(clips(), clips())
    with pytest.raises(InputError, match="too short for a lag"):
        AutocorrelationLoss(ensemble())(clips(60), clips(60))
    with pytest.raises(InputError, match="no known length"):
        GramLoss(ensemble()).call(keras.Input((None, 9)), keras.Input((None, 9)))
    with pytest.raises(InputError, match="make it longer"):
        AutocorrelationLoss(ensemble())(clips(300), clips(100))
    for loss in (SendikLoss(ensemble()), CircularLoss(ensemble())):
        with pytest.raises(InputError, match="frames or samples, the estimate 3.*: give clips of one"):
            loss(clips(300), clips(310))


def banks_of(loss, x):
    return [np.asarray(bank) for bank in loss.ensemble(x)]


def test_equation_6_as_printed():
    """-sum_k,t,mu (F - F~)^2; its inverse, negative, at every shift is Figure 1."""
    loss, target, estimate = SendikLoss(ensemble()), clips(), clips(seed=1)
    theirs, ours = banks_of(loss, target), banks_of(loss, estimate)
    expected = -sum(np.sum((f - g) ** 2, axis=(1, 2)) for f, g in zip(ours, theirs, strict=True))
    np.testing.assert_allclose(loss.call(target, estimate), expected, rtol=1e-12)
    assert expected.max() < -100
    curve = np.asarray(loss.inverse_by_shift(loss.ensemble(target), loss.ensemble(estimate)))
    np.testing.assert_allclose(curve[:, 0], -1 / expected, rtol=1e-5)
    moved = np.asarray(loss.inverse_by_shift(loss.ensemble(target), loss.ensemble(np.roll(target, 30, axis=1))))
    assert (moved.argmax(axis=1) == 130).all() and (moved.max(axis=1) > 5 * np.median(moved, axis=1)).all()


def test_equations_4_and_5_as_printed():
    loss, target, estimate = CircularLoss(ensemble(), lags=(0.02, 0.2)), clips(), clips(seed=1)
    error = size = 0.0
    for f, g in zip(banks_of(loss, estimate), banks_of(loss, target), strict=True):
        a, b = (np.fft.ifft(np.fft.fft(x, axis=1) * np.fft.fft(x, axis=1).conj(), axis=1).real for x in (f, g))
        error = error + np.sum((a - b)[:, 5:51] ** 2, axis=(1, 2))
        size = size + np.sum(b[:, 5:51] ** 2, axis=(1, 2))
    np.testing.assert_allclose(loss.call(target, estimate), error / size, rtol=1e-9)


@pytest.mark.parametrize("whole", [10**6, pytest.param(40, marks=pytest.mark.slow)])
def test_a_model_trains_through_a_waveform_loss(whole, monkeypatch):
    monkeypatch.setattr("zoo.texture.loss._WHOLE", whole)
    monkeypatch.setattr("zoo.texture.loss._BLOCK", 20)
    inputs = keras.Input((None,))
    gain = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = keras.Model(inputs, gain(inputs[:, :, None])[:, :, 0])
    model.compile(keras.optimizers.SGD(0.05), loss=GramLoss(RandomConvEnsemble((2,), filters=6), waveform=True))
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, 4000)).astype("float32")
    losses = model.fit(noise, 2 * noise, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0] and float(gain.kernel[0, 0]) > 1
