"""Blocks of judgments: sentinels discard inattentive listeners; consistency by hand and of the paper's listeners."""

import csv
import functools

import numpy as np
import pytest

from tests.support import harness
from zoo.errors import InputError
from zoo.jnd.blocks import Probe, Trial, agreement, balance, block, conduct, consistency, keep, paper_block, passed
from zoo.jnd.listening import Procedure, SimulatedListener

SENTINELS = {"identical": [0.0] * 5, "different": [100.0] * 5}


def run_block(listener, pairs, rng):
    trials = block(pairs, **SENTINELS, rng=rng)
    return trials, [listener.answer(trial.item) for trial in trials]


def test_a_block_has_its_pairs_and_sentinels_in_random_order():
    pairs = list(range(20))
    trials = block(pairs, ["same"] * 5, ["loud"] * 5, np.random.default_rng(0))
    assert len(trials) == 30
    assert sorted(trial.item for trial in trials if trial.expected is None) == pairs
    assert [trial.item for trial in trials if trial.expected is False] == ["same"] * 5
    assert [trial.item for trial in trials if trial.expected is True] == ["loud"] * 5
    assert [trial.item for trial in trials][:20] != pairs
    assert trials == block(pairs, ["same"] * 5, ["loud"] * 5, np.random.default_rng(0))


@pytest.mark.parametrize(("pairs", "identical", "different"), [(19, 5, 5), (20, 4, 6), (30, 0, 0)])
def test_a_block_of_another_size_is_refused(pairs, identical, different):
    with pytest.raises(InputError, match="block"):
        block([0] * pairs, [0] * identical, [0] * different, np.random.default_rng(0))


def test_one_missed_sentinel_passes_and_two_do_not():
    trials = [Trial("a", False), Trial("b", False), Trial("c", True), Trial("d", None)]
    assert passed(trials, [False, False, True, True])
    assert passed(trials, [True, False, True, True])
    assert not passed(trials, [True, False, False, False])
    with pytest.raises(InputError, match="one answer"):
        passed(trials, [True])
    with pytest.raises(InputError, match="answers must be"):
        passed(trials, [False, False, True, None])


# --- the paper's task -------------------------------------------------------------------------------------------


def conduct_task(thresholds, lapse, rng, procedure=Procedure.of_paper):
    """A listener's task, with one simulated listener for each of its directions; sentinels are at 100."""
    listeners = [SimulatedListener(mu, 5.0, lapse, rng) for mu in thresholds]
    probes = [Probe(listener, procedure()) for listener in listeners]
    trials = paper_block(probes, listeners * 2, rng)
    return trials, conduct(trials, lambda listener, strength: listener.answer(100.0 if strength is None else strength))


def test_the_paper_s_task_has_ten_comparisons_of_each_reference_and_six_sentinels():
    trials = paper_block(["a", "b", "c"], ["A", "A", "B", "B", "C", "C"], np.random.default_rng(0))
    assert len(trials) == 30 and sum(trial.expected is True for trial in trials) == 6
    assert all(sum(trial.item.lower() == name for trial in trials) == 10 for name in "abc")
    assert not any(trial.expected is False for trial in trials)
    with pytest.raises(InputError, match="3 probes and 6 sentinels"):
        paper_block(["a", "b"], ["A"] * 6, np.random.default_rng(0))


def test_any_missed_sentinel_discards_the_paper_s_task():
    trials = paper_block(["a", "b", "c"], ["loud"] * 6, np.random.default_rng(0))
    answers = [trial.expected is True for trial in trials]
    assert passed(trials, answers, misses=0) and keep([(trials, answers)], misses=0)[1] == 0
    answers[[trial.expected for trial in trials].index(True)] = False
    assert not passed(trials, answers, misses=0) and passed(trials, answers)
    assert keep([(trials, answers)], misses=0) == ([], 1)


def test_the_paper_s_checks_of_simulated_listeners():
    """Careful listeners: as many "same" as "different", and answers that agree with the thresholds. Clickers: discarded."""
    rng = np.random.default_rng(0)
    # The prior alone lets answers disagree with the threshold: by the likelihood alone the strengths are a bisection.
    at_mu = functools.partial(Procedure, 0.0, 100.0, at_mu=True)
    tasks = [conduct_task(rng.uniform(15, 85, 3), 0.0, rng, at_mu) for _ in range(25)]
    judgments, discarded = keep(tasks, misses=0)
    assert discarded == 0 and len(judgments) == 25 * 24
    assert 0.42 < balance([answer for _, answer in judgments]).share < 0.58
    procedures = {id(probe): probe.procedure for probe, _ in judgments}.values()
    assert len(procedures) == 75 and all(len(procedure.answers) == 8 for procedure in procedures)
    agreements = [agreement(one.strengths, one.answers, one.threshold.mu) for one in procedures]
    assert 0.8 < np.mean(agreements) < 1
    bisected = conduct_task([30.0, 50.0, 70.0], 0.0, rng)[0]
    for one in {id(trial.item): trial.item.procedure for trial in bisected if trial.expected is None}.values():
        assert agreement(one.strengths, one.answers, one.threshold.mu) == 1
    clicked = [conduct_task([50.0] * 3, 1.0, rng) for _ in range(40)]
    assert keep(clicked, misses=0)[1] >= 36


def test_agreement_and_balance_by_hand():
    assert agreement([10, 20, 60, 70], [0, 1, 1, 1], mu=50) == 0.75
    assert agreement([50, 60], [0, 1], mu=50) == 0.75
    assert balance([1, 0, 0]) == (2, 1, 1 / 3)
    assert np.isnan(balance([]).share)
    for strengths, answers in (([1, 2], [1]), ([], []), ([1], [None])):
        with pytest.raises(InputError):
            agreement(strengths, answers, 1.0)


# --- blocks of ours -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("lapse", "fewest", "most"), [(1.0, 0.95, 1.0), (0.02, 0.0, 0.05)])
def test_random_clicking_is_discarded_and_care_is_kept(lapse, fewest, most):
    rng = np.random.default_rng(0)
    blocks = []
    for mu in rng.uniform(20, 80, 400):
        blocks.append(run_block(SimulatedListener(mu, 8.0, lapse, rng), rng.uniform(0, 100, 20), rng))
    judgments, n_discarded = keep(blocks)
    assert fewest <= n_discarded / 400 <= most
    assert len(judgments) == 20 * (400 - n_discarded)


@pytest.mark.parametrize("answer", [False, True])
def test_one_constant_answer_never_passes(answer):
    trials = block([0] * 20, **SENTINELS, rng=np.random.default_rng(0))
    assert not passed(trials, [answer] * 30)


def test_keep_returns_the_judgments_of_whole_blocks():
    good = ([Trial("a", None), Trial("s", False), Trial("b", None)], [True, False, False])
    bad = ([Trial("c", None), Trial("s", False), Trial("t", False)], [True, True, True])
    assert keep([good, bad]) == ([("a", True), ("b", False)], 1)


def test_two_procedures_fill_a_block():
    rng = np.random.default_rng(0)
    procedures = {30.0: Procedure(0.0, 100.0, rng), 70.0: Procedure(0.0, 100.0, rng)}
    for trial in block(list(procedures) * 10, **SENTINELS, rng=rng):
        if trial.expected is None:
            procedure, listener = procedures[trial.item], SimulatedListener(trial.item, 4.0, 0.0, rng)
            procedure.answer(listener.answer(procedure.next()))
    for mu, procedure in procedures.items():
        assert len(procedure.answers) == 10
        assert procedure.threshold.mu == pytest.approx(mu, abs=8)


# --- consistency ------------------------------------------------------------------------------------------------


def test_consistency_by_hand():
    # Four pairs judged twice, one of them differently; 3 of 8 answers are "different": chance 34 / 64.
    agreement = consistency(list("aabbccdde"), [1, 1, 0, 0, 1, 0, 0, 0, 1])
    assert agreement == pytest.approx((4, 3 / 4, (3 / 4 - 34 / 64) / (1 - 34 / 64)))
    # Of three answers one couple in three agrees, of two none; 3 of 5 answers are "different": chance 13 / 25.
    agreement = consistency(list("aaabb"), [1, 1, 0, 1, 0])
    assert agreement == pytest.approx((2, 1 / 6, (1 / 6 - 13 / 25) / (1 - 13 / 25)))


def test_consistency_of_chance_and_of_nothing():
    rng = np.random.default_rng(0)
    pairs = list(range(5000)) * 2
    assert consistency(pairs, rng.random(10000) < 0.8).kappa == pytest.approx(0, abs=0.04)
    assert consistency(["a", "b"], [1, 0]) == pytest.approx((0, np.nan, np.nan), nan_ok=True)
    assert consistency(["a", "a"], [1, 1]) == pytest.approx((1, 1.0, np.nan), nan_ok=True)
    with pytest.raises(InputError, match="one answer"):
        consistency(["a"], [1, 0])


def test_a_careful_listener_is_more_consistent_than_a_careless_one():
    kappas = []
    for lapse in (0.0, 0.3, 0.9):
        rng = np.random.default_rng(0)
        listener, strengths = SimulatedListener(50.0, 8.0, lapse, rng), list(rng.uniform(0, 100, 1000)) * 2
        kappas.append(consistency(strengths, [listener.answer(strength) for strength in strengths]).kappa)
    assert kappas[0] > kappas[1] + 0.1 > kappas[2] + 0.2


@pytest.mark.parametrize("table", ["combined", "reverb", "linear"])
def test_the_papers_listeners_agree_beyond_chance(table):
    with open(harness.data_path("jnd_judgments", f"{table}.tsv"), newline="") as file:
        rows = [row[:3] for row in csv.reader(file, delimiter="\t")]
    agreement = consistency([tuple(row[:2]) for row in rows], [int(row[2]) for row in rows])
    assert agreement.n > 100
    assert agreement.kappa > 0.2
