"""Effects on stems: drawn by the generator, at the level of the stem, named when they are missing."""

import sys

import numpy as np
import pytest

from zoo.errors import InputError
from zoo.separation import production
from zoo.separation.tracks import SOURCES


@pytest.fixture
def stem():
    return (0.1 * np.random.default_rng(0).standard_normal((22050, 2))).astype("float32")


@pytest.mark.parametrize("source", SOURCES)
def test_a_produced_stem_has_its_level_and_is_drawn_anew(stem, source):
    pytest.importorskip("pedalboard")
    rng = np.random.default_rng(0)
    produced = [production.produce(stem, source, rng) for _ in range(8)]
    for sound in produced:
        assert sound.shape == stem.shape and sound.dtype == np.float32
        assert np.sqrt(np.mean(sound**2)) == pytest.approx(np.sqrt(np.mean(stem**2)), rel=1e-3)
        assert np.abs(sound - stem).max() > 0.01
    assert len({float(sound[5000, 0]) for sound in produced}) == 8
    np.testing.assert_array_equal(production.produce(stem, source, np.random.default_rng(0)), produced[0])


def test_effects_come_at_once(stem):
    """A stem is a truth: what is heard late in it would be another mixture's."""
    pytest.importorskip("pedalboard")
    click = np.zeros((4410, 2), "float32")
    click[2000] = 0.5
    for seed in range(20):
        produced = np.abs(production.produce(click, "drums", np.random.default_rng(seed))).max(axis=1)
        assert produced[:2000].max() < 1e-3 and produced.argmax() in range(2000, 2010), seed


def test_silence_stays_and_a_missing_library_is_named(stem, monkeypatch):
    pytest.importorskip("pedalboard")
    assert not production.produce(0 * stem, "bass", np.random.default_rng(0)).any()
    monkeypatch.setitem(sys.modules, "pedalboard", None)
    with pytest.raises(InputError, match=r'need pedalboard: pip install "audio-zoo\[music\]"'):
        production.require_pedalboard()
