"""Rendered music: tracks that are seeded, listed, and written whole or not at all."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from tests.support.music import files_in
from tools import prepare_music
from zoo.errors import InputError, InputWarning
from zoo.separation import render, stems
from zoo.separation.tracks import SAMPLE_RATE, SOURCES, find_tracks

pytest.importorskip("mido")


@pytest.mark.slow
def test_tracks_have_their_splits_stems_and_levels(recipe, tmp_path, monkeypatch):
    monkeypatch.setitem(stems.MAKERS, "vocals", lambda job, recipe, rng: {"vocals": np.full((9000, 2), 0.1)})
    rows = {row["name"]: row for row in render.prepare(recipe, tmp_path / "out", n_jobs=1)}
    with open(tmp_path / "out" / "tracks.csv", newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == list(rows)
    by_split = {
        split: {track.name for track in find_tracks(tmp_path / "out", split, partial=True)}
        for split in ("train", "validation", "test")
    }
    assert by_split["test"] == {"05", "played", render.TEST_SONG} and by_split["validation"] == {"11"}
    assert {"no bass", "no bass vocals +3", "00", "00 bass", "beat2"} < by_split["train"]
    tracks = {track.name: track for track in find_tracks(tmp_path / "out", partial=True)}
    assert tracks["no bass"].sources == ("vocals", "drums", "other") and tracks["beat0"].sources == ("drums",)
    assert tracks["played"].sources == tracks["00"].sources == SOURCES and tracks["00 bass"].sources == ("bass",)
    mixture = sum(tracks["00"].read().values())
    assert np.abs(mixture).max() == pytest.approx(0.9, abs=1e-3) and len(mixture) <= 10 * SAMPLE_RATE
    assert rows["00"]["vocals_seconds"] > 3 and rows["no bass"].get("bass_seconds") is None
    assert stems.level(tracks["00 bass"].read()["bass"]) == pytest.approx(0.1, rel=0.1)
    again = render.prepare(replace(recipe, seed=1), tmp_path / "again", few=1, n_jobs=1)
    assert {(row["kind"], row["split"]) for row in again} == {(row["kind"], row["split"]) for row in rows.values()}
    other = {track.name: track for track in find_tracks(tmp_path / "again", partial=True)}
    assert (other["00"].read()["vocals"] != tracks["00"].read()["vocals"]).any()


@pytest.mark.slow
def test_an_interrupted_run_continues(recipe, tmp_path, monkeypatch, recwarn):
    output, make_drums = tmp_path / "out", stems.MAKERS["drums"]
    monkeypatch.setitem(stems.MAKERS, "vocals", lambda job, recipe, rng: {"vocals": np.full((9000, 2), 0.1)})
    rendered = []

    def interrupted(job, recipe, rng):
        rendered.append(job.name)
        if len(rendered) == 2:
            raise KeyboardInterrupt
        return make_drums(job, recipe, rng)

    monkeypatch.setitem(stems.MAKERS, "drums", interrupted)
    with pytest.raises(KeyboardInterrupt):
        render.prepare(recipe, output, n_jobs=1)
    assert not (output / "tracks.csv").exists() and (output / "train" / f".{rendered[1]}.tmp").is_dir()
    there = {path: path.stat().st_mtime_ns for path in files_in(output) if not path.parent.name.startswith(".")}
    rows = render.prepare(recipe, output, n_jobs=1)
    assert {path: path.stat().st_mtime_ns for path in there} == there and len(rendered) == 4
    assert len(find_tracks(output, partial=True)) == len(rows) and not list(output.rglob(".*"))
    assert render.prepare(recipe, output, n_jobs=1) == rows and len(rendered) == 4
    assert not [warning for warning in recwarn if warning.category is InputWarning]  # of files beside the stems
    render.prepare(replace(recipe, seconds=4.0), output, few=1, n_jobs=1)  # another recipe renders them again
    assert (
        len(rendered) == 4 and json.loads((output / "train" / "00" / "track.json").read_text())["row"]["seconds"] <= 6.5
    )


def test_the_tool_says_what_is_missing(tmp_path, monkeypatch, recipe):
    monkeypatch.setattr("sys.argv", ["prepare_music.py", "--data", str(tmp_path), "--output", str(tmp_path / "out")])
    with pytest.raises(InputError, match=r"no MANIFEST.csv in .*music: give the data folder"):
        prepare_music.main()
