"""Enhancers: the paper's sizes, exact analysis and synthesis, lengths, levels, channels, chunks, bad input."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.harness import check_batch_invariance, check_padding_invariance, check_save_load, predict
from zoo.enhancement.context import ContextAggregationEnhancer
from zoo.enhancement.model import BLSTMEnhancer, DNNEnhancer
from zoo.errors import InputError
from zoo.texture.optimize import value_and_gradient

RATE = 16000
SMALL = {
    "blstm": lambda: BLSTMEnhancer(units=8, hidden=8),
    "dnn": lambda: DNNEnhancer(units=8),
    "context": lambda: ContextAggregationEnhancer(depth=5, channels=4),
}
HOUR = """
import numpy as np
from zoo.enhancement.model import BLSTMEnhancer
noisy = np.random.default_rng(0).standard_normal(3600 * 16000, dtype="float32")
noisy *= 0.1
# A narrow network: what an hour takes is its audio and spectra, and 200 units would only take a minute longer.
assert np.isfinite(BLSTMEnhancer(units=16, hidden=16).enhance(noisy, 16000)).all()
# Not getrusage's figure: after a fork that is the parent's, which runs all the tests.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


@pytest.fixture(scope="module", params=SMALL)
def model(request):
    keras.utils.set_random_seed(0)
    enhancer = SMALL[request.param]()
    for variable in enhancer.variables:  # the normalisation's second weight starts at 0: nothing would be tested
        if variable.name == "w1":
            variable.assign(0.5)
    return enhancer


def noise(*shape, seed=0):
    return 0.1 * np.random.default_rng(seed).standard_normal(shape, dtype="float32")


def with_a_mask_of_ones(cls):
    enhancer = cls(units=4)
    last = enhancer.core.layers[-1]
    last.set_weights([0 * last.kernel, 0 * last.bias + 100.0])  # the sigmoid of 100 is 1
    return enhancer


def test_the_papers_sizes():
    shapes = [tuple(variable.shape) for variable in BLSTMEnhancer().core.trainable_variables]
    assert shapes[:3] == [(257, 800), (200, 800), (800,)] and len(shapes) == 16
    assert shapes[6:8] == [(400, 800), (200, 800)] and shapes[-4:] == [(400, 300), (300,), (300, 257), (257,)]
    assert [tuple(v.shape) for v in DNNEnhancer().core.trainable_variables[::2]] == [(257, 256), (256, 256)] + [
        (256, 256), (256, 257)
    ]  # fmt: skip


@pytest.mark.parametrize("cls", [BLSTMEnhancer, DNNEnhancer])
@pytest.mark.parametrize("samples", [1, 160, 4096, 5001])
def test_a_mask_of_ones_gives_the_input_back(cls, samples):
    noisy = noise(2, samples)
    enhanced = with_a_mask_of_ones(cls).enhance(noisy, RATE)
    np.testing.assert_allclose(enhanced, noisy, atol=1e-5)


def test_the_mask_never_falls_below_its_floor():
    enhancer = DNNEnhancer(units=4, mask_floor=0.05)
    last = enhancer.core.layers[-1]
    last.set_weights([0 * last.kernel, 0 * last.bias - 100.0])
    np.testing.assert_allclose(enhancer.enhance(noise(5000), RATE), 0.05 * noise(5000), atol=1e-6)


def test_batch_invariance(model):
    check_batch_invariance(model, [noise(3, 4000)], atol=1e-5)


def test_padding_invariance(model):
    noisy, lengths = noise(2, 4000), np.array([4000, 4000], "int32")
    check_padding_invariance(model, [noisy], atol=1e-5)
    padded = np.pad(noisy, [(0, 0), (0, 999)], constant_values=0.3)  # what lies after the end does not count
    np.testing.assert_allclose(predict(model, [padded, lengths])[:, :4000], predict(model, [noisy]), atol=1e-5)


def test_lengths_of_a_batch(model):
    noisy, lengths = noise(2, 5000), [5000, 3210]
    enhanced = model.enhance(noisy, RATE, lengths=lengths)
    np.testing.assert_allclose(enhanced[1, :3210], model.enhance(noisy[1, :3210], RATE), atol=1e-5)
    assert not enhanced[1, 3210:].any()


def test_save_load(model, tmp_path):
    check_save_load(model, [noise(2, 4000)], tmp_path / "again")


@pytest.mark.on_torch
def test_the_gradient_reaches_every_weight_and_the_input(model):
    if isinstance(model, ContextAggregationEnhancer) and keras.backend.backend() != "tensorflow":
        pytest.skip("one backend is enough")
    noisy = noise(1, 3000)
    _, gradient = value_and_gradient(lambda x: (ops.mean(ops.square(model(x))), ()))(noisy)
    assert np.isfinite(np.asarray(gradient)).all() and np.any(np.asarray(gradient))
    before = model.get_weights()
    model.compile("sgd", loss="mse", jit_compile=False)
    model.train_on_batch(noisy, 0.1 * noisy)
    assert all(np.isfinite(now).all() for now in model.get_weights())
    changed = [not np.array_equal(now, old) for now, old in zip(model.get_weights(), before, strict=True)]
    assert all(changed), [variable.path for variable, new in zip(model.weights, changed, strict=True) if not new]


@pytest.mark.parametrize("name", ["blstm", "dnn"])
def test_level_passes_through(name):
    keras.utils.set_random_seed(0)
    enhancer = SMALL[name]()
    noisy = noise(4000)
    np.testing.assert_allclose(
        enhancer.enhance(0.01 * noisy, RATE), 0.01 * enhancer.enhance(noisy, RATE), rtol=1e-3, atol=1e-7
    )


def test_channels_are_enhanced_by_themselves(model):
    noisy = noise(2, 3000, 2)
    enhanced = model.enhance(noisy, RATE)
    assert enhanced.shape == noisy.shape and enhanced.dtype == np.float32
    np.testing.assert_allclose(enhanced[1, :, 0], model.enhance(noisy[1, :, 0], RATE), atol=1e-5)


@pytest.mark.parametrize(("name", "at_once"), [("blstm", 8), ("blstm", 3), ("dnn", 1)])
def test_chunks_equal_the_whole(name, at_once, monkeypatch):
    keras.utils.set_random_seed(0)
    enhancer = SMALL[name]()
    noisy = noise(12 * RATE + 123)
    noisy[5 * RATE : 8 * RATE] *= 0.05
    whole = enhancer.enhance(noisy, RATE)
    monkeypatch.setattr("zoo.enhancement.inference.CHUNK_SECONDS", 3.0)
    monkeypatch.setattr(type(enhancer), "chunks_at_once", at_once)
    np.testing.assert_allclose(enhancer.enhance(noisy, RATE), whole, atol=1e-3 * np.abs(whole).max())


def test_another_rate_is_refused_or_resampled(model):
    noisy = noise(4410)
    with pytest.raises(InputError, match=r"44100 Hz.*16000 Hz.*resample=True"):
        model.enhance(noisy, 44100)
    enhanced = model.enhance(noisy, 44100, resample=True)
    assert enhanced.shape == noisy.shape and np.isfinite(enhanced).all()


def test_less_than_a_sample_at_the_models_rate(model):
    assert model.enhance(np.ones(2), 96000, resample=True).shape == (2,)


@pytest.mark.parametrize("noisy", [np.zeros(160), np.zeros(5000), np.ones(5000), np.sign(noise(5000)), np.ones(1)])
def test_extremes_are_finite(model, noisy):
    enhanced = model.enhance(noisy, RATE)
    assert enhanced.shape == noisy.shape and np.isfinite(enhanced).all()


def test_silence_stays_silent():
    assert not SMALL["blstm"]().enhance(np.zeros(5000), RATE).any()


@pytest.mark.parametrize(
    ("noisy", "lengths", "message"),
    [
        (np.full(500, np.nan), None, "NaN or infinity"),
        (np.zeros(0), None, "shape"),
        (np.zeros((2, 3, 4, 5)), None, "shape"),
        (np.zeros((5000, 2)), None, "samples, channels"),
        (np.zeros(500, "int16"), None, "int16"),
        (np.zeros((2, 500)), [500], "lengths"),
        (np.zeros((2, 500)), [500, 501], r"1\.\.500"),
        (np.zeros((2, 500)), [1.5, 2.5], "integers"),
    ],
)
def test_bad_input_says_what_is_wrong(noisy, lengths, message):
    with pytest.raises(InputError, match=message):
        SMALL["dnn"]().enhance(noisy, RATE, lengths=lengths)


def test_nan_after_the_end_does_not_matter():
    noisy = noise(1, 3000)
    noisy[0, 2000:] = np.nan
    assert np.isfinite(SMALL["dnn"]().enhance(noisy, RATE, lengths=[2000])).all()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no such figure here")
def test_an_hour_fits_in_two_gigabytes():
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", HOUR], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[-1]) < 2000
