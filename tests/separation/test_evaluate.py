"""Separators evaluated: systems and their order, groups, frames, gains; the command renews the card."""

import csv
import json
import sys

import numpy as np
import pytest

from tests.support.separation import separator, songs, stems, write_song
from tools import evaluate as command
from zoo.checkpoint import preset, registry
from zoo.errors import InputError
from zoo.separation import card, evaluate
from zoo.separation.tracks import SOURCES, find_tracks


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tree whose test songs are one song, one without a voice, and a render."""
    folder = tmp_path_factory.mktemp("music")
    songs(folder, count=1, seconds=0.2)
    made = stems(5, 2.0)
    write_song(folder / "test" / "silent voice", made | {"vocals": 0 * made["vocals"]})
    write_song(folder / "test" / "render", stems(6, 2.0))
    with open(folder / "tracks.csv", "w", newline="") as file:
        csv.writer(file).writerows([["name", "kind"], ["render", "render"], ["silent voice", "song"]])
    return folder


@pytest.fixture(scope="module")
def tracks(folder):
    return [track for track in find_tracks(folder, "test") if track.name != "test 0"]


def test_the_ideal_masks_are_above_the_floor(tracks):
    groups = dict.fromkeys([track.name for track in tracks], "all")
    found = {
        name: evaluate.table(evaluate.score(system, tracks, window=1.0, hop=1.0), groups)["all"]
        for name, system in evaluate.SYSTEMS.items()
    }
    assert list(found) == ["mixture", "ideal binary mask", "ideal ratio mask"]
    for source in SOURCES:
        floor, binary, ratio = (found[name][source] for name in found)
        assert min(binary["sdr"]["mean"], ratio["sdr"]["mean"]) > floor["sdr"]["mean"] + 6
        assert ratio["si-sdr"] > floor["si-sdr"] + 6
    silent = found["ideal ratio mask"]["vocals"]
    assert silent["silent"] == ["silent voice"]
    assert (silent["sdr"]["n"], silent["sdr"]["n_nan_frames"]) == (2, 2)  # of two tracks of two frames


def test_gains_are_differences_of_means():
    results = {"a": {"bass": {"sdr": {"mean": 3.0}}}}
    assert evaluate.gains(results, {"a": {"bass": {"sdr": {"mean": -2.0}}}}) == {"a": {"bass": 5.0}}


def test_the_middle_of_a_track_is_read(tracks):
    whole = tracks[0].read()
    part = evaluate.read(tracks[0], 0.5)
    for source in SOURCES:
        np.testing.assert_array_equal(part[source], whole[source][33075 : 33075 + 22050])
    assert len(evaluate.read(tracks[0], 60.0)["bass"]) == len(whole["bass"])


def test_a_track_needs_a_group():
    with pytest.raises(InputError, match="x is in no group"):
        evaluate.table({"x": {}}, {})


def test_the_command_renews_the_card(folder, tmp_path, monkeypatch, capsys):
    about = {"name": "chandna-4stem-44k", "family": "separation", "sources": list(SOURCES), "latency": 0.2}
    monkeypatch.setattr(registry, "root", lambda: tmp_path)
    monkeypatch.setattr(evaluate, "SYSTEMS", {evaluate.FLOOR: evaluate.SYSTEMS[evaluate.FLOOR]})  # museval is slow
    preset.save(separator(), tmp_path / about["name"], card=about)
    arguments = ["--tracks", str(folder), "--seconds", "1", "--jobs", "1", "--cache", str(tmp_path / "cache")]
    monkeypatch.setattr(sys, "argv", ["evaluate.py", "separation", *arguments])
    command.main()
    printed = capsys.readouterr().out
    found = registry.info(about["name"])["evaluation"]
    again = f"--checkpoint chandna-4stem-44k --tracks {folder} --seconds 1.0"
    assert found["command"] == f"python tools/evaluate.py separation {again}"
    assert set(found["results"]) == {"silent voice", "test 0", "held-back renders with held-back voices"}
    assert found["results"]["silent voice"]["vocals"]["sdr"]["mean"] is None
    assert list(found["references"]) == ["mixture"] and "held-back renders" in printed
    read = {"name": about["name"], "sources": list(SOURCES), "evaluation": json.loads(json.dumps(found))}
    page = card.evaluation(read)
    assert "| mixture | silent voice | vocals | - |" in page


def test_another_set_is_one_group_and_needs_a_separator(tmp_path, monkeypatch, capsys):
    write_song(tmp_path / "music" / "test" / "a", stems(0, 0.3))
    write_song(tmp_path / "music" / "test" / "b", stems(1, 0.3))
    preset.save(separator(), tmp_path / "mine")
    monkeypatch.setattr(evaluate, "SYSTEMS", {evaluate.FLOOR: evaluate.SYSTEMS[evaluate.FLOOR]})
    asked = [
        "evaluate.py",
        "separation",
        "--tracks",
        str(tmp_path / "music"),
        "--jobs",
        "1",
        "--cache",
        str(tmp_path),
        "--checkpoint",
    ]
    monkeypatch.setattr(sys, "argv", [*asked, f"{tmp_path / 'mine'}/"])
    command.main()
    assert "all tracks" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", [*asked, "quality-net-lite-stoi-16k"])
    with pytest.raises(InputError, match="separates nothing"):
        command.main()


def test_the_command_needs_tracks(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["evaluate.py", "separation", "--tracks", str(tmp_path), "--checkpoint", "x/"])
    with pytest.raises(InputError, match="no test tracks"):
        command.main()
