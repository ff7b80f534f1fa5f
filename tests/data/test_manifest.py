"""The manifest of a data folder: its rows as text, and what to do where it is missing."""

import re

import pytest

from zoo.data import manifest
from zoo.data.manifest import read_manifest, recordings, version_of, write_recordings
from zoo.errors import InputError


def test_rows_are_texts_by_column(tmp_path):
    (tmp_path / "MANIFEST.csv").write_text('path,speaker_or_class\nspeech/1.flac,"f1, f2"\nnoise/rain.flac,rain\n')
    assert read_manifest(tmp_path) == [
        {"path": "speech/1.flac", "speaker_or_class": "f1, f2"},
        {"path": "noise/rain.flac", "speaker_or_class": "rain"},
    ]
    assert read_manifest(str(tmp_path)) == read_manifest(tmp_path)


def test_a_folder_without_a_manifest_is_named(tmp_path):
    with pytest.raises(InputError, match=rf"no MANIFEST.csv in {tmp_path}: give .* or ZOO_DATA; .*prepare_data"):
        read_manifest(tmp_path)


def test_packaged_tables_are_consistent():
    rows = recordings()
    paths = [row.path for row in rows]
    assert len(set(paths)) == len(paths)
    assert all(len(row.sources) == len(row.blobs) for row in rows)
    assert all(re.fullmatch("[0-9a-f]{40}", name) for row in rows for name in (row.commit, *row.blobs))
    assert all(re.fullmatch("[0-9a-f]{64}", row.sha256) for row in rows)
    assert all(row.licence and not re.search(r"BY-(NC|ND|SA)|Sampling", row.licence) for row in rows)
    assert all((row.quality > 0) == row.path.endswith(".ogg") for row in rows if row.sample_rate)
    assert all(row.seconds > 0 and row.channels and row.cut for row in rows if row.sample_rate)


def test_rows_that_were_added_are_for_training_or_a_test_of_their_own():
    assert {row.split for row in recordings() if row.version == 2 and row.kind != "music"} == {"train", "test2"}
    assert {row.split for row in recordings() if row.version > 2} == {"train"}


def test_talkers_are_in_one_split():
    splits = {}
    for row in recordings("speech"):
        splits.setdefault(row.label, set()).add(row.split)
    assert all(len(names) == 1 for names in splits.values())


def test_an_older_version_has_no_newer_rows():
    assert {row.version for row in recordings(version=1)} == {1}
    assert [len(recordings("speech", version=version)) for version in (1, 2)] == [775, 1037]


@pytest.mark.parametrize(("kind", "version", "words"), [("songs", 1, "no kind"), (None, 0, "no version 0")])
def test_unknown_kinds_and_versions_are_named(kind, version, words):
    with pytest.raises(InputError, match=words):
        recordings(kind, version)


def test_tables_come_back_as_they_were_written(tmp_path):
    for kind in ("judgments", "rir"):
        write_recordings(tmp_path / "a.csv", recordings(kind))
        assert manifest._read(tmp_path / "a.csv") == recordings(kind)


def test_the_version_of_a_folder(tmp_path):
    assert version_of(tmp_path) == ""
    (tmp_path / "VERSION").write_text("2\n")
    assert version_of(tmp_path) == "manifest version 2"
