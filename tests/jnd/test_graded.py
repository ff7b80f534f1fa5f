"""The evaluation past the threshold counts what it says."""

from types import SimpleNamespace

import numpy as np
import pytest

from zoo.jnd import baselines, graded
from zoo.jnd.degradations import Degradation, Graded


def degradations(kind, other):
    return [Degradation(kind, 1, None, 0), Degradation(kind, 2, None, 0)] + [
        Degradation(other, value, ("mp3", 8.0), 0) for value in (1, 2)
    ]


GROUPS = [degradations("mnru", "opus"), degradations("opus", "holes"), degradations("mnru", "holes")]


def test_order_is_counted_by_kind_and_a_tie_is_half_right():
    distances = np.array([[1, 2, 2, 1], [1, 2, 1, 1], [1, 3, 1, np.nan]], "float64")
    missed = np.full((3, 4, 2), np.nan)
    order = graded.report(distances, Graded(GROUPS, [], missed))["order"]
    values = {kind: (facts["accuracy"][0], facts["n"], facts["n_failed"]) for kind, facts in order.items()}
    assert values == {"all": (0.7, 5, 1), "mnru": (1.0, 2, 0), "opus": (0.5, 2, 0), "holes": (0.5, 1, 1)}


def test_teachers_agree_by_rank_where_they_are_valid():
    distances = np.arange(12.0).reshape(3, 4)
    missed = np.stack([np.exp(distances), -distances], axis=-1)
    missed[0, 0, 1] = np.nan
    teachers = graded.report(distances, Graded(GROUPS, [], missed))["teachers"]
    assert teachers["pesq"]["spearman"][0] == pytest.approx(1.0) and teachers["pesq"]["n"] == 12
    assert teachers["visqol"]["spearman"][0] == pytest.approx(-1.0) and teachers["visqol"]["n"] == 11


def test_distances_are_of_each_degraded_recording_from_its_clip():
    audio = np.arange(5)[None, :, None] * np.full((2, 5, 50), 1000, "int16")
    distances = graded.measure(baselines.squared_error(), Graded(GROUPS[:2], [audio[:1], audio[1:]], None))
    np.testing.assert_allclose(distances, np.square(np.arange(1, 5) * 1000 / 32768)[None].repeat(2, axis=0))


def test_music_is_ordered_over_all_pairs_of_values_and_pieces_are_resampled():
    group = [
        Degradation(kind, value, None, 0)
        for kind, values in (("aac", (9, 5, 1)), ("noise", (20, 10)))
        for value in values
    ]
    distances = np.array([[1, 2, 3, 2, 1], [1, 3, 2, 1, 1], [3, 2, 1, 1, np.nan], [1, 2, 3, 1, 2]], "float64")
    missed = np.where(np.arange(5) < 3, distances, np.nan)[..., None]
    facts = graded.music_report(distances, Graded([group] * 4, [], missed, ("visqol-audio",), 44100))
    values = {kind: (one["accuracy"][0], one["n"], one["n_failed"]) for kind, one in facts["order"].items()}
    assert values == {"codecs": (8 / 12, 12, 0), "aac": (8 / 12, 12, 0), "noise": (0.5, 3, 1)}
    assert facts["ladders"]["aac"]["values"] == [9, 5, 1]
    assert [mean for mean, _, _ in facts["ladders"]["aac"]["distance"]] == [1.5, 2.25, 2.25]
    assert facts["teachers"]["visqol-audio"] == {"spearman": [pytest.approx(1.0)] * 3, "n": 12}


def test_inaudible_changes_are_what_their_names_say():
    clip = np.random.default_rng(0).standard_normal(9000).astype("float32")
    pairs = []

    def distance(reference, degraded, sample_rate):
        pairs.append((reference, degraded))
        return np.arange(len(degraded), dtype=float)

    facts = graded.inaudible(SimpleNamespace(sample_rate=22050, distance=distance), [clip])
    assert facts["change"][:4] == ["1 ms late", "5 ms late", "20 ms late", "45 ms late"]
    assert facts["change"][4:] == ["2 ms dispersed", "0.1% faster", "other polarity"]
    assert [mean for mean, _, _ in facts["distance"]] == list(range(7))
    reference, changed = pairs[0]
    np.testing.assert_array_equal(reference[0], clip[992:-992])
    for i, samples in enumerate((22, 110, 441, 992)):
        np.testing.assert_array_equal(changed[i], clip[992 - samples : len(clip) - 992 - samples])
    np.testing.assert_array_equal(changed[6], -reference[0])
