"""What listeners prefer: shares with intervals, tests against chance, Bradley-Terry scores, and majorities.

Statistics are those of SciPy, statsmodels and choix (the extra `listen`). Listeners and items are both samples of more, so
intervals and p-values that resample both stand beside those that take answers as independent.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from zoo.errors import InputError

TIE = "tie"
_RESAMPLES = 2000


def wilson(wins: float, n: int, confidence: float = 0.95) -> tuple[float, float, float]:
    """A share with Wilson's interval, which holds for small numbers and for shares near 0 and 1.

    Args:
        wins: how many answers, 0..n; a tie is half of one.
        n: answers.
        confidence: of the interval, 0..1.

    Returns:
        (share, low, high), 0..1; NaN without answers.

    Raises:
        InputError: wins outside of 0..n.

    Example:
        >>> [round(value, 3) for value in wilson(15, 20)]
        [0.75, 0.531, 0.888]
    """
    if not 0 <= wins <= n:
        raise InputError(f"{wins} of {n} answers: give a number of 0 to {n}")
    if not n:
        return np.nan, np.nan, np.nan
    from statsmodels.stats.proportion import proportion_confint  # of the extra listen

    low, high = proportion_confint(wins, n, alpha=1 - confidence, method="wilson")
    return wins / n, float(low), float(high)


def binomial_p(wins: int, n: int) -> float:
    """Two-sided p of so many answers or fewer likely ones, if each were a fair coin's (an exact binomial test).

    Args:
        wins: answers for one system, 0..n; ties are left out before.
        n: answers without ties.

    Returns:
        p, 0..1; 1 without answers.

    Example:
        >>> round(binomial_p(15, 20), 4)
        0.0414
    """
    import scipy.stats

    return float(scipy.stats.binomtest(wins, n).pvalue) if n else 1.0


def resampled(
    values: ArrayLike, listeners: Sequence[Any], items: Sequence[Any], seed: int = 0, n_resamples: int = _RESAMPLES
) -> np.ndarray:
    """Means of a study that is drawn again with other listeners and other items (Owen 2007, the pigeonhole bootstrap).

    Answers of one listener go together, and so do those on one item; to resample answers would make an interval too
    narrow. Each answer counts as often as its listener was drawn times as often as its item was.

    Args:
        values: (n,), such as 1 for a preference, 0 for the other, 0.5 for a tie.
        listeners, items: whose answer, on what, (n,).
        seed: of the draws.
        n_resamples: how many.

    Returns:
        float64 (n_resamples,); draws in which no answer is left are dropped.

    Raises:
        InputError: other lengths, or no answer.

    Example:
        >>> means = resampled([1, 0, 1, 1], ["ann", "ann", "bob", "bob"], ["1", "2", "1", "2"])
        >>> bool(means.min() >= 0 and means.max() <= 1)
        True
    """
    values = np.asarray(values, "float64")
    if not len(values) or values.shape != (len(listeners),) or values.shape != (len(items),):
        raise InputError(f"{len(values)} values, {len(listeners)} listeners and {len(items)} items: give one of each")
    rng, weights = np.random.default_rng(seed), np.ones((n_resamples, len(values)))
    for units in (listeners, items):
        names, places = np.unique([str(unit) for unit in units], return_inverse=True)
        weights *= rng.multinomial(len(names), np.full(len(names), 1 / len(names)), n_resamples)[:, places]
    drawn = weights.sum(axis=1)
    return (weights @ values)[drawn > 0] / drawn[drawn > 0]


def preference(values: ArrayLike, listeners: Sequence[Any], items: Sequence[Any], seed: int = 0) -> dict[str, Any]:
    """How often one of two systems is preferred, and whether that may be chance.

    Args:
        values: (n,): 1 where the system was preferred, 0 where the other was, 0.5 for a tie.
        listeners, items: whose answer, on what, (n,).
        seed: of the bootstrap.

    Returns:
        {"n", "ties", "share": [share, low, high] with Wilson's interval, "bootstrap": [low, high], the 95 % interval over
        listeners and items, "binomial_p": of the answers without ties as if independent, "bootstrap_p": two-sided, of the
        bootstrap means on the other side of one half}.

    Raises:
        InputError: as `resampled`, or a value that is none of the three.

    Example:
        >>> facts = preference([1, 1, 1, 0], ["ann", "bob", "ann", "bob"], ["1", "1", "2", "2"])
        >>> facts["n"], facts["share"][0]
        (4, 0.75)
    """
    values = np.asarray(values, "float64")
    if not np.isin(values, (0, 0.5, 1)).all():
        raise InputError("a preference is 1, 0, or 0.5 for a tie; turn answers into these")
    means, ties = resampled(values, listeners, items, seed), int(np.sum(values == 0.5))
    # A mean of exactly one half is on both sides; one more draw keeps p above 0.
    sides = [np.sum(means <= 0.5), np.sum(means >= 0.5)]
    return {
        "n": len(values),
        "ties": ties,
        "share": list(wilson(float(values.sum()), len(values))),
        "bootstrap": [float(value) for value in np.percentile(means, [2.5, 97.5])],
        "binomial_p": binomial_p(int(np.sum(values == 1)), len(values) - ties),
        "bootstrap_p": float(min(1.0, 2 * (min(sides) + 1) / (len(means) + 1))),
    }


def majority(values: ArrayLike, items: Sequence[Any], raters: int | None = None) -> dict[Any, float]:
    """What most listeners prefer on each item (Manocha et al. 2020, section 4.2: 15 raters an item).

    Args:
        values: as for `preference`, in the order of the answers.
        items: on what, (n,).
        raters: how many answers of an item count, its first ones; items with fewer are left out. None takes all.

    Returns:
        {item: 1.0, 0.0, or 0.5 where they are evenly divided}.

    Raises:
        InputError: other lengths.

    Example:
        >>> majority([1, 1, 0, 0, 1], ["1", "1", "1", "2", "2"])
        {'1': 1.0, '2': 0.5}
    """
    if len(values) != len(items):
        raise InputError(f"{len(values)} values and {len(items)} items: give one of each")
    votes = {}
    for value, item in zip(values, items, strict=True):
        votes.setdefault(item, []).append(float(value))
    counted = {item: cast[:raters] for item, cast in votes.items() if raters is None or len(cast) >= raters}
    return {item: float(0.5 + 0.5 * np.sign(np.mean(cast) - 0.5)) for item, cast in counted.items()}


def bradley_terry(winners: Sequence[str], losers: Sequence[str], regularisation: float = 0.01) -> dict[str, float]:
    """Scores of systems that were compared in pairs: P(i preferred to j) = 1 / (1 + exp(score_j - score_i)).

    Maximum likelihood by choix (Luce spectral ranking, Maystre and Grossglauser 2015), with a weak prior, so that a
    system that was never preferred has a score.

    Args:
        winners, losers: of each comparison, (n,); ties are left out, or put in both ways.
        regularisation: weight of the prior.

    Returns:
        {system: score}, highest first; the mean of the scores is 0.

    Raises:
        InputError: other lengths, no comparison, or a system compared with itself.

    Example:
        >>> scores = bradley_terry(["b"] * 3 + ["a"], ["a"] * 3 + ["b"])
        >>> list(scores), round(scores["b"] - scores["a"], 1)
        (['b', 'a'], 1.1)
    """
    if not len(winners) or len(winners) != len(losers):
        raise InputError(
            f"{len(winners)} winners and {len(losers)} losers: give one of each, for one comparison or more"
        )
    if any(winner == loser for winner, loser in zip(winners, losers, strict=True)):
        raise InputError("a system is compared with itself; leave that out")
    import choix  # of the extra listen

    names = sorted({*winners, *losers})
    places = {name: place for place, name in enumerate(names)}
    data = [(places[winner], places[loser]) for winner, loser in zip(winners, losers, strict=True)]
    scores = choix.ilsr_pairwise(len(names), data, alpha=regularisation)
    scores = scores - scores.mean()
    return {names[i]: float(scores[i]) for i in np.argsort(-scores, kind="stable")}
