"""Pages to hear separators on: which stretches, and what is on them."""

import numpy as np
import pytest

from tests.support.separation import stems, write_song
from zoo.audio import player
from zoo.separation import listen
from zoo.separation.tracks import SAMPLE_RATE, SOURCES, find_tracks


def test_the_stretch_is_where_the_softest_source_is_loudest():
    late = np.zeros((6 * SAMPLE_RATE, 2), "float32")
    late[3 * SAMPLE_RATE : 5 * SAMPLE_RATE] = 0.1
    song = {"vocals": late, "drums": np.ones_like(late), "bass": np.zeros_like(late)}
    part = listen.stretch(song, 2.0)
    assert all(audio.shape == (2 * SAMPLE_RATE, 2) for audio in part.values())
    assert part["vocals"].min() == pytest.approx(0.1) and part["vocals"].base is None
    whole = listen.stretch(song, 10.0)
    np.testing.assert_array_equal(whole["vocals"], late)
    assert not listen.stretch({"bass": np.zeros_like(late)}, 2.0)["bass"].any()


def test_the_page_has_every_source_by_every_system(tmp_path, monkeypatch):
    for i in range(6):
        write_song(tmp_path / f"song {i}", stems(i, 1.0))
    pages = []
    monkeypatch.setattr(player, "page", lambda *arguments: pages.append(arguments) or "html")
    halves = {"mine": lambda references: {source: audio / 2 for source, audio in references.items()}}
    assert listen.page(halves, find_tracks(tmp_path)) == "html"
    _, (words,), (mixture, *groups), marks, rate, _ = pages[0]
    assert [group.heading for group in groups] == ["Vocals", "Drums", "Bass", "Other"] and rate == SAMPLE_RATE
    assert [mark.name for mark in marks] == ["song 0", "song 1", "song 3", "song 5"]  # room for four
    assert [mark.seconds for mark in marks] == [0.0, 1.0, 2.0, 3.0]
    systems = {source: dict(group.recordings) for source, group in zip(SOURCES, groups, strict=True)}
    for source, recordings in systems.items():
        assert list(recordings) == [f"{source}, {name}" for name in ("true", "mine", listen.ORACLE)]
        np.testing.assert_allclose(recordings[f"{source}, mine"], recordings[f"{source}, true"] / 2)
    total = sum(recordings[f"{source}, true"] for source, recordings in systems.items())
    np.testing.assert_allclose(mixture.recordings[0].audio, total, atol=1e-6)
    ideal = sum(recordings[f"{source}, {listen.ORACLE}"] for source, recordings in systems.items())
    np.testing.assert_allclose(ideal, total, atol=1e-4)
    assert "4 songs" in words
