"""Blocks of judgments with sentinels, and how consistent listeners are (Manocha et al. 2020, section 2).

A listener hears a reference and a perturbed recording and answers "same" (False) or "different" (True).
"""

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from zoo.errors import InputError
from zoo.jnd.listening import as_bool

PAIRS, SENTINELS = 20, 5  # a block of 30: pairs to judge, and sentinels of each of the two kinds
_MISSES = 1  # sentinels that a careful listener may get wrong


class Trial(NamedTuple):
    """One trial of a block: the item to play, and the right answer of a sentinel (None for a pair to judge)."""

    item: Any
    expected: bool | None


class Consistency(NamedTuple):
    """Agreement of repeated answers: number of repeated pairs, share of agreeing answers 0..1, kappa up to 1."""

    n: int
    share: float
    kappa: float


def block(
    pairs: Sequence[Any], identical: Sequence[Any], different: Sequence[Any], rng: np.random.Generator
) -> list[Trial]:
    """One block of 30 trials in random order, with sentinels.

    From the paper: 30 pairs in a block, including sentinels. Our choice: 20 pairs, 5 identical sentinels and 5 obviously
    different ones, so that neither random clicks nor one constant answer pass.

    Args:
        pairs: 20 items to judge, of any type. A `Procedure` may represent its next pair, and be repeated: two of them, ten
            times each, fill a block.
        identical: 5 items, each one recording twice.
        different: 5 items with an obvious difference.
        rng: NumPy generator of the order.

    Returns:
        list of 30 `Trial`; `expected` is None for a pair to judge, False for an identical and True for a different sentinel.

    Raises:
        InputError: another number of items.

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


def passed(trials: Sequence[Trial], answers: Sequence[bool]) -> bool:
    """Whether a listener was attentive: at most one wrong answer to the sentinels of the block.

    One is allowed (our choice) because even careful listeners answer "different" for a few identical pairs.

    Args:
        trials: the `Trial`s of a block.
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
    wrong = [trial.expected not in (None, answer) for trial, answer in zip(trials, as_bool(answers))]
    return sum(wrong) <= _MISSES


def keep(blocks: Sequence[tuple[Sequence[Trial], Sequence[bool]]]) -> tuple[list[tuple[Any, bool]], int]:
    """The judgments of the blocks that passed; the other blocks are discarded, as in the paper.

    Args:
        blocks: list of (trials, answers), as for `passed`.

    Returns:
        judgments: list of (item, answer), without the sentinels.
        n_discarded: number of discarded blocks.

    Raises:
        InputError: as for `passed`.

    Example:
        >>> keep([([Trial("a", False), Trial("b", None)], [False, True])])
        ([('b', True)], 0)
    """
    attentive = [(trials, answers) for trials, answers in blocks if passed(trials, answers)]
    judgments = [
        (trial.item, bool(answer))
        for trials, answers in attentive
        for trial, answer in zip(trials, answers)
        if trial.expected is None
    ]
    return judgments, len(blocks) - len(attentive)


def consistency(pairs: Sequence[Hashable], answers: Sequence[bool]) -> Consistency:
    """Agreement of the answers to pairs that were judged more than once.

    The statistics are our choice: the share of agreeing answers, and Fleiss' kappa (1971), (share - chance) /
    (1 - chance), where chance is the agreement of two answers drawn from all. It departs from Fleiss in that pairs may
    have different numbers of answers.

    Args:
        pairs: keys of the judged pairs, `(n,)` hashable: names to compare listeners, or (listener, name) to compare the
            answers of each listener.
        answers: True or 1 for "different", False or 0 for "same", `(n,)`.

    Returns:
        Consistency: n, the number of pairs with two answers or more (others do not count); share, the mean over them of
        the share of agreeing couples of answers, 0..1, higher is better; kappa, 0 for chance, 1 for full agreement.
        share and kappa are NaN if no pair is repeated, kappa also if all answers are the same.

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
    different = np.bincount(index, as_bool(answers))
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
