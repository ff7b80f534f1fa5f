"""How Manocha et al. (2020) collected their answers: the listener's model, its fit, the next strength, blocks, consistency.

A listener hears a reference and a perturbed recording and says "same" (False) or "different" (True). The perturbed
recording's strength lies on a scale, 0..100 for every perturbation of `zoo.jnd.perturb`. Nothing here plays audio.
"""

from typing import Any, NamedTuple

import numpy as np
import scipy.optimize
import scipy.special

from zoo.errors import InputError

PAIRS, SENTINELS = 20, 5  # a block of 30: pairs to judge, and sentinels of each of the two kinds
_MISSES = 1  # sentinels that a careful listener may get wrong
_PRIOR_SPREAD = 0.1  # the sigma that the prior prefers, as a share of the range


class Threshold(NamedTuple):
    """A listener's just noticeable difference along one perturbation: a Gaussian over strength, in its unit."""

    mu: float
    sigma: float


class Trial(NamedTuple):
    """One place in a block: what to play, and the right answer where it is a sentinel (else None)."""

    item: Any
    expected: bool | None


class Consistency(NamedTuple):
    """How well repeated answers agree: pairs with a repeat, share of agreeing answers 0..1, kappa up to 1."""

    n: int
    share: float
    kappa: float


# --- the listener ---------------------------------------------------------------------------------------------


def psychometric(strength, mu, sigma):
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
    """A listener of known threshold, to try a procedure on.

    Args:
        mu: threshold, in the unit of strength.
        sigma: standard deviation, in the unit of strength, above 0.
        lapse: share of trials, 0..1, in which the listener does not listen and answers by a fair coin.
        rng: np.random.Generator.

    Example:
        >>> SimulatedListener(mu=40.0, sigma=8.0, lapse=0.0, rng=np.random.default_rng(0)).answer(90.0)
        True
    """

    def __init__(self, mu, sigma, lapse, rng):
        self.mu, self.sigma, self.lapse, self.rng = mu, sigma, lapse, rng

    def answer(self, strength):
        """Whether the listener says "different" at this strength."""
        chance = 0.5 if self.rng.random() < self.lapse else psychometric(strength, self.mu, self.sigma)
        return bool(self.rng.random() < chance)


# --- the threshold --------------------------------------------------------------------------------------------


def fit(strengths, answers, low=0.0, high=100.0):
    """A listener's threshold by maximum likelihood over the answers so far (section 2.1).

    Maximises sum_i h_i log p_i + (1 - h_i) log(1 - p_i) + log(s / sigma) - s / sigma, where h_i is 1 for "different"
    and p_i is `psychometric`. The sum is the paper's. The prior on sigma (s is a tenth of the range, where it is
    highest; it weighs about as much as one answer) and the limits low <= mu <= high are our choice: without them there
    is no finite maximum where the answers are all alike or change only once. In (1 / sigma, mu / sigma) all of it is
    strictly concave, so there is one maximum. Ten answers tell mu well and sigma only roughly.

    Args:
        strengths: strengths that were asked, `(n,)`, in the unit of `low` and `high`.
        answers: True or 1 for "different", False or 0 for "same", `(n,)`.
        low: lowest strength of the range: the reference's own, where that is not 0.
        high: highest strength of the range.

    Returns:
        Threshold: mu in low..high, higher for a listener who notices less; sigma above 0, in the same unit.

    Raises:
        InputError: no answer, another answer than these, unequal lengths, a NaN, or an empty range.

    Example:
        >>> round(fit([30, 50], [False, True]).mu, 3)
        40.0
    """
    strengths, answers = np.asarray(strengths, np.float64), _as_bool(answers)
    _check_range(low, high)
    if strengths.ndim != 1 or strengths.shape != answers.shape or not strengths.size:
        raise InputError(f"strengths {strengths.shape} and answers {answers.shape} must be of one shape, (n,), n > 0")
    if not np.isfinite(strengths).all():
        raise InputError("strengths must be finite")
    # The range's own unit, and log sigma, give the search one scale.
    x, sign = (strengths - low) / (high - low), np.where(answers, 1.0, -1.0)
    found = scipy.optimize.minimize(
        _cost, [0.5, np.log(_PRIOR_SPREAD)], (x, sign), method="SLSQP", jac=True,
        bounds=[(0, 1), (np.log(1e-4), np.log(1e4))], options={"ftol": 1e-14},
    )  # fmt: skip
    mu, log_sigma = found.x
    return Threshold(float(low + mu * (high - low)), float(np.exp(log_sigma) * (high - low)))


class Procedure:
    """Finds one listener's threshold along one perturbation: asks near the estimate, and learns from each answer.

    From the paper (2.1): the fit after each answer, and a next strength near it, so that "same" and "different" come
    out about equally often. Our choice: while only one of the two answers has been heard, the next strength halves
    what is left of the range; afterwards it is drawn from the fitted Gaussian itself, within the range.

    Args:
        low: lowest strength to ask, at which the pair is identical: the reference's own strength.
        high: highest strength to ask, above `low`. To perturb below the reference, ask for the distance from it.
        rng: np.random.Generator; the same one and the same answers give the same strengths.

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

    def __init__(self, low, high, rng):
        _check_range(low, high)
        self.low, self.high, self.rng = float(low), float(high), rng
        self.strengths, self.answers = [], []
        self._asked = None

    def next(self):
        """The strength to ask, low..high; the same one until it is answered."""
        if self._asked is None:
            self._asked = self._choose()
        return self._asked

    def answer(self, different):
        """Take the answer to `next()`, True for "different". Raises InputError where nothing was asked."""
        if self._asked is None:
            raise InputError("no strength was asked: call next() before answer()")
        self.strengths.append(self._asked)
        self.answers.append(bool(_as_bool(different)))
        self._asked = None

    @property
    def threshold(self):
        """Threshold fitted to the answers so far. Raises InputError where there is none."""
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


# --- blocks ---------------------------------------------------------------------------------------------------


def block(pairs, identical, different, rng):
    """One block of 30 trials in random order, sentinels among them.

    From the paper: 30 pairs to a block, sentinels among them. Our choice: 20 pairs, 5 identical sentinels and 5 plainly
    different ones, so that neither clicking at random nor one constant answer passes.

    Args:
        pairs: 20 items to judge, of any type. A `Procedure` may stand for its own next pair, and more than once: two
            of them, ten times each, fill a block.
        identical: 5 items of one recording twice.
        different: 5 items that anyone hears as different.
        rng: np.random.Generator, for the order.

    Returns:
        list of 30 Trial; `expected` is None for a pair to judge, False for an identical and True for a different one.

    Raises:
        InputError: another count of items.

    Example:
        >>> len(block(range(20), ["same.wav"] * 5, ["loud.wav"] * 5, np.random.default_rng(0)))
        30
    """
    if (len(pairs), len(identical), len(different)) != (PAIRS, SENTINELS, SENTINELS):
        counts = f"{len(pairs)} pairs, {len(identical)} identical and {len(different)} different sentinels"
        raise InputError(f"a block takes {PAIRS} pairs and {SENTINELS} sentinels of each kind, not {counts}")
    trials = [Trial(item, None) for item in pairs]
    trials += [Trial(item, False) for item in identical] + [Trial(item, True) for item in different]
    return [trials[i] for i in rng.permutation(len(trials))]


def passed(trials, answers):
    """Whether a listener was attentive: at most one sentinel of the block answered wrongly.

    One is allowed (our choice) because careful listeners too say "different" of a few identical pairs.

    Args:
        trials: a block's Trials.
        answers: True for "different", False for "same", in the order of the trials.

    Returns:
        bool.

    Raises:
        InputError: unequal lengths, or an answer that is neither True nor False.

    Example:
        >>> passed([Trial("a", False), Trial("b", True), Trial("c", None)], [True, True, False])
        True
    """
    if len(trials) != len(answers):
        raise InputError(f"{len(trials)} trials and {len(answers)} answers: give one answer for each trial")
    wrong = [trial.expected not in (None, answer) for trial, answer in zip(trials, _as_bool(answers))]
    return sum(wrong) <= _MISSES


def keep(blocks):
    """The judgments of the blocks that passed; the others are discarded whole, as in the paper.

    Args:
        blocks: list of (trials, answers), see `passed`.

    Returns:
        (judgments, n_discarded): a list of (item, answer) without the sentinels, and the count of blocks left out.

    Raises:
        InputError: as `passed`.

    Example:
        >>> keep([([Trial("a", False), Trial("b", None)], [False, True])])
        ([('b', True)], 0)
    """
    kept = [(trials, answers) for trials, answers in blocks if passed(trials, answers)]
    judgments = [
        (trial.item, bool(answer))
        for trials, answers in kept
        for trial, answer in zip(trials, answers)
        if trial.expected is None
    ]
    return judgments, len(blocks) - len(kept)


def consistency(pairs, answers):
    """How well the answers to pairs that were judged more than once agree.

    The statistics are our choice: the share of agreeing answers, and Fleiss' kappa (1971), (share - chance) /
    (1 - chance), where chance is that of two answers drawn from all. It departs from Fleiss in that pairs may differ in
    how often they were judged.

    Args:
        pairs: what was judged, `(n,)` hashable: a pair's name compares listeners, (listener, name) each listener's own
            answers.
        answers: True or 1 for "different", False or 0 for "same", `(n,)`.

    Returns:
        Consistency: n, the pairs judged twice or more (others do not count); share, the mean over them of the share
        of answers, taken two by two, that agree, 0..1, higher is better; kappa, 0 for chance, 1 for full agreement.
        NaN where no pair is repeated, kappa also where all answers are alike.

    Raises:
        InputError: unequal lengths, or an answer that is neither True nor False.

    Example:
        >>> consistency(["a", "a", "b", "b"], [1, 1, 0, 0])
        Consistency(n=2, share=1.0, kappa=1.0)
    """
    if len(pairs) != len(answers):
        raise InputError(f"{len(pairs)} pairs and {len(answers)} answers: give one answer for each pair")
    places = {}
    index = np.array([places.setdefault(pair, len(places)) for pair in pairs], int)
    total = np.bincount(index)
    different = np.bincount(index, _as_bool(answers))
    repeated = total > 1
    total, different = total[repeated], different[repeated]
    if not total.size:
        return Consistency(0, np.nan, np.nan)
    same = total - different
    share = np.mean((different * (different - 1) + same * (same - 1)) / (total * (total - 1)))
    rate = different.sum() / total.sum()
    chance = rate**2 + (1 - rate) ** 2
    kappa = (share - chance) / (1 - chance) if 0 < rate < 1 else np.nan
    return Consistency(int(total.size), float(share), float(kappa))


def _cost(parameters, x, sign):
    """Minus what `fit` maximises, and its gradient, at (mu, log sigma) in the range's unit."""
    mu, sigma = parameters[0], np.exp(parameters[1])
    z = (x - mu) / sigma
    agreement = scipy.special.log_ndtr(sign * z)
    slope = sign * np.exp(-0.5 * z**2 - agreement) / np.sqrt(2 * np.pi)
    ratio = _PRIOR_SPREAD / sigma
    cost = -agreement.sum() - np.log(ratio) + ratio
    return cost, np.array([slope.sum() / sigma, slope @ z + 1 - ratio])


def _as_bool(answers):
    """Answers as an array of bool; a missing one (None, NaN) must not pass for "different"."""
    answers = np.asarray(answers)
    if not np.isin(answers, [0, 1]).all():
        raise InputError('answers must be True or 1 for "different", False or 0 for "same"')
    return answers.astype(bool)


def _check_range(low, high):
    if not low < high:
        raise InputError(f"the range must rise, not go from {low} to {high}: low is the reference's strength")
