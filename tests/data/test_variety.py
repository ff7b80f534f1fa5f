"""Variety is of its seed, at its level and length, and takes nothing from the generator where it is off."""

import numpy as np
import pytest

from tests.support.audio import voice
from zoo.audio import mix
from zoo.data import variety
from zoo.errors import InputError

SPEECH = {f"talker {i}": [voice(3.0, seed=i)] for i in range(4)}


def rng(seed=0):
    return np.random.default_rng(seed)


def test_kinds_that_are_off_take_nothing_from_the_generator():
    generator = rng()
    chance = variety.Chances((), generator)
    assert not chance("babble", 1.0) and generator.random() == rng().random() and chance.drawn == []


def test_an_example_to_which_a_kind_does_not_come_is_the_same_without_that_kind():
    few, more = (variety.Chances(kinds, rng(7)) for kinds in (("rooms",), ("babble", "rooms")))
    decided = [[chance("babble", 0.5), chance("rooms", 0.5)] for _ in range(40) for chance in (few, more)]
    assert [rooms for _, rooms in decided[::2]] == [rooms for _, rooms in decided[1::2]]
    assert {babble for babble, _ in decided[::2]} == {False} and {babble for babble, _ in decided[1::2]} == {
        False,
        True,
    }


def test_kinds_that_are_on_come_as_often_as_they_should_and_are_remembered_once():
    chance = variety.Chances(("rooms",), rng())
    assert np.mean([chance("rooms", 0.25) for _ in range(2000)]) == pytest.approx(0.25, abs=0.03)
    assert chance.drawn == ["rooms"] and not chance("rooms", 0.0)


def test_unknown_kinds_are_refused():
    with pytest.raises(InputError, match="no variety is called 'bable': use babble, rooms"):
        variety.check(["rooms", "bable"], ("babble", "rooms"))


def test_babble_has_as_many_talkers_as_it_should(monkeypatch):
    counts = set()
    loop_to = mix.loop_to
    for seed in range(60):
        looped = []
        monkeypatch.setattr(mix, "loop_to", lambda *call, looped=looped: looped.append(1) or loop_to(*call))
        babble = variety.draw_babble(SPEECH, 8000, variety.CROWD, rng(seed))
        counts.add(len(looped))
        assert babble.shape == (8000,)
    assert counts == set(range(3, 13))


def test_coloured_noise_is_steady_or_pulses():
    def swing(noise):
        levels = mix.rms(noise[: len(noise) // 400 * 400].reshape(-1, 400))
        return levels.std() / levels.mean()

    swings = [swing(variety.draw_colored(32000, rng(seed))) for seed in range(30)]
    assert min(swings) < 0.1 and max(swings) > 0.3


def test_rooms_are_measured_decaying_or_simulated():
    measured, simulated = [np.array([1.0, 0.5, 0.25])], [np.array([0.0, 1.0, 0.5, 0.25])]
    lengths = [len(variety.draw_room(measured, rng(seed), simulated)) for seed in range(300)]
    assert np.mean(np.equal(lengths, 4)) == pytest.approx(1 / 3, abs=0.08)
    assert np.mean(np.equal(lengths, 3)) == pytest.approx(1 / 3, abs=0.08)
    assert 3 not in {len(variety.draw_room([], rng(seed))) for seed in range(50)}
    wet = variety.draw_room(simulated, rng(0), simulated)
    assert np.argmax(wet) < 2 and simulated[0].tolist() == [0.0, 1.0, 0.5, 0.25]


def test_simulated_rooms_are_for_those_who_name_them_and_the_tests_have_their_own(monkeypatch):
    calls = []
    monkeypatch.setattr(variety, "shoebox_rooms", lambda count, seed, rate: calls.append((seed, rate)) or "rooms")
    assert variety.simulated_rooms(("babble",), "train") == ()
    assert {variety.simulated_rooms(("rooms",), split) for split in ("train", "validation", "test2")} == {"rooms"}
    assert calls == [(0, 16000), (0, 16000), (1, 16000)]


def test_changed_speech_keeps_length_and_level():
    for seed in range(12):
        changed = variety.draw_changed_speech(SPEECH, 16000, (-26, -26), rng(seed))
        assert changed.shape == (16000,) and changed.dtype == np.float32
        assert 20 * np.log10(mix.rms(changed)) == pytest.approx(-26, abs=0.01)
        np.testing.assert_array_equal(changed, variety.draw_changed_speech(SPEECH, 16000, (-26, -26), rng(seed)))


def test_a_blend_has_two_or_three_noises():
    counts = set()
    for seed in range(20):
        drawn = []
        noise = variety.draw_blend(lambda drawn=drawn: drawn.append(1) or voice(seed=len(drawn)), rng(seed))
        counts.add(len(drawn))
        assert mix.rms(noise) == pytest.approx(0.1, rel=1e-5)
    assert counts == {2, 3}
