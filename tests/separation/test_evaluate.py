"""Separators evaluated: systems and their order, groups, frames, gains."""

import functools
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.separation import held_back_songs
from zoo.errors import InputError
from zoo.separation import evaluate
from zoo.separation.tracks import SOURCES, find_tracks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return held_back_songs(tmp_path_factory.mktemp("music"))


@pytest.fixture(scope="module")
def tracks(folder):
    return [track for track in find_tracks(folder, "test") if track.name != "test 0"]


@pytest.fixture
def mono(tracks):
    """The tracks' means over channels: museval solves as many equations as there are channels, cubed."""

    def read(track):
        return {source: audio.mean(axis=1) for source, audio in track.read().items()}

    return [SimpleNamespace(name=track.name, read=functools.partial(read, track)) for track in tracks]


@pytest.mark.slow
def test_the_ideal_masks_are_above_the_floor(mono):
    groups = dict.fromkeys([track.name for track in mono], "all")
    gains = {
        name: evaluate.table(evaluate.score(system, mono, window=1.0, hop=1.0), groups)["all"]
        for name, system in evaluate.SYSTEMS.items()
    }
    assert list(gains) == ["mixture", "ideal binary mask", "ideal ratio mask"]
    for source in SOURCES:
        floor, binary, ratio = (gains[name][source] for name in gains)
        assert min(binary["sdr"]["mean"], ratio["sdr"]["mean"]) > floor["sdr"]["mean"] + 6
        assert ratio["si-sdr"] > floor["si-sdr"] + 6
    silent = gains["ideal ratio mask"]["vocals"]
    assert silent["silent"] == ["silent voice"]
    assert (silent["sdr"]["n"], silent["sdr"]["n_nan_frames"]) == (2, 2)  # of two tracks of two frames


def test_gains_are_differences_of_means():
    results = {"a": {"bass": {"sdr": {"mean": 3.0}}}}
    assert evaluate.gains(results, {"a": {"bass": {"sdr": {"mean": -2.0}}}}) == {"a": {"bass": 5.0}}


def test_gains_by_song_are_medians_over_frames_where_both_have_a_value():
    def of(*sdr):
        return {"bass": {"sdr": np.array(sdr)}}

    scored = {"a": of(1.0, 2.0, 9.0), "b": of(5.0, np.nan, np.nan), "c": of(np.nan)}
    songs, means = evaluate.song_gains(scored, {"a": of(0.0, 1.0, 0.0), "b": of(0.0, 1.0, np.nan), "c": of(1.0)})
    assert songs["a"] == {"bass": 1.0} and songs["b"] == {"bass": 5.0} and np.isnan(songs["c"]["bass"])
    assert means["bass"]["n"] == 2 and means["bass"]["value"] == [3.0, 1.0, 5.0]


def test_the_middle_of_a_track_is_read(tracks):
    whole = tracks[0].read()
    part = evaluate.read(tracks[0], 0.5)
    for source in SOURCES:
        np.testing.assert_array_equal(part[source], whole[source][33075 : 33075 + 22050])
    assert len(evaluate.read(tracks[0], 60.0)["bass"]) == len(whole["bass"])


def test_a_track_needs_a_group():
    with pytest.raises(InputError, match="x is in no group"):
        evaluate.table({"x": {}}, {})


def test_a_gain_is_taken_from_the_estimates_again():
    """A system whose estimates are the mixture itself, which it sees at another level."""
    levels = []

    class Same:
        def separate(self, mixture, sample_rate):
            levels.append(np.abs(mixture).max())
            return {"vocals": mixture}

    estimate = evaluate.separator(Same(), -20.0)({"vocals": np.float32([0.5, -1.0]), "other": np.float32([0.25, 0.0])})
    np.testing.assert_allclose(estimate["vocals"], [0.75, -1.0], rtol=1e-6)
    np.testing.assert_allclose(levels, 0.1, rtol=1e-6)
