"""A listener's just noticeable difference: psychometric function, fit, and the next strength (Manocha et al. 2020).

A listener hears a reference and a perturbed recording and answers "same" (False) or "different" (True). The strength of
the perturbation lies on a scale, 0..100 for those of `zoo.jnd.perturb`. Nothing here plays audio; `zoo.jnd.blocks` has
the blocks of trials with sentinels.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.optimize
import scipy.special

from zoo.errors import InputError

_PRIOR_SIGMA = 0.1  # mode of the prior on sigma, as a share of the range


class Threshold(NamedTuple):
    """A listener's just noticeable difference along one perturbation: mean and deviation of a Gaussian over strength."""

    mu: float
    sigma: float


# --- the listener ---------------------------------------------------------------------------------------------


def psychometric(strength: float | np.ndarray, mu: float, sigma: float) -> np.ndarray:
    """Probability that a listener says "different": Phi((strength - mu) / sigma).

    Section 2.1 of the paper: the strength that a listener just notices is a Gaussian random variable.

    Args:
        strength: strength of the perturbed recording, a number or an array.
        mu: the listener's threshold, in the unit of strength; here half of the answers are "different".
        sigma: its standard deviation, in the unit of strength, above 0.

    Returns:
        float64 in the shape of `strength`, 0..1, rising with strength.

    Raises:
        InputError: sigma is not above 0.

    Example:
        >>> float(psychometric(40.0, mu=40.0, sigma=8.0))
        0.5
    """
    if not sigma > 0:
        raise InputError(f"sigma must be above 0, not {sigma}")
    return scipy.special.ndtr((np.asarray(strength, np.float64) - mu) / sigma)


class SimulatedListener:
    """A simulated listener with a known threshold, to test a procedure.

    Args:
        mu: threshold, in the unit of strength.
        sigma: standard deviation, in the unit of strength, above 0.
        lapse: share of trials, 0..1, in which the answer is a fair coin's.
        rng: NumPy generator.

    Example:
        >>> SimulatedListener(mu=40.0, sigma=8.0, lapse=0.0, rng=np.random.default_rng(0)).answer(90.0)
        True
    """

    def __init__(self, mu: float, sigma: float, lapse: float, rng: np.random.Generator):
        self.mu, self.sigma, self.lapse, self.rng = mu, sigma, lapse, rng

    def answer(self, strength: float) -> bool:
        """Whether the listener answers "different" at this strength."""
        chance = 0.5 if self.rng.random() < self.lapse else psychometric(strength, self.mu, self.sigma)
        return bool(self.rng.random() < chance)


# --- the threshold --------------------------------------------------------------------------------------------


def fit(strengths: Sequence[float], answers: Sequence[bool], low: float = 0.0, high: float = 100.0) -> Threshold:
    """A listener's threshold by maximum likelihood over the answers so far (section 2.1).

    Maximises sum_i h_i log p_i + (1 - h_i) log(1 - p_i) + log(s / sigma) - s / sigma, where h_i is 1 for "different"
    and p_i is `psychometric`. The sum over i is the paper's. The prior on sigma (s, its mode, is a tenth of the
    range; it has about the weight of one answer) and the limits low <= mu <= high are our choice: without them there is no
    finite maximum if the answers are all the same or change only once. The function is strictly concave in (1 / sigma,
    mu / sigma), so there is one maximum. Ten answers determine mu well and sigma only roughly.

    Args:
        strengths: of the perturbed recordings, `(n,)`, in the unit of `low` and `high`.
        answers: True or 1 for "different", False or 0 for "same", `(n,)`.
        low: lowest strength of the range, the reference's own.
        high: highest strength of the range.

    Returns:
        Threshold: mu in low..high, higher for a listener who notices less; sigma above 0, in the same unit.

    Raises:
        InputError: no answer, an answer of another value, unequal lengths, NaN, or an empty range.

    Example:
        >>> round(fit([30, 50], [False, True]).mu, 3)
        40.0
    """
    strengths, answers = np.asarray(strengths, np.float64), as_bool(answers)
    _check_range(low, high)
    if strengths.ndim != 1 or strengths.shape != answers.shape or not strengths.size:
        raise InputError(f"strengths {strengths.shape} and answers {answers.shape} must be of one shape, (n,), n > 0")
    if not np.isfinite(strengths).all():
        raise InputError("strengths must be finite")
    # In units of the range, and in log sigma, both variables have about the same scale.
    x, sign = (strengths - low) / (high - low), np.where(answers, 1.0, -1.0)
    result = scipy.optimize.minimize(
        _cost, [0.5, np.log(_PRIOR_SIGMA)], (x, sign), method="SLSQP", jac=True,
        bounds=[(0, 1), (np.log(1e-4), np.log(1e4))], options={"ftol": 1e-14},
    )  # fmt: skip
    mu, log_sigma = result.x
    return Threshold(float(low + mu * (high - low)), float(np.exp(log_sigma) * (high - low)))


class Procedure:
    """Adaptive procedure for one listener's threshold along one perturbation.

    From the paper (2.1): a fit after each answer, and a next strength near it, so that "same" and "different" are about
    equally frequent. Our choice: until both answers have occurred, the next strength halves the remaining range;
    afterwards it is drawn from the fitted Gaussian, within the range.

    Args:
        low: lowest strength, at which the pair is identical: the reference's own strength.
        high: highest strength, above `low`. To perturb below the reference, let strength be the distance from it.
        rng: NumPy generator; the same state and the same answers give the same strengths.

    Raises:
        InputError: an empty range.

    Example:
        >>> listener = SimulatedListener(40.0, 5.0, 0.0, np.random.default_rng(0))
        >>> procedure = Procedure(0.0, 100.0, np.random.default_rng(1))
        >>> for _ in range(10):
        ...     procedure.answer(listener.answer(procedure.next()))
        >>> abs(procedure.threshold.mu - 40.0) < 8
        True
    """

    def __init__(self, low: float, high: float, rng: np.random.Generator):
        _check_range(low, high)
        self.low, self.high, self.rng = float(low), float(high), rng
        self.strengths, self.answers = [], []
        self._current = None

    def next(self) -> float:
        """The strength of the next trial, low..high; the same one until it is answered."""
        if self._current is None:
            self._current = self._choose()
        return self._current

    def answer(self, different: bool) -> None:
        """Record the answer to `next()`, True for "different".

        Raises:
            InputError: `next` was not called before.
        """
        if self._current is None:
            raise InputError("there is no trial to answer: call next() before answer()")
        self.strengths.append(self._current)
        self.answers.append(bool(as_bool(different)))
        self._current = None

    @property
    def threshold(self) -> Threshold:
        """Threshold fitted to the answers so far.

        Raises:
            InputError: there is no answer yet.
        """
        return fit(self.strengths, self.answers, self.low, self.high)

    def _choose(self):
        if len(set(self.answers)) == 2:
            return float(np.clip(self.rng.normal(*self.threshold), self.low, self.high))
        bottom, top = self.low, self.high
        if self.answers and self.answers[-1]:
            top = min(self.strengths)
        elif self.answers:
            bottom = max(self.strengths)
        return (bottom + top) / 2


def _cost(parameters, x, sign):
    """The negative of the function that `fit` maximises, and its gradient, at (mu, log sigma) in units of the range."""
    mu, sigma = parameters[0], np.exp(parameters[1])
    z = (x - mu) / sigma
    agreement = scipy.special.log_ndtr(sign * z)
    slope = sign * np.exp(-0.5 * z**2 - agreement) / np.sqrt(2 * np.pi)
    ratio = _PRIOR_SIGMA / sigma
    cost = -agreement.sum() - np.log(ratio) + ratio
    return cost, np.array([slope.sum() / sigma, slope @ z + 1 - ratio])


def as_bool(answers: Sequence[bool] | bool) -> np.ndarray:
    """Answers as an array of bool; a missing one (None, NaN) is refused, because its truth value would be "different".

    Args:
        answers: True or 1 for "different", False or 0 for "same".

    Returns:
        bool array of the same shape.

    Raises:
        InputError: another value.

    Example:
        >>> as_bool([1, False]).tolist()
        [True, False]
    """
    answers = np.asarray(answers)
    if not np.isin(answers, [0, 1]).all():
        raise InputError('answers must be True or 1 for "different", False or 0 for "same"')
    return answers.astype(bool)


def _check_range(low, high):
    if not low < high:
        raise InputError(f"the range of strengths is {low} to {high}; give low, the reference's strength, below high")
