"""Pages to hear enhancers on: which mixtures, and what is on them."""

import re

import numpy as np

from zoo.audio import player
from zoo.enhancement import listen
from zoo.enhancement.examples import Example

RATE = 16000


def mixtures(seconds, count=12, talkers=3, levels=(-6, 6, 18)):
    """Utterances of constants, so that each is known on the page."""
    return [
        Example(f"t{i % talkers}-{i // talkers}", level, np.full(int(seconds * RATE), 0.01 * (i + 1)), np.zeros(1))
        for i in range(count)
        for level in levels
    ]


def noisy(examples):
    return [Example(each.name, each.snr_db, each.reference, each.reference / 2) for each in examples]


def test_the_choice_has_levels_and_talkers_in_turn_and_no_utterance_twice():
    chosen = listen.choose(noisy(mixtures(20)))
    assert len(chosen) == 8 and [each.snr_db for each in chosen] == [-6, 6, 18, -6, 6, 18, -6, 6]
    names = [each.name for each in chosen]
    assert len(set(names)) == 8
    talkers = [name.split("-")[0] for name in names]
    assert all(len(set(talkers[i : i + 3])) == 3 for i in (0, 3))
    assert names == [each.name for each in listen.choose(noisy(mixtures(20)))]


def test_few_and_short_utterances_are_all_there_even_without_levels():
    chosen = listen.choose(noisy(mixtures(1, count=4, levels=(None,))))
    assert len(chosen) == 4


def test_the_page_has_the_systems_at_one_place(monkeypatch):
    pages = []
    monkeypatch.setattr(player, "page", lambda *arguments: pages.append(arguments) or "html")
    systems = {"noisy": lambda recordings: recordings, "mine": lambda recordings: [2 * each for each in recordings]}
    assert listen.page(systems, noisy(mixtures(20)), "these mixtures") == "html"
    _, (words,), (group,), marks, rate, _ = pages[0]
    reference, before, mine = (recording.audio for recording in group.recordings)
    assert [recording.name for recording in group.recordings] == ["clean reference", "noisy", "mine"]
    assert len(reference) == len(before) == len(mine) == 60 * RATE and rate == RATE
    np.testing.assert_allclose(mine, reference)
    np.testing.assert_allclose(before, reference / 2)
    assert [mark.seconds for mark in marks] == [8.0 * i for i in range(8)]
    assert all(re.fullmatch(r"t\d-\d, -?\d+ dB", mark.name) for mark in marks)
    assert words.endswith("8 of these mixtures.")
    changes = np.flatnonzero(np.diff(reference)) + 1
    np.testing.assert_array_equal(changes, [round(mark.seconds * RATE) for mark in marks[1:]])
