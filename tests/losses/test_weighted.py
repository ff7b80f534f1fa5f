"""Losses of enhancers: values by hand, padding, gradients, sums by name, saving; on TensorFlow and on JAX."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import ops

import zoo
from tests.support.harness import REPOSITORY
from zoo.audio import dsp
from zoo.checkpoint import preset
from zoo.errors import InputError
from zoo.losses.pmsqe import PMSQE
from zoo.losses.weighted import LOSSES, MagnitudeMSE, MultiResolutionSTFT, NegativeSISDR, WaveformL1, WeightedSum, build
from zoo.metrics import speech

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


def test_magnitude_mse():
    magnitudes = [ops.convert_to_numpy(dsp.magnitude(x, 256, 64)) for x in (REFERENCE, ESTIMATE)]
    expected = np.square(magnitudes[0] - magnitudes[1]).mean(axis=(1, 2))
    np.testing.assert_allclose(value(MagnitudeMSE(256, 64), REFERENCE, ESTIMATE), expected, rtol=1e-4)


def test_multi_resolution_stft():
    expected = 0.0
    for n_fft in (512, 2048):
        x, y = (ops.convert_to_numpy(dsp.magnitude(x, n_fft, n_fft // 4)) for x in (REFERENCE, ESTIMATE))
        norm = np.linalg.norm(x - y, axis=(1, 2)) / np.linalg.norm(x, axis=(1, 2))
        expected += (norm + np.abs(np.log(x) - np.log(y)).mean(axis=(1, 2))) / 2
    np.testing.assert_allclose(value(MultiResolutionSTFT((512, 2048)), REFERENCE, ESTIMATE), expected, rtol=2e-3)


def test_waveform_l1():
    expected = np.abs(REFERENCE - ESTIMATE).mean(axis=1)
    np.testing.assert_allclose(value(WaveformL1(), REFERENCE, ESTIMATE), expected, rtol=1e-5)


def test_negative_si_sdr_is_the_metrics():
    signals = [REFERENCE + 0.2, 0.5 * ESTIMATE - 0.1]
    np.testing.assert_allclose(value(NegativeSISDR(), *signals), -speech.si_sdr(*signals), atol=1e-3)


@pytest.mark.parametrize("name", LOSSES)
def test_identity_is_the_best(name):
    loss = LOSSES[name]()
    best = value(loss, REFERENCE, REFERENCE)
    assert (best < value(loss, REFERENCE, ESTIMATE)).all()
    np.testing.assert_allclose(best, -80 if name == "negative-si-sdr" else 0, atol=1e-2)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("length", [1, 511, 3000, 7999])
def test_padding_and_batch(name, length):
    loss, lengths = LOSSES[name](), np.array([length, 8000], "int32")
    bare = [value(loss, REFERENCE[:1, :length], ESTIMATE[:1, :length])[0], value(loss, REFERENCE[1:], ESTIMATE[1:])[0]]
    # What lies after the length is rubbish: it must not count.
    np.testing.assert_allclose(value(loss, REFERENCE, ESTIMATE, lengths=lengths), bare, rtol=2e-3, atol=1e-5)


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


def test_config_round_trip():
    terms = [(1.0, MagnitudeMSE(256, 128)), (0.5, WeightedSum([(2.0, MultiResolutionSTFT((256, 512)))]))]
    for loss in (*(make() for make in LOSSES.values()), WeightedSum(terms, reduction="sum", name="mine")):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
        assert type(again) is type(loss)
        assert again.get_config() == loss.get_config()
        np.testing.assert_allclose(float(again(REFERENCE, ESTIMATE)), float(loss(REFERENCE, ESTIMATE)), rtol=1e-6)


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


JAX = """
import keras
from tests.losses import test_weighted as tests
assert keras.backend.backend() == "jax"
for name in tests.LOSSES:
    tests.test_padding_and_batch(name, 3000)
    tests.test_gradient_helps_and_is_finite(name)
tests.test_weighted_sum()
"""


@pytest.mark.slow
def test_on_jax():
    pytest.importorskip("jax")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": str(REPOSITORY)}
    subprocess.run([sys.executable, "-c", JAX], check=True, env=environment, timeout=300)
