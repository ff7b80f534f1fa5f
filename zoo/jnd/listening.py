"""A listener's just noticeable difference: psychometric function, fit, and the next strength (Manocha et al. 2020).

A listener hears a reference and a perturbed recording and answers "same" (False) or "different" (True). The strength of
the perturbation lies on a scale, 0..100 for those of `zoo.jnd.perturb` and for the combinations of
`zoo.jnd.directions`. Nothing here plays audio; `zoo.jnd.blocks` has the blocks of trials with sentinels.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.optimize
import scipy.special

from zoo.errors import InputError

_PRIOR_SIGMA = 0.1  # mode of the prior on sigma, as a share of the range
_SIGMAS = (1e-4, 1e4)  # limits of sigma, as shares of the range


class Threshold(NamedTuple):
    """A listener's just noticeable difference along one perturbation: mean and deviation of a Gaussian over strength."""

    mu: float
    sigma: float


# --- the listener ---------------------------------------------------------------------------------------------


def psychometric(strength: float | np.ndarray, mu: float, sigma: float) -> np.ndarray:
    """Probability that a listener says "different": Phi((strength - mu) / sigma).

    The Gaussian's distribution function c(rho | mu, sigma^2) of section 2.1: the strength that a listener just notices
    is a Gaussian random variable.

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


def fit(
    strengths: Sequence[float], answers: Sequence[bool], low: float = 0.0, high: float = 100.0, prior: bool = True
) -> Threshold:
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
        prior: whether the prior on sigma counts. Without it the likelihood is the paper's alone. Where no "same" lies
            above a "different", it is 1 for every mu between the two as sigma goes to 0: mu is then the middle of that
            gap (the range's end stands in for an answer that did not occur), and sigma 1e-4 of the range.

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
    gap = np.max(x[sign < 0], initial=0.0), np.min(x[sign > 0], initial=1.0)
    if not prior and gap[0] <= gap[1]:
        mu, sigma = sum(gap) / 2, _SIGMAS[0]
    else:
        mu, sigma = _maximum(x, sign, prior)
    return Threshold(float(low + mu * (high - low)), float(sigma * (high - low)))


def _maximum(x, sign, prior):
    """Where `_cost` is lowest: mu and sigma in units of the range."""
    result = scipy.optimize.minimize(
        _cost, [0.5, np.log(_PRIOR_SIGMA)], (x, sign, prior), method="SLSQP", jac=True,
        bounds=[(0, 1), tuple(np.log(_SIGMAS))], options={"ftol": 1e-14},
    )  # fmt: skip
    return result.x[0], np.exp(result.x[1])


class Procedure:
    """Adaptive procedure for one listener's threshold along one perturbation.

    The paper (section 2.1) fits mu after each answer and takes it for the next strength, so that "same" and "different"
    are about equally frequent: `at_mu=True, prior=False` (`Procedure.of_paper`). As the likelihood alone has its maximum
    anywhere between the answers, that is a bisection, which never meets an answer that contradicts another one. By
    default the next strength is our choice, a draw from the fitted Gaussian, within the range: a wrong answer is then
    found out. Until both answers have occurred, the next strength halves the remaining range; the paper does not say how
    it starts.

    Args:
        low: lowest strength, at which the pair is identical: the reference's own strength, or 0 along a
            `zoo.jnd.directions.Direction`.
        high: highest strength, above `low`. To perturb below the reference, let strength be the distance from it.
        rng: NumPy generator of the draws, None with `at_mu`; the same state and answers give the same strengths.
        at_mu: whether the next strength is mu itself.
        prior: as for `fit`.

    Raises:
        InputError: an empty range, or draws without a generator.

    Example:
        >>> listener = SimulatedListener(40.0, 5.0, 0.0, np.random.default_rng(0))
        >>> procedure = Procedure(0.0, 100.0, np.random.default_rng(1))
        >>> for _ in range(10):
        ...     procedure.answer(listener.answer(procedure.next()))
        >>> abs(procedure.threshold.mu - 40.0) < 8
        True
    """

    def __init__(
        self, low: float, high: float, rng: np.random.Generator | None = None, at_mu: bool = False, prior: bool = True
    ):
        _check_range(low, high)
        if rng is None and not at_mu:
            raise InputError("the next strength is drawn: give a generator, or at_mu=True")
        self.low, self.high, self.rng, self.at_mu, self.prior = float(low), float(high), rng, at_mu, prior
        self.strengths, self.answers = [], []
        self._current = None

    @classmethod
    def of_paper(cls, low: float = 0.0, high: float = 100.0) -> "Procedure":
        """The procedure as section 2.1 prints it: the next strength is the mu of the highest likelihood, no prior.

        Example:
            >>> procedure = Procedure.of_paper()
            >>> for answer in (False, True, False):
            ...     procedure.next(), procedure.answer(answer)
            (50.0, None)
            (75.0, None)
            (62.5, None)
        """
        return cls(low, high, at_mu=True, prior=False)

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
        return fit(self.strengths, self.answers, self.low, self.high, self.prior)

    def _choose(self):
        if len(set(self.answers)) == 2 and self.at_mu:
            return self.threshold.mu
        if len(set(self.answers)) == 2:
            return float(np.clip(self.rng.normal(*self.threshold), self.low, self.high))
        bottom, top = self.low, self.high
        if self.answers and self.answers[-1]:
            top = min(self.strengths)
        elif self.answers:
            bottom = max(self.strengths)
        return (bottom + top) / 2


def _cost(parameters, x, sign, prior):
    """The negative of the function that `fit` maximises, and its gradient, at (mu, log sigma) in units of the range."""
    mu, sigma = parameters[0], np.exp(parameters[1])
    z = (x - mu) / sigma
    agreement = scipy.special.log_ndtr(sign * z)
    slope = sign * np.exp(-0.5 * z**2 - agreement) / np.sqrt(2 * np.pi)
    ratio = _PRIOR_SIGMA / sigma
    cost = -agreement.sum() - prior * np.log(ratio) + prior * ratio
    return cost, np.array([slope.sum() / sigma, slope @ z + prior - prior * ratio])


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
