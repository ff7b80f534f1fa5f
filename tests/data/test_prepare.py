"""The data folder: made from repositories, completed after an interruption, and what it says of what is missing."""

import csv
import shutil
from pathlib import Path

import pytest
import soundfile

from tests.support.repositories import NAME, make_repository, make_rows
from zoo.data import prepare as module
from zoo.data.manifest import read_manifest, version_of
from zoo.data.prepare import prepare
from zoo.data.speech import read_corpus
from zoo.errors import InputError


@pytest.fixture
def host(tmp_path, monkeypatch):
    """(folder of repositories, rows of two recordings), which are the whole manifest."""
    folder = tmp_path / "host"
    commit = make_repository(folder / NAME)
    rows = make_rows(tmp_path, folder / NAME, commit)
    monkeypatch.setattr(module, "recordings", lambda version: rows)
    return folder, rows


def run(data, rows, **options):
    lines = []
    return prepare(data, rows, 1, report=lines.append, **options), lines


def test_files_and_tables_are_made_from_clones(tmp_path, host):
    folder, rows = host
    outcome, lines = run(tmp_path / "data", rows, repositories=folder)
    assert (dict(outcome.counts), outcome.missing, lines) == ({("noise", "equal"): 2}, 0, [])
    table = read_manifest(tmp_path / "data")
    assert [(row["path"], row["speaker_or_class"], row["split"]) for row in table] == [
        ("noise/train/rain/a.flac", "rain", "train"),
        ("noise/train/rain/b.flac", "rain", "train"),
    ]
    assert "Someone: CC0-1.0 (2 files)" in (tmp_path / "data" / "ATTRIBUTIONS.md").read_text()
    assert version_of(tmp_path / "data") == "manifest version 1"


def test_files_are_made_from_the_network_and_clones_removed(tmp_path, host):
    folder, rows = host
    outcome, lines = run(tmp_path / "data", rows, base=f"file://{folder}")
    assert (outcome.missing, lines) == (0, [])
    assert not (tmp_path / "data" / ".repositories").exists()
    shutil.rmtree(tmp_path / "data" / "noise")
    run(tmp_path / "data", rows, base=f"file://{folder}", keep=True)
    assert (tmp_path / "data" / ".repositories" / "someone+sounds" / "objects").is_dir()


def test_whole_files_are_left_alone_and_others_made_again(tmp_path, host):
    folder, rows = host
    first, second = (tmp_path / "data" / row.path for row in rows)
    run(tmp_path / "data", rows, repositories=folder)
    written = first.stat().st_mtime_ns
    second.write_bytes(second.read_bytes()[:500])
    outcome, _ = run(tmp_path / "data", rows, repositories=folder)
    assert outcome.counts["noise", "equal"] == 2
    assert first.stat().st_mtime_ns == written and soundfile.info(second).frames == 4000
    shutil.rmtree(folder)
    folder.mkdir()
    assert run(tmp_path / "data", rows, repositories=folder)[0].missing == 0  # nothing is to be done


def test_an_interruption_leaves_whole_files_only(tmp_path, host, monkeypatch):
    folder, rows = host
    make = module.processing.make

    def interrupted(row, contents, path):
        if row is rows[1]:
            raise KeyboardInterrupt
        make(row, contents, path)

    monkeypatch.setattr(module.processing, "make", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "data", rows, repositories=folder)
    assert [path.name for path in (tmp_path / "data").rglob("*.*")] == ["a.flac"]


def test_what_vanished_is_named_and_the_rest_made(tmp_path, host):
    folder, rows = host
    vanished = [
        type(row)(**{**row.__dict__, "repository": "no/body", "path": f"noise/{i}.flac"}) for i, row in enumerate(rows)
    ]
    lost = type(rows[0])(**{**rows[0].__dict__, "sources": ("c.wav",), "blobs": ("1" * 40,), "path": "noise/c.flac"})
    other = type(rows[0])(**{**rows[0].__dict__, "rms_db": -3.0, "sha256": "1", "path": "noise/d.flac"})
    outcome, lines = run(tmp_path / "data", [*vanished, lost, other, *rows], repositories=folder)
    assert lines == [
        f"no/body: is not in {folder}: 2 files are missing",
        f"noise/c.flac: {NAME} lacks c.wav",
        "noise/d.flac: differs from the manifest, and was removed",
    ]
    assert outcome.missing == 4 and outcome.counts["noise", "equal"] == 2
    assert not (tmp_path / "data/noise/d.flac").exists()


def test_songs_have_a_table_of_their_own(tmp_path, host, monkeypatch):
    folder, rows = host
    song = type(rows[0])(**{**rows[0].__dict__, "kind": "music", "path": "music/train/song/bass.flac", "notes": "one"})
    monkeypatch.setattr(module, "recordings", lambda version: [song])
    run(tmp_path / "data", [song], repositories=folder)
    with open(tmp_path / "data/music/MANIFEST.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["path"], row["licence"], row["seconds"], row["notes"]) == (
        "train/song/bass.flac",
        "CC0-1.0",
        "0.25",
        "one",
    )
    assert read_manifest(tmp_path / "data") == []


def test_recipes_read_what_was_made(tmp_path, host, monkeypatch):
    folder, rows = host
    fields = [
        {"path": "speech/train/ann/1.flac", "kind": "speech", "label": "ann"},
        {"path": "rir/hall.flac", "kind": "rir"},
    ]
    more = [type(rows[0])(**{**rows[0].__dict__, **part}) for part in fields]
    monkeypatch.setattr(module, "recordings", lambda version: [*rows, *more])
    run(tmp_path / "data", [*rows, *more], repositories=folder)
    corpus = read_corpus(tmp_path / "data", "train")
    assert (list(corpus.speech), len(corpus.noise), len(corpus.rooms)) == (["ann"], 2, 1)


def test_bad_folders_are_refused_before_the_work(tmp_path, host):
    _, rows = host
    with pytest.raises(InputError, match="nowhere: is no folder of repositories"):
        run(tmp_path / "data", rows, repositories=tmp_path / "nowhere")
    Path(tmp_path, "file").touch()
    with pytest.raises(InputError, match="file: is no folder"):
        run(tmp_path / "file" / "data", rows)
