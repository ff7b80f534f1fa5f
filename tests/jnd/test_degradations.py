"""Degradations of any sound: drawn by pairs, chained at one loudness, stored."""

import numpy as np
import pytest

from zoo.jnd import degradations
from zoo.jnd.degradations import Degradation

CLIP = (0.2 * np.sin(0.3 * np.arange(22050))).astype("float32")


def gain(audio, kind, value, seed):
    return value * audio


def test_kinds_are_drawn_by_weight_and_only_the_first_come_before_another():
    ladders, kinds, before = {"a": (1, 2, 3), "b": (4, 5), "c": (6, 7)}, [], set()
    for seed in range(200):
        group = degradations.draw_group(np.random.default_rng(seed), ladders, np.array([0.6, 0.3, 0.1]), first=2)
        assert len(group) == 4 and group[0].value < group[1].value and group[2].value < group[3].value
        kinds += [group[0].kind, group[2].kind]
        before |= {degradation.before for degradation in group if degradation.before}
    assert kinds.count("a") > kinds.count("b") > kinds.count("c") > 20
    assert {kind for kind, _ in before} == {"a", "b"} and {value for _, value in before} == {1, 2, 3, 4, 5}


def test_what_comes_before_is_applied_first_with_the_next_seed():
    calls = []

    def process(audio, kind, value, seed):
        calls.append((kind, value, seed, float(np.abs(audio).max())))
        return value * audio

    whole = degradations.apply_by(process, CLIP, Degradation("b", 0.1, ("a", 0.5), seed=7), 22050)
    (first, *_, soft), (second, *_, normalised) = calls
    assert [call[:3] for call in calls] == [("a", 0.5, 8), ("b", 0.1, 7)] and first == "a" and second == "b"
    assert soft == pytest.approx(0.2, rel=1e-3) and normalised == pytest.approx(np.abs(whole).max(), rel=1e-3)


def test_stereo_is_brought_to_one_loudness():
    stereo = np.stack([CLIP, 0.5 * CLIP], axis=1)
    whole = degradations.apply_by(gain, stereo, Degradation("a", 0.1, None, 0), 22050)
    assert whole.shape == stereo.shape and np.std(whole[:, 0]) == pytest.approx(2 * np.std(whole[:, 1]), rel=1e-3)


def render(source, number, groups):
    return np.full((len(groups), 1 + len(groups[0]), 3), number, "int16")


def score(source, folder, place, groups):
    return np.full((len(groups), len(groups[0]), 1), place, "float32")


def test_groups_of_all_items_are_stored_in_order(tmp_path):
    groups = [[Degradation("a", value, None, 0)] for value in range(3)]
    graded = degradations.store(
        render, score, "data", [(5, groups[:2]), (6, groups[2:])], tmp_path, 1, teachers=("x",), sample_rate=8000
    )
    assert graded.degradations == groups and [chunk[0, 0, 0] for chunk in graded.audio] == [5, 6]
    assert graded.missed[:, 0, 0].tolist() == [0, 0, 1]
    assert graded.teachers == ("x",) and graded.sample_rate == 8000
