"""Evaluation of distances: answers, the JND, ladders, triplets, shifts and levels."""

import math

import numpy as np
import pytest

from tests.support.harness import RECORDED
from tests.support.jnd import Rms, judged, plain_mean
from zoo.audio import io, mix
from zoo.jnd import evaluate, rendered
from zoo.jnd.effects import SAMPLE_RATE
from zoo.jnd.spectral import SpectralJND

CLIP = io.resample(io.read(RECORDED, 16000)[0], 16000, SAMPLE_RATE)[SAMPLE_RATE : 2 * SAMPLE_RATE]


def climbing(n_files=4, wrong=()):
    """Ladders of a constant clip whose rungs add ever more, except for the axes in `wrong`, which add ever less."""
    rows = np.zeros(rendered.WIDTH)
    for axis, columns in rendered.COLUMNS.items():
        steps = np.arange(1, columns.stop - columns.start + 1)
        rows[columns] = (steps[::-1] if axis in wrong else steps) / 100
    wave = np.tile([1.0, -1.0], 500)
    rungs = np.concatenate([np.zeros((1, 1000)), np.outer(rows, wave)])
    return [np.round(32768 * rungs * (1 + i / 8)).astype("int16") for i in range(n_files)]


@pytest.fixture(scope="module")
def ladder_facts():
    return evaluate.ladders_report(evaluate.measure(Rms(), climbing(wrong=("mp3",))))


# --- ladders and triplets ----------------------------------------------------------------------------------------------


def test_columns_cover_every_rung_once():
    covered = np.concatenate([np.arange(rendered.WIDTH)[columns] for columns in rendered.COLUMNS.values()])
    assert covered.tolist() == list(range(rendered.WIDTH))
    assert rendered.LADDERS["white-snr-db"] == (60, 50, 40, 30, 20, 10, 0)


def test_ladders_know_what_rises(ladder_facts):
    assert list(ladder_facts) == list(rendered.LADDERS)
    for axis, facts in ladder_facts.items():
        assert facts["spearman"] == pytest.approx(-1 if axis == "mp3" else 1) and facts["rises"] == (axis != "mp3")
        assert len(facts["rungs"]) == len(facts["distance"]) and (facts["n"], facts["n_failed"]) == (4, 0)
    mean, low, high = ladder_facts["pops"]["distance"][0]
    assert mean == pytest.approx(0.01 * (1 + 3 / 16), rel=0.01) and low < mean < high
    assert ladder_facts["eq"]["rungs"] == [float(strength) for strength in range(0, 101, 10)]


def test_a_rung_that_stands_still_does_not_rise(monkeypatch):
    monkeypatch.setattr(evaluate, "grouped_mean", plain_mean)
    distances = np.tile(np.arange(rendered.WIDTH, dtype=float), (2, 1))
    columns = rendered.COLUMNS["pops"]
    distances[:, columns.start + 1] = distances[:, columns.start]
    distances[0, columns.start + 5] = math.nan
    report = evaluate.ladders_report(distances)["pops"]
    assert not report["rises"] and 0.95 < report["spearman"] < 1 and report["n_failed"] == 1


def test_triplets_are_of_one_ladder_and_repeat_by_seed():
    triplets = evaluate.draw_triplets(5, 400)
    np.testing.assert_array_equal(triplets, evaluate.draw_triplets(5, 400))
    assert (triplets != evaluate.draw_triplets(5, 400, seed=1)).any()
    ladder_of = {column: axis for axis, ends in rendered.COLUMNS.items() for column in range(ends.start, ends.stop)}
    axes = {ladder_of[mild] for _, mild, _ in triplets}
    assert axes == set(rendered.LADDERS) - {rendered.SNR}
    assert all(ladder_of[mild] == ladder_of[severe] and mild < severe for _, mild, severe in triplets)
    assert set(triplets[:, 0]) == set(range(5))


def test_two_afc_counts_ties_half():
    distances = np.arange(2.0 * rendered.WIDTH).reshape(2, -1)
    triplets = np.array([(0, 0, 1), (0, 1, 2), (1, 2, 3), (1, 4, 5)])
    assert evaluate.two_afc(distances, triplets)["accuracy"] == [1, 1, 1]
    distances[0, 1] = distances[0, 0]  # a tie
    distances[1, 3] = 0.0  # wrong
    distances[1, 5] = math.nan
    share = evaluate.two_afc(distances, triplets)
    assert share["accuracy"][0] == pytest.approx(0.5) and (share["n"], share["n_failed"]) == (3, 1)


def test_only_wanted_rungs_are_measured():
    ladders, triplets = climbing(), np.array([(1, 3, 5), (3, 7, 9)])
    facts, judgments = evaluate.compare(Rms(), judged([0.01, 0.02, 0.05, 0.06], [0, 1, 0, 1]), ladders, triplets)
    assert facts["two_afc"]["accuracy"][0] == 1 and [len(values) for values in judgments] == [4, 4]
    assert 0.01 < facts["jnd_distance"][0] < 0.06
    wanted = np.zeros((4, rendered.WIDTH), bool)
    wanted[1, 3] = True
    measured = evaluate.measure(Rms(), ladders, wanted)
    assert (np.isfinite(measured) == wanted).all()
    assert measured[1, 3] == evaluate.measure(Rms(), ladders)[1, 3]


# --- shifts and levels -------------------------------------------------------------------------------------------------


def test_shifts_move_the_degraded_recording_only():
    clip = np.arange(1000, dtype="float32") / 1000  # rises by 1 / 1000 a sample: the distance is the shift
    measured = evaluate.shifts(Rms(), [clip, clip])
    means = [mean for mean, _, _ in measured["distance"]]
    assert means == pytest.approx([shift / 1000 for shift in evaluate.SHIFTS], rel=1e-3) and measured["n"] == 2


def test_levels_change_by_decibels_and_do_not_clip():
    class Peak(Rms):
        def distance(self, reference, degraded, sample_rate):
            assert np.abs(degraded).max() < 1 and np.abs(reference - reference[0]).max() == 0
            return 20 * np.log10(mix.rms(degraded) / mix.rms(reference))

    measured = evaluate.levels(Peak(), [0.99 * CLIP / np.abs(CLIP).max()])
    assert [mean for mean, _, _ in measured["distance"]] == pytest.approx(list(evaluate.LEVELS), abs=1e-3)


def test_a_network_on_mel_bands_takes_more_offence_at_a_longer_shift():
    measured = evaluate.shifts(SpectralJND(channels=(4, 4)), [CLIP])
    means = [mean for mean, _, _ in measured["distance"]]
    assert 0 < means[0] < means[-1] < np.inf and measured["n_failed"] == 0
