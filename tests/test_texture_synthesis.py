"""Synthesis: lengths, seeds, what the terms do, an interruption, a state that is gone on from, bad input."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
from harness import REPOSITORY

import zoo
from zoo.errors import InputError
from zoo.texture import synthesis
from zoo.texture.model import RandomConvEnsemble

RATE = 16000


def clicks(seconds=1.5, period=0.25):
    """A click every quarter of a second, in soft noise."""
    rng = np.random.default_rng(0)
    audio = 0.002 * rng.standard_normal(int(seconds * RATE))
    click = 0.5 * rng.standard_normal(400) * np.exp(-np.arange(400) / 80)
    for start in np.arange(0, len(audio) - 400, int(period * RATE)):
        audio[start : start + 400] += click
    return audio.astype("float32")


@pytest.fixture(scope="module")
def ensemble():
    return RandomConvEnsemble((2, 16), filters=24)


def make(ensemble, target=None, **options):
    options = {"iterations": 12, "phase_iterations": 5, "ensemble": ensemble} | options
    return zoo.texture.synthesize(clicks() if target is None else target, RATE, **options)


@pytest.fixture(scope="module")
def made(ensemble):
    return make(ensemble)


def test_a_result_is_as_long_as_its_target_and_repeats_by_seed(made, ensemble):
    assert made.audio.shape == (24000,) and made.audio.dtype == np.float32 and np.isfinite(made.audio).all()
    assert made.spectrogram.shape == (382, 257) and made.spectrogram.min() >= 0
    history = made.history
    assert [len(history[name]) for name in ("loss", "gram", "autocorrelation", "diversity")] == [12] * 4
    assert len(history["convergence"]) == 5 and not history["interrupted"]
    again, other = make(ensemble), make(ensemble, seed=1)
    np.testing.assert_allclose(again.audio, made.audio, atol=1e-4)
    assert np.abs(other.audio - made.audio).max() > 0.01


def test_the_loss_falls_and_is_the_sum_of_its_terms(made):
    history = {name: np.array(values) for name, values in made.history.items() if name != "interrupted"}
    assert history["loss"][-1] < 0.2 * history["loss"][0]
    total = history["gram"] + 1e3 * history["autocorrelation"] + 1e-4 * history["diversity"]
    np.testing.assert_allclose(history["loss"], total, rtol=1e-4)


@pytest.mark.parametrize("seconds", [0.7, 2.3])
def test_length_is_free(ensemble, seconds):
    found = make(ensemble, seconds=seconds, iterations=6)
    assert found.audio.shape == (round(seconds * RATE),)
    assert found.history["loss"][-1] < found.history["loss"][0]


def test_other_rates_come_back(ensemble):
    target = clicks()[:12000]
    with pytest.raises(InputError, match="resample=True"):
        zoo.texture.synthesize(target, 8000)
    found = zoo.texture.synthesize(
        target, 8000, iterations=2, phase_iterations=2, ensemble=ensemble, resample=True
    )
    assert found.audio.shape == (12000,) and found.spectrogram.shape[0] == 382


def test_the_autocorrelation_term_keeps_the_rhythm(ensemble):
    target = clicks()
    rhythm = synthesis.Objective(_seen(target), ensemble, 1.0, 0.0, 382)

    def error(alpha):
        found = make(ensemble, target, alpha=alpha, beta=0.0, iterations=60)
        return rhythm(found.spectrogram)[1]["autocorrelation"]

    assert error(1e3) < 0.5 * error(0.0)


def _seen(target):
    from zoo.texture.spectrum import log_spectrogram

    return np.asarray(log_spectrogram(target[None]))[0]


def test_no_term_that_has_no_weight(ensemble):
    history = make(ensemble, alpha=0.0, beta=0.0, iterations=2).history
    assert np.isnan(history["autocorrelation"] + history["diversity"]).all()
    assert history["loss"] == history["gram"]


def test_the_diversity_term_is_in_the_first_iterations_only(ensemble, monkeypatch):
    monkeypatch.setattr(synthesis, "DIVERSE", 3)
    diversity = make(ensemble, iterations=5).history["diversity"]
    assert np.isfinite(diversity[:3]).all() and np.isnan(diversity[3:]).all()


def test_no_iterations_keep_the_noise(ensemble):
    found = make(ensemble, iterations=0, phase_iterations=0)
    seen, power = _seen(clicks()), np.mean(np.expm1(found.spectrogram) ** 2, axis=0)
    np.testing.assert_allclose(10 * np.log10(power / np.mean(np.expm1(seen) ** 2, axis=0)), 0, atol=2)


def test_an_interruption_keeps_the_best_so_far(ensemble):
    def interrupt(stage, done, total, value):
        if stage == "spectrogram" and done == 4:
            raise KeyboardInterrupt

    found = make(ensemble, progress=interrupt)
    assert found.history["interrupted"] and len(found.history["loss"]) == 4 and found.audio.shape == (24000,)


def test_a_state_is_gone_on_from(ensemble, tmp_path):
    state, told = tmp_path / "state.npz", []

    def interrupt(stage, done, total, value):
        told.append((stage, done, total))
        if done == 7 and stage == "spectrogram":
            raise KeyboardInterrupt

    first = make(ensemble, state=state, progress=interrupt)
    assert told[6] == ("spectrogram", 7, 12) and told[-1] == ("phases", 5, 5)
    second = make(ensemble, state=state)
    assert second.history["loss"][:7] == first.history["loss"] and len(second.history["loss"]) == 12
    assert not second.history["interrupted"] and second.history["loss"][-1] < first.history["loss"][-1]
    third = make(ensemble, state=state)  # nothing is left to do
    np.testing.assert_array_equal(third.spectrogram, second.spectrogram)
    with pytest.raises(InputError, match="another synthesis"):
        make(ensemble, state=state, seed=1)
    state.write_bytes(b"no archive")
    with pytest.raises(InputError, match="no state"):
        make(ensemble, state=state)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the device's L-BFGS needs TensorFlow")
def test_on_the_device(ensemble):
    found = make(ensemble, optimizer="tfp", iterations=30)
    history = found.history
    assert found.spectrogram.min() >= 0 and history["loss"][-1] < 0.1 * make(ensemble, iterations=0).history.get("start", 1e4)


@pytest.mark.slow
def test_it_runs_on_jax():
    pytest.importorskip("jax")
    code = (
        "import numpy as np, zoo\n"
        "from zoo.texture.model import RandomConvEnsemble\n"
        "noise = 0.1 * np.random.default_rng(0).standard_normal(16000).astype('float32')\n"
        "ensemble = RandomConvEnsemble((2, 16), filters=8)\n"
        "made = zoo.texture.synthesize(noise, 16000, iterations=4, phase_iterations=2, ensemble=ensemble)\n"
        "loss = made.history['loss']\n"
        "print(loss[-1] < loss[0], made.audio.shape)\n"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "True (16000,)", done.stderr[-2000:]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (np.zeros(16000, "float32"), "silent"),
        (np.full(16000, np.nan, "float32"), "no number"),
        (np.ones((16000, 2), "float32"), "one channel"),
        (np.ones(16000, "int16"), "int16"),
        (np.ones(4000, "float32"), "0.5 s or more"),
    ],
)
def test_bad_input_says_what_to_do(target, says):
    with pytest.raises(InputError, match=says):
        zoo.texture.synthesize(target, RATE)


def test_bad_options_say_what_to_do(ensemble):
    with pytest.raises(InputError, match="lbfgs-b or tfp"):
        make(ensemble, optimizer="adam")
    with pytest.raises(InputError, match="too short"):
        make(ensemble, seconds=0.01)
    with pytest.raises(InputError, match="the result has fewer frames than the widest kernel"):
        make(RandomConvEnsemble((64,), filters=2), seconds=0.1)
