"""Blocks of judgments with sentinels, and how consistent listeners are (Manocha et al. 2020, section 3.2).

A listener hears a reference and a perturbed recording and answers "same" (False) or "different" (True). `paper_block`
is the paper's task; `block` is ours, which has identical sentinels too.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from zoo.errors import InputError
from zoo.jnd.listening import Procedure, as_bool

PAIRS, SENTINELS = 20, 5  # a block of 30: pairs to judge, and sentinels of each of the two kinds
MISSES = 1  # sentinels of a block of ours that a careful listener may get wrong; the paper allows none
REFERENCES, COMPARISONS, OBVIOUS = 3, 10, 6  # of the paper's task: 10 comparisons each, of all 30 six are sentinels


class Trial(NamedTuple):
    """One trial of a block: the item to play, and the right answer of a sentinel (None for a pair to judge)."""

    item: Any
    expected: bool | None


class Probe(NamedTuple):
    """A reference with a direction to perturb it in, of any type, and the procedure that chooses the strength."""

    direction: Any
    procedure: Procedure


class Balance(NamedTuple):
    """How many answers are "same" and "different", and the share of "different", 0..1, NaN without answers."""

    same: int
    different: int
    share: float


class Consistency(NamedTuple):
    """Agreement of repeated answers: number of repeated pairs, share of agreeing answers 0..1, kappa up to 1."""

    n: int
    share: float
    kappa: float


def block(
    pairs: Sequence[Any], identical: Sequence[Any], different: Sequence[Any], rng: np.random.Generator
) -> list[Trial]:
    """One block of 30 trials in random order, with sentinels.

    Ours (the paper's is `paper_block`): 20 pairs, 5 identical sentinels and 5 obviously different ones, so that neither
    random clicks nor one constant answer pass.

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


def paper_block(probes: Sequence[Any], sentinels: Sequence[Any], rng: np.random.Generator) -> list[Trial]:
    """The paper's task for a listener (section 3.2): 30 comparisons, 10 for each of three references with a direction.

    Six of the 30 are obviously different sentinels; the paper does not say which. Here they are two of the ten of each
    reference, and the order of all 30 is random.

    Args:
        probes: 3 items to judge 8 times each, for `conduct` `Probe`s: a random reference and direction with a
            `Procedure`.
        sentinels: 6 items with an obvious difference.
        rng: NumPy generator of the order.

    Returns:
        list of 30 `Trial`; `expected` is None for a comparison to judge and True for a sentinel.

    Raises:
        InputError: another number of items.

    Example:
        >>> len(paper_block(["a", "b", "c"], ["loud"] * 6, np.random.default_rng(0)))
        30
    """
    if (len(probes), len(sentinels)) != (REFERENCES, OBVIOUS):
        raise InputError(
            f"the paper's task takes {REFERENCES} probes and {OBVIOUS} sentinels, not {len(probes)} and {len(sentinels)}"
        )
    judged = COMPARISONS - OBVIOUS // REFERENCES
    trials = [Trial(item, None) for item in probes for _ in range(judged)] + [Trial(item, True) for item in sentinels]
    return [trials[i] for i in rng.permutation(len(trials))]


def conduct(trials: Sequence[Trial], ask: Callable[[Any, float | None], bool]) -> list[bool]:
    """Ask a listener the trials of a block, one after the other; a procedure learns each answer before its next strength.

    Args:
        trials: of `paper_block` or `block`.
        ask: (item, strength) -> True for "different", False for "same". Of a `Probe` it gets the direction and the
            strength of its procedure, else the item and None.

    Returns:
        list of bool, the answers in the order of the trials.

    Example:
        >>> from zoo.jnd.directions import Direction
        >>> rng = np.random.default_rng(0)
        >>> probes = [Probe(Direction.draw(rng), Procedure.of_paper()) for _ in range(REFERENCES)]
        >>> trials = paper_block(probes, ["loud.wav"] * OBVIOUS, rng)
        >>> answers = conduct(trials, lambda item, strength: strength is None or strength > 40)
        >>> [round(probe.procedure.threshold.mu) for probe in probes]
        [40, 40, 40]
    """
    answers = []
    for trial in trials:
        if not isinstance(trial.item, Probe):
            answers.append(bool(as_bool(ask(trial.item, None))))
            continue
        direction, procedure = trial.item
        procedure.answer(ask(direction, procedure.next()))
        answers.append(procedure.answers[-1])
    return answers


def passed(trials: Sequence[Trial], answers: Sequence[bool], misses: int = MISSES) -> bool:
    """Whether a listener was attentive: at most `misses` wrong answers to the sentinels of the block.

    The paper discards a listener who misses any of six obvious ones (`misses=0`). One is allowed by default (our choice)
    because even careful listeners answer "different" for a few identical pairs.

    Args:
        trials: the `Trial`s of a block.
        answers: True for "different", False for "same", in the order of the trials.
        misses: sentinels that may be wrong.

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
    return sum(wrong) <= misses


def keep(
    blocks: Sequence[tuple[Sequence[Trial], Sequence[bool]]], misses: int = MISSES
) -> tuple[list[tuple[Any, bool]], int]:
    """The judgments of the blocks that passed; the other blocks are discarded, as in the paper.

    Args:
        blocks: list of (trials, answers), as for `passed`.
        misses: as for `passed`.

    Returns:
        judgments: list of (item, answer), without the sentinels.
        n_discarded: number of discarded blocks.

    Raises:
        InputError: as for `passed`.

    Example:
        >>> keep([([Trial("a", False), Trial("b", None)], [False, True])])
        ([('b', True)], 0)
    """
    attentive = [(trials, answers) for trials, answers in blocks if passed(trials, answers, misses)]
    judgments = [
        (trial.item, bool(answer))
        for trials, answers in attentive
        for trial, answer in zip(trials, answers)
        if trial.expected is None
    ]
    return judgments, len(blocks) - len(attentive)


def agreement(strengths: Sequence[float], answers: Sequence[bool], mu: float) -> float:
    """Share of a listener's answers that agree with their own threshold: "same" below it, "different" above.

    The paper's check of each listener (section 3.2), against the JND fitted to all their answers; its mean is 88.3 %.
    At the threshold itself both answers are expected, so one there counts as half (our choice).

    Args:
        strengths: that were judged along one direction, (n,), in the unit of `mu`.
        answers: True or 1 for "different", False or 0 for "same", (n,).
        mu: the threshold, `zoo.jnd.listening.fit(strengths, answers).mu`.

    Returns:
        float 0..1, higher is better; 0.5 and up for a fitted threshold of sense.

    Raises:
        InputError: unequal lengths, no answer, or one that is neither True nor False.

    Example:
        >>> agreement([10.0, 30.0, 50.0, 70.0], [False, True, False, True], mu=40.0)
        0.5
    """
    strengths, answers = np.asarray(strengths, "float64"), as_bool(answers)
    if strengths.shape != answers.shape or not answers.size:
        raise InputError(f"{strengths.size} strengths and {answers.size} answers: give one answer or more, one each")
    return float(np.mean(0.5 + 0.5 * np.sign(strengths - mu) * np.where(answers, 1.0, -1.0)))


def balance(answers: Sequence[bool]) -> Balance:
    """How many answers are "same" and how many "different": near the threshold about as many of each.

    The paper's check of the procedure (section 3.2): 25,782 and 26,130.

    Args:
        answers: True or 1 for "different", False or 0 for "same", (n,), sentinels left out.

    Returns:
        Balance.

    Raises:
        InputError: an answer that is neither True nor False.

    Example:
        >>> balance([True, False, True, True])
        Balance(same=1, different=3, share=0.75)
    """
    answers = as_bool(answers)
    different = int(answers.sum())
    return Balance(answers.size - different, different, different / answers.size if answers.size else np.nan)


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
