"""A listener's threshold: the fit is the maximum of its likelihood, ten answers are enough."""

import numpy as np
import pytest
from scipy.stats import norm

from zoo.errors import InputError
from zoo.jnd import listening
from zoo.jnd.listening import Procedure, SimulatedListener

ANSWERS = 10


def objective(strengths, answers, mu, sigma, low=0.0, high=100.0):
    """The equation in `fit`'s docstring, term by term, written without the module's code."""
    total = np.log(0.1 * (high - low) / sigma) - 0.1 * (high - low) / sigma
    for strength, answer in zip(strengths, answers):
        total = total + norm.logcdf(strength if answer else -strength, mu if answer else -mu, sigma)
    return total


def listen(procedure, listener, n=ANSWERS):
    for _ in range(n):
        procedure.answer(listener.answer(procedure.next()))
    return procedure.threshold


# --- the model and its fit --------------------------------------------------------------------------------------


def test_psychometric_is_the_gaussian_integral():
    strengths = np.linspace(0, 100, 7)
    np.testing.assert_allclose(listening.psychometric(strengths, 40, 8), norm.cdf(strengths, 40, 8), rtol=1e-12)


@pytest.mark.parametrize(("lapse", "expected"), [(0.0, norm.cdf(1.5)), (0.5, 0.5 * norm.cdf(1.5) + 0.25), (1.0, 0.5)])
def test_a_simulated_listener_says_different_as_often_as_the_model(lapse, expected):
    listener = SimulatedListener(40.0, 8.0, lapse, np.random.default_rng(0))
    assert np.mean([listener.answer(52.0) for _ in range(4000)]) == pytest.approx(expected, abs=0.025)


@pytest.mark.parametrize("seed", range(6))
def test_fit_is_the_maximum_of_a_grid(seed):
    rng = np.random.default_rng(seed)
    low, high = [(0.0, 100.0), (40.0, 100.0), (-3.0, 1.0)][seed % 3]
    strengths = rng.uniform(low, high, 12)
    answers = rng.random(12) < norm.cdf(strengths, (low + high) / 2, (high - low) / 8)
    assert 0 < answers.sum() < 12
    mu = np.linspace(low, high, 201)[:, None]
    sigma = (high - low) * np.geomspace(0.01, 2, 200)
    grid = objective(strengths, answers, mu, sigma, low, high)
    best = np.unravel_index(np.argmax(grid), grid.shape)
    fitted = listening.fit(strengths, answers, low, high)
    assert objective(strengths, answers, *fitted, low, high) >= grid.max() - 1e-9
    assert fitted.mu == pytest.approx(mu[best[0], 0], abs=0.011 * (high - low))
    assert fitted.sigma == pytest.approx(sigma[best[1]], rel=0.06)


def test_many_answers_give_the_listener_back():
    rng = np.random.default_rng(0)
    strengths = rng.uniform(0, 100, 5000)
    listener = SimulatedListener(35.0, 7.0, 0.0, rng)
    fitted = listening.fit(strengths, [listener.answer(strength) for strength in strengths])
    assert fitted == pytest.approx((35.0, 7.0), rel=0.04)


@pytest.mark.parametrize(
    ("strengths", "answers"),
    [
        ([50.0], [0]),
        ([0.0] * 30, [1] * 30),
        ([100.0] * 30, [0] * 30),
        ([0.0, 100.0] * 15, [1, 0] * 15),  # a listener who turns the buttons round
        ([0.0, 100.0] * 15, [0, 1] * 15),
    ],
)
def test_any_answers_stay_finite(strengths, answers):
    mu, sigma = listening.fit(strengths, answers)
    assert 0 <= mu <= 100 and 0 < sigma < 10000
    if set(strengths) == {0.0}:
        assert mu == pytest.approx(0, abs=0.1)
    if set(strengths) == {100.0}:
        assert mu == pytest.approx(100, abs=0.1)


@pytest.mark.parametrize(
    ("strengths", "answers", "low", "high"),
    [
        ([], [], 0, 100),
        ([1.0], [1, 0], 0, 100),
        ([np.nan], [1], 0, 100),
        ([1.0, 2.0], [1, np.nan], 0, 100),
        ([1.0, 2.0], [1, None], 0, 100),
        ([1.0], [1], 100, 0),
    ],
)
def test_fit_names_what_it_cannot_use(strengths, answers, low, high):
    with pytest.raises(InputError):
        listening.fit(strengths, answers, low, high)


@pytest.mark.parametrize("seed", range(2))
def test_the_likelihood_alone_is_that_of_the_paper(seed):
    """Section 2.1: the product of (1 - h)(1 - c) + h c over the answers, on a grid."""
    rng = np.random.default_rng(seed)
    strengths = rng.uniform(0, 100, 12)
    answers = rng.random(12) < norm.cdf(strengths, 50, 25)
    assert strengths[~answers].max() > strengths[answers].min()
    mu, sigma = np.linspace(0, 100, 201)[:, None, None], np.geomspace(1, 300, 200)[:, None]
    c = norm.cdf(strengths, mu, sigma)
    likelihood = np.prod((1 - answers) * (1 - c) + answers * c, axis=-1)
    best = np.unravel_index(np.argmax(likelihood), likelihood.shape)
    fitted = listening.fit(strengths, answers, prior=False)
    c = norm.cdf(strengths, *fitted)
    assert np.prod(np.where(answers, c, 1 - c)) >= likelihood.max() * (1 - 1e-6)
    assert fitted.mu == pytest.approx(mu[best[0], 0, 0], abs=1.1)
    assert fitted.sigma == pytest.approx(sigma[best[1], 0], rel=0.06)


@pytest.mark.parametrize(
    ("strengths", "answers", "mu"),
    [([30, 50], [0, 1], 40), ([20, 30], [0, 0], 65), ([60], [1], 30), ([40, 40, 40], [0, 1, 0], 40), ([100], [0], 100)],
)
def test_answers_that_a_threshold_parts_give_the_middle_of_the_gap(strengths, answers, mu):
    assert listening.fit(strengths, answers, prior=False) == pytest.approx((mu, 0.01))


def test_sigma_must_be_positive():
    with pytest.raises(InputError, match="sigma"):
        listening.psychometric(1.0, 0.0, 0.0)


# --- the procedure ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("sigma", "lapse"), [(5.0, 0.0), (8.0, 0.0), (5.0, 0.04)])
def test_ten_answers_find_the_threshold(sigma, lapse):
    """Thresholds 10..90 on a scale of 0..100: mean error within 10 %, same and different in balance."""
    rng = np.random.default_rng(0)
    errors, shares = [], []
    for mu in rng.uniform(10, 90, 150):
        procedure = Procedure(0.0, 100.0, rng)
        fitted = listen(procedure, SimulatedListener(mu, sigma, lapse, rng))
        errors.append(abs(fitted.mu - mu) / mu)
        shares.append(np.mean(procedure.answers))
    assert np.mean(errors) <= 0.10
    assert 0.45 <= np.mean(shares) <= 0.55
    assert np.mean(np.abs(np.array(shares) - 0.5) <= 0.2) >= 0.9  # each listener's own, not only their mean


def test_the_paper_asks_at_the_fitted_threshold_itself():
    rng, errors, shares = np.random.default_rng(0), [], []
    for mu in rng.uniform(10, 90, 60):
        procedure, listener = Procedure.of_paper(), SimulatedListener(mu, 5.0, 0.0, rng)
        for _ in range(ANSWERS):
            expected = procedure.threshold.mu if procedure.answers else 50.0
            assert procedure.next() == pytest.approx(expected)
            procedure.answer(listener.answer(procedure.next()))
        errors.append(abs(procedure.threshold.mu - mu) / mu)
        shares.append(np.mean(procedure.answers))
        assert listening.fit(procedure.strengths, procedure.answers, prior=False).sigma == pytest.approx(0.01)
    assert np.mean(errors) <= 0.12
    assert 0.4 <= np.mean(shares) <= 0.6


def test_draws_need_a_generator():
    with pytest.raises(InputError, match="generator"):
        Procedure(0.0, 100.0)


def test_asking_near_the_estimate_beats_asking_anywhere():
    rng = np.random.default_rng(0)
    near, anywhere = [], []
    for mu in rng.uniform(10, 90, 100):
        listener = SimulatedListener(mu, 5.0, 0.0, rng)
        near.append(abs(listen(Procedure(0.0, 100.0, rng), listener).mu - mu) / mu)
        strengths = rng.uniform(0, 100, ANSWERS)
        fitted = listening.fit(strengths, [listener.answer(strength) for strength in strengths])
        anywhere.append(abs(fitted.mu - mu) / mu)
    assert np.mean(near) < 0.6 * np.mean(anywhere)


def test_a_reference_that_is_itself_perturbed():
    rng = np.random.default_rng(0)
    errors = []
    for mu in rng.uniform(50, 90, 50):
        procedure = Procedure(40.0, 100.0, rng)
        errors.append(abs(listen(procedure, SimulatedListener(mu, 5.0, 0.0, rng)).mu - mu) / mu)
        assert 40 <= min(procedure.strengths) and max(procedure.strengths) <= 100
    assert np.mean(errors) <= 0.10


def test_the_range_is_halved_until_both_answers_came():
    procedure, strengths = Procedure(0.0, 100.0, np.random.default_rng(0)), []
    for answer in (False, False, False, True):
        strengths.append(procedure.next())
        procedure.answer(answer)
    assert strengths == [50.0, 75.0, 87.5, 93.75]
    assert 87.5 < procedure.threshold.mu < 93.75


@pytest.mark.parametrize("answer", [False, True])
def test_one_constant_answer_stays_in_the_range(answer):
    procedure = Procedure(10.0, 60.0, np.random.default_rng(0))
    for _ in range(60):
        procedure.next()
        procedure.answer(answer)
        assert 10 <= procedure.threshold.mu <= 60 and np.isfinite(procedure.threshold.sigma)
    assert all(10 <= strength <= 60 for strength in procedure.strengths)


def test_same_seed_same_strengths():
    first, second, other = (Procedure(0.0, 100.0, np.random.default_rng(seed)) for seed in (3, 3, 4))
    for procedure in (first, second, other):
        listen(procedure, SimulatedListener(40.0, 5.0, 0.0, np.random.default_rng(0)))
    assert first.strengths == second.strengths
    assert first.strengths != other.strengths


def test_a_strength_waits_for_its_answer():
    procedure = Procedure(0.0, 100.0, np.random.default_rng(0))
    with pytest.raises(InputError, match="next"):
        procedure.answer(True)
    for answer in (True, False, True):
        assert procedure.next() == procedure.next()
        procedure.answer(answer)
    with pytest.raises(InputError, match="next"):
        procedure.answer(True)


def test_an_empty_range_is_refused():
    with pytest.raises(InputError, match="range"):
        Procedure(100.0, 100.0, np.random.default_rng(0))
