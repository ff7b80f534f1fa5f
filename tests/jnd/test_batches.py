"""Batches of judged pairs, shifts, levels and ladders hold what they say."""

import dataclasses

import numpy as np
import pytest

from tests.support.jnd_training import SAMPLES, TINY, judged, ladders
from zoo.jnd import batches, rendered
from zoo.jnd.batches import Batches, Judged
from zoo.jnd.degradations import Degradation, Graded


def test_a_batch_holds_answers_shifts_levels_and_ladders():
    recipe = dataclasses.replace(TINY, silence=0.0)
    batches = Batches(recipe, judged(), ladders())
    assert len(batches) == 4
    (reference, degraded), targets = batches[0]
    assert reference.shape == degraded.shape == (4 + 1 + 2 + 2, SAMPLES)
    np.testing.assert_array_equal(targets[:, 1:], -1.0)  # no teacher's score is known
    answers, shift, levels, order = np.split(targets[:, 0], [4, 5, 7])
    for answer, x, y in zip(answers, reference, degraded, strict=False):
        assert answer == (not np.array_equal(x, y))
    assert shift == pytest.approx(0.03)
    moves = [abs(m) for m in range(-100, 101) if m and np.array_equal(np.roll(reference[4], m), degraded[4])]
    assert moves
    gains = 20 * np.log10(np.abs(degraded[5:7]).max(axis=1) / np.abs(reference[5:7]).max(axis=1))
    assert ((gains > -12) & (gains < 6)).all()
    assert (np.diff(levels[np.argsort(np.abs(gains))]) >= 0).all()
    np.testing.assert_array_equal(order, -1.0)
    np.testing.assert_array_equal(reference[7], reference[8])
    assert np.abs(degraded[7] - reference[7]).sum() < np.abs(degraded[8] - reference[8]).sum()


def test_silence_and_gain_change_both_recordings_alike():
    recipe = dataclasses.replace(TINY, silence=1.0, gain_db=(-6, -6), shifts=0, levels=0, ladders=0)
    quarter = 4000
    pair = 0.5 * np.ones((2, 3 * quarter))
    moved = batches._augment(pair, 16000, recipe, np.random.default_rng(0))
    np.testing.assert_array_equal(moved[0], moved[1])
    assert moved.max() == pytest.approx(0.5 * 10**-0.3)
    silent = moved[0] == 0
    assert silent.sum() == quarter
    assert silent[:quarter].all() or silent[-quarter:].all()


def graded(teachers, sample_rate, missed):
    """Two clips with four degradations each, 0.1 s long."""
    group = [Degradation(kind, value, None, 0) for kind in ("noise", "mnru") for value in (20, 10)]
    audio = [np.full((2, 5, sample_rate // 10), 1000 * np.arange(1, 6)[None, :, None], "int16")]
    return Graded([group] * 2, audio, np.full((2, 4, len(teachers)), missed), teachers, sample_rate)


def test_speech_and_music_come_at_the_networks_rate_each_with_its_teachers():
    options = {**TINY.options, "sample_rate": 44100}
    recipe = dataclasses.replace(
        TINY, options=options, silence=0.0, ladders=0, graded=1, music=1, n_graded=2, n_music=2
    )
    clips = [np.zeros((16, 2, 2205), "int16")]
    sources = {"graded": graded(("pesq", "visqol"), 22050, 1.5), "graded_music": graded(("visqol-audio",), 44100, 0.5)}
    (reference, degraded), targets = Batches(recipe, Judged(judged().judgments, [clips]), None, **sources)[0]
    assert reference.shape == degraded.shape == (4 + 1 + 2 + 2 * 4, 4410)
    np.testing.assert_allclose(reference[7:, 2000], 1000 / 32768, rtol=1e-3)
    np.testing.assert_allclose(degraded[7:, 2000] * 32768, 1000 * np.array([2, 4, 2, 4, 3, 5, 3, 5]), rtol=1e-3)
    np.testing.assert_array_equal(targets[7:, 0], -1.0)
    speech, music = [1.5, 1.5, -1.0], [-1.0, -1.0, 0.5]
    np.testing.assert_array_equal(targets[7:, 1:], 2 * [speech, speech, music, music])


def test_each_epoch_is_another_order_of_all_and_a_seed_fixes_it():
    batches, again = Batches(TINY, judged(), ladders()), Batches(TINY, judged(), ladders())
    orders = []
    for epoch in range(2):
        batches.shuffle(epoch)
        again.shuffle(epoch)
        assert sorted(batches.order) == list(range(16))
        np.testing.assert_array_equal(batches[1][0][1], again[1][0][1])
        orders.append(list(batches.order))
    assert orders[0] != orders[1]


def test_rendered_chunks_are_found_by_their_number():
    n = rendered.CHUNK + 3
    chunks = [np.zeros((rendered.CHUNK, 2, 4), "int16"), np.full((3, 2, 4), 7, "int16")]
    several = Judged(judged(n).judgments, [chunks])
    assert several.pair(0, rendered.CHUNK + 1)[0, 0] == np.float32(7 / 32768)
    assert several.pair(0, 1)[0, 0] == 0
