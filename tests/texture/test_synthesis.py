"""Synthesis: lengths, seeds, what the terms do, an interruption, a state that is gone on from, bad input."""

import keras
import numpy as np
import pytest

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


@pytest.mark.slow
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
    total = history["gram"] + 1e3 * history["autocorrelation"] + 1e-4 * np.nan_to_num(history["diversity"])
    np.testing.assert_allclose(history["loss"], total, rtol=1e-4)


@pytest.mark.parametrize("seconds", [0.7, pytest.param(2.3, marks=pytest.mark.slow)])
def test_length_is_free(ensemble, seconds):
    result = make(ensemble, seconds=seconds, iterations=6)
    assert result.audio.shape == (round(seconds * RATE),)
    assert result.history["loss"][-1] < result.history["loss"][0]


@pytest.mark.slow
def test_other_rates_come_back(ensemble):
    target = clicks()[:12000]
    with pytest.raises(InputError, match="resample=True"):
        zoo.texture.synthesize(target, 8000)
    options = {"iterations": 1, "phase_iterations": 1, "ensemble": ensemble, "resample": True}
    for seconds, samples in ((None, 44101), (1.23456, 54444)):
        assert zoo.texture.synthesize(np.resize(target, 44101), 44100, seconds, **options).audio.shape == (samples,)
    result = zoo.texture.synthesize(target, 8000, iterations=2, phase_iterations=2, ensemble=ensemble, resample=True)
    assert result.audio.shape == (12000,) and result.spectrogram.shape[0] in (382, 383)


@pytest.mark.slow
def test_the_autocorrelation_term_keeps_the_rhythm(ensemble):
    target = clicks()
    rhythm = synthesis.Objective(_seen(target), ensemble, 1.0, 0.0, 382)

    def error(alpha):
        result = make(ensemble, target, alpha=alpha, beta=0.0, iterations=60)
        return rhythm(result.spectrogram)[1]["autocorrelation"]

    assert error(1e3) < 0.5 * error(0.0)


def _seen(target):
    from zoo.texture.spectrum import log_spectrogram

    return np.asarray(log_spectrogram(target[None]))[0]


def test_no_term_that_has_no_weight(ensemble):
    history = make(ensemble, alpha=0.0, beta=0.0, iterations=2).history
    assert np.isnan(history["autocorrelation"] + history["diversity"]).all()
    assert history["loss"] == history["gram"]


@pytest.mark.slow
def test_the_diversity_term_is_in_the_first_iterations_only(ensemble):
    diversity = make(ensemble, iterations=25).history["diversity"]
    assert np.isfinite(diversity[:2]).all() and np.isnan(diversity[2:]).all()


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"diversity": "sendik"}, {"circular": True}, {"normalise": "rms"}])
def test_the_equations_as_printed_can_be_run(ensemble, options):
    result = make(ensemble, iterations=2, phase_iterations=2, **options)
    assert result.audio.shape == (24000,) and np.isfinite(result.history["loss"]).all()
    assert (result.history["diversity"][0] < 0) == ("diversity" in options)


def test_a_normalised_target_comes_back_at_its_level(ensemble):
    options = {"target": 0.1 * clicks(), "iterations": 0, "phase_iterations": 2}
    usual = make(ensemble, **options)
    for how in synthesis.NORMS:
        actual = make(ensemble, normalise=how, **options)
        assert 0.8 < actual.audio.std() / usual.audio.std() < 1.25
        assert actual.spectrogram.max() > 2 * usual.spectrogram.max()


def test_no_iterations_keep_the_noise(ensemble):
    result = make(ensemble, iterations=0, phase_iterations=0)
    seen, power = _seen(clicks()), np.mean(np.expm1(result.spectrogram) ** 2, axis=0)
    np.testing.assert_allclose(10 * np.log10(power / np.mean(np.expm1(seen) ** 2, axis=0)), 0, atol=2)


@pytest.mark.parametrize(
    ("stage", "iterations", "rounds"), [pytest.param("spectrogram", 4, 5, marks=pytest.mark.slow), ("phases", 12, 3)]
)
def test_an_interruption_keeps_what_there_is(ensemble, stage, iterations, rounds):
    def interrupt(now, done, total, value):
        if now == stage and done == min(iterations if stage == "spectrogram" else rounds, total):
            raise KeyboardInterrupt

    result = make(ensemble, progress=interrupt)
    assert result.history["interrupted"] and result.audio.shape == (24000,) and result.audio.any()
    assert (len(result.history["loss"]), len(result.history["convergence"])) == (iterations, rounds)


@pytest.mark.slow
def test_a_state_is_gone_on_from(ensemble, tmp_path):
    state, progress = tmp_path / "state.npz", []

    def interrupt(stage, done, total, value):
        progress.append((stage, done, total))
        if done == 7 and stage == "spectrogram":
            raise KeyboardInterrupt

    first = make(ensemble, state=state, progress=interrupt)
    assert (
        progress[0] == ("spectrogram", 0, 12)
        and progress[7] == ("spectrogram", 7, 12)
        and progress[-1] == ("phases", 5, 5)
    )
    second = make(ensemble, state=state)
    assert second.history["loss"][:7] == first.history["loss"] and len(second.history["loss"]) == 12
    assert not second.history["interrupted"] and second.history["loss"][-1] < first.history["loss"][-1]
    third = make(ensemble, state=state)  # nothing is left to do
    np.testing.assert_array_equal(third.spectrogram, second.spectrogram)
    with pytest.raises(InputError, match="another synthesis"):
        make(ensemble, state=state, seed=1)
    whole = state.read_bytes()
    for damaged in (b"no archive", b"", whole[: len(whole) // 2]):
        state.write_bytes(damaged)
        with pytest.raises(InputError, match="not the state"):
            make(ensemble, state=state)
    with pytest.raises(InputError, match="folder does not exist"):
        make(ensemble, state=tmp_path / "none" / "state.npz")


@pytest.mark.slow
@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the device's L-BFGS needs TensorFlow")
def test_on_the_device(ensemble):
    result = make(ensemble, optimizer="tfp", iterations=30)
    noise = make(ensemble, iterations=0, phase_iterations=0).spectrogram
    start = synthesis.Objective(_seen(clicks()), ensemble, 1e3, 1e-4, 382)(noise)[0]
    assert result.spectrogram.min() >= 0 and result.history["loss"][-1] < 0.01 * start


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the device's L-BFGS needs TensorFlow")
def test_the_device_gives_up_where_nothing_is_gained(ensemble, monkeypatch):
    rounds = []

    def stuck(function, optimizer):
        return lambda x, iterations: (rounds.append(1) or x, 1)

    monkeypatch.setattr("zoo.texture.optimize.device_minimizer", stuck)
    result = make(ensemble, optimizer="tfp", iterations=1000, beta=0.0)
    assert len(rounds) == len(result.history["loss"]) == 4


@pytest.mark.on_jax
@pytest.mark.on_torch
def test_a_few_iterations_of_noise(ensemble):
    noise = 0.1 * np.random.default_rng(0).standard_normal(RATE).astype("float32")
    result = make(ensemble, noise, iterations=4, phase_iterations=2)
    assert result.history["loss"][-1] < result.history["loss"][0] and result.audio.shape == (RATE,)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (np.zeros(16000, "float32"), "silent"),
        (np.full(16000, np.nan, "float32"), "NaN or infinity"),
        (np.ones((16000, 2), "float32"), "one channel"),
        (np.full(16000, 0.1, "float32"), "silent"),
        (np.ones(16000, "int16"), "int16"),
        (clicks()[:10000], "0.68 s or more"),
    ],
)
def test_bad_input_says_what_to_do(target, says):
    with pytest.raises(InputError, match=says):
        zoo.texture.synthesize(target, RATE)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"optimizer": "adam"}, "lbfgs-b or tfp or torch"),
        ({"seconds": 0.01}, "0.49 s or more"),
        ({"seconds": float("nan")}, "too short or not finite"),
        ({"seed": -1}, "seed is -1"),
        ({"iterations": 1.5}, "iterations is 1.5"),
        ({"phase_iterations": -2}, "phase iterations is -2"),
        ({"alpha": -1.0}, "0 or more"),
        ({"beta": float("inf")}, "0 or more"),
        ({"momentum": 1.0}, "momentum in 0..1"),
    ],
)
def test_bad_options_say_what_to_do(ensemble, options, says):
    with pytest.raises(InputError, match=says):
        make(ensemble, **options)


@pytest.mark.slow
def test_the_shortest_that_the_papers_networks_take():
    target = clicks(0.68)
    result = zoo.texture.synthesize(target, RATE, iterations=1, phase_iterations=1)
    assert result.audio.shape == target.shape and np.isfinite(result.history["autocorrelation"]).all()
