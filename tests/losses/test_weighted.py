"""Losses by name and sums of them: identity, padding, gradients, saving."""

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from zoo.checkpoint import preset
from zoo.errors import InputError
from zoo.losses.pmsqe import PMSQE
from zoo.losses.signal import MagnitudeMSE, MultiResolutionSTFT
from zoo.losses.weighted import LOSSES, WeightedSum, build

ON_BACKENDS = [pytest.mark.on_jax, pytest.mark.on_torch]

RNG = np.random.default_rng(0)
REFERENCE = 0.1 * RNG.standard_normal((2, 8000)).astype("float32")
ESTIMATE = REFERENCE + 0.03 * RNG.standard_normal((2, 8000)).astype("float32")
SURROGATE = "quality-net-lite-pesq-wb-16k"


def value(loss, *signals, **arguments):
    return ops.convert_to_numpy(loss.call(*signals, **arguments))


def gain(samples):
    """A trainable model on waveforms: one gain a sample, 1 at first."""
    layer = keras.layers.EinsumDense("ab,b->ab", output_shape=samples, kernel_initializer="ones")
    return keras.Sequential([keras.Input((samples,)), layer])


@pytest.mark.parametrize("name", LOSSES)
def test_identity_is_the_best(name):
    loss = LOSSES[name]()
    best = value(loss, REFERENCE, REFERENCE)
    assert (best < value(loss, REFERENCE, ESTIMATE)).all()
    np.testing.assert_allclose(best, -80 if name == "negative-si-sdr" else 0, atol=1e-2)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("length", [1, 511, pytest.param(3000, marks=ON_BACKENDS), 7999])
def test_padding_and_batch(name, length):
    loss, lengths = LOSSES[name](), np.array([length, 8000], "int32")
    bare = [value(loss, REFERENCE[:1, :length], ESTIMATE[:1, :length])[0], value(loss, REFERENCE[1:], ESTIMATE[1:])[0]]
    # What lies after the length is rubbish: it must not count.
    np.testing.assert_allclose(value(loss, REFERENCE, ESTIMATE, lengths=lengths), bare, rtol=2e-3, atol=1e-5)


@pytest.mark.on_jax
@pytest.mark.on_torch
@pytest.mark.parametrize("name", LOSSES)
def test_gradient_helps_and_is_finite(name):
    """SGD through `fit`: one step lowers the loss; silence and identical signals give a finite one."""
    loss, model = LOSSES[name](), gain(8000)
    model.compile(keras.optimizers.SGD(1.0), loss=loss, jit_compile=False)
    before = float(model.train_on_batch(ESTIMATE, REFERENCE))
    slope = 1.0 - model.get_weights()[0]
    step = 0.01 / np.abs(slope).max()
    assert float(loss(REFERENCE, (1.0 - step * slope) * ESTIMATE)) < before
    silence = np.zeros_like(REFERENCE)
    for reference, estimate in ((REFERENCE, REFERENCE), (REFERENCE, silence), (silence, ESTIMATE), (silence, silence)):
        model.set_weights([np.ones(8000, "float32")])
        assert np.isfinite(model.train_on_batch(estimate, reference))
        assert np.isfinite(model.get_weights()[0]).all()


@pytest.mark.on_jax
@pytest.mark.on_torch
def test_weighted_sum():
    loss = build({"magnitude-mse": 2, "pmsqe": 0.5})
    parts = [value(MagnitudeMSE(), REFERENCE, ESTIMATE), value(PMSQE(), REFERENCE, ESTIMATE)]
    np.testing.assert_allclose(value(loss, REFERENCE, ESTIMATE), 2 * parts[0] + 0.5 * parts[1], rtol=1e-5)
    np.testing.assert_allclose(float(loss(REFERENCE, ESTIMATE)), np.mean(2 * parts[0] + 0.5 * parts[1]), rtol=1e-5)


def test_a_checkpoint_is_a_term():
    loss = build({"magnitude-mse": 1.0, SURROGATE: 0.1})
    parts = [value(MagnitudeMSE(), REFERENCE, ESTIMATE), value(zoo.loss(SURROGATE), REFERENCE, ESTIMATE)]
    np.testing.assert_allclose(value(loss, REFERENCE, ESTIMATE), parts[0] + 0.1 * parts[1], rtol=1e-4)


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({}, "no terms.*magnitude-mse"),
        ({"pmsqe": 0}, "number above 0"),
        ({"pmsqe": "1"}, "number above 0"),
        ({"pmsqe": True}, "number above 0"),
        ({"pmsqe": float("nan")}, "number above 0"),
        ({"pmsq": 1.0}, "'pmsq'.*negative-si-sdr, pmsqe"),
        ({"quality-net-lite-pesq-wb": 1.0}, "did you mean 'quality-net-lite-pesq"),
    ],
)
def test_bad_terms(terms, message):
    with pytest.raises(InputError, match=message):
        build(terms)


@pytest.mark.parametrize("name", LOSSES)
def test_zoo_loss_takes_the_same_names(name):
    assert type(zoo.loss(name)) is LOSSES[name]
    assert type(zoo.loss(name, sample_rate=16000)) is LOSSES[name]


def test_zoo_loss_takes_weights_by_name():
    loss = zoo.loss({SURROGATE: 1.0, "negative-si-sdr": 0.1}, sample_rate=16000)
    parts = [value(zoo.loss(name, sample_rate=16000), REFERENCE, ESTIMATE) for name in (SURROGATE, "negative-si-sdr")]
    np.testing.assert_allclose(value(loss, REFERENCE, ESTIMATE), parts[0] + 0.1 * parts[1], rtol=1e-4)


@pytest.mark.parametrize(("name", "close"), [("pmsq", "pmsqe"), ("jnd-22", "jnd-22k"), ("waveform-l2", "waveform-l1")])
def test_an_unknown_name_lists_both_kinds_and_a_close_match(name, close):
    with pytest.raises(
        InputError, match=f"'{name}'; did you mean.* '{close}'.*negative-si-sdr.*jnd-22k.*{SURROGATE}"
    ) as error:
        zoo.loss(name)
    assert "\n" not in str(error.value)


def test_a_name_without_a_close_match_lists_both_kinds():
    with pytest.raises(InputError, match="'spam'; Give one of compressed-spectrum.*jnd-22k"):
        zoo.loss("spam")


def test_a_directory_without_a_slash_is_not_an_unknown_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match="write './mine/'"):
        zoo.loss("mine")


def test_pmsqe_takes_its_own_rate_alone():
    with pytest.raises(InputError, match="16000 Hz, not 22050 Hz"):
        zoo.loss("pmsqe", sample_rate=22050)


def test_terms_of_two_rates_need_the_waveforms_rate():
    with pytest.raises(InputError, match="pmsqe 16000 Hz, jnd-22k 22050 Hz.*give sample_rate"):
        zoo.loss({"pmsqe": 1.0, "jnd-22k": 1.0})
    assert len(zoo.loss({"pmsqe": 1.0, "jnd-22k": 1.0}, sample_rate=16000).terms) == 2


def test_config_round_trip():
    terms = [(1.0, MagnitudeMSE(256, 128)), (0.5, WeightedSum([(2.0, MultiResolutionSTFT((256, 512)))]))]
    for loss in (*(make() for make in LOSSES.values()), WeightedSum(terms, reduction="sum", name="mine")):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
        assert type(again) is type(loss)
        assert again.get_config() == loss.get_config()
        np.testing.assert_allclose(float(again(REFERENCE, ESTIMATE)), float(loss(REFERENCE, ESTIMATE)), rtol=1e-6)


@pytest.mark.slow
def test_a_compiled_model_is_saved_with_its_loss(tmp_path):
    model = gain(8000)
    model.compile("adam", loss=build(dict.fromkeys(LOSSES, 0.1)), jit_compile=False)
    model.fit(ESTIMATE, REFERENCE, verbose=0)
    for loaded in (preset_round_trip(model, tmp_path / "model"), keras_round_trip(model, tmp_path / "model.keras")):
        assert loaded.get_weights()[0] == pytest.approx(model.get_weights()[0])
    assert isinstance(loaded.loss, WeightedSum)
    np.testing.assert_allclose(
        loaded.evaluate(ESTIMATE, REFERENCE, verbose=0), model.evaluate(ESTIMATE, REFERENCE, verbose=0), rtol=1e-5
    )


def preset_round_trip(model, directory):
    preset.save(model, directory)
    return preset.load(directory)


def keras_round_trip(model, path):
    model.save(path)
    return keras.saving.load_model(path)
