"""The manifest of a data folder: its rows as text, and what to do where it is missing."""

import pytest

from zoo.data.manifest import read_manifest
from zoo.errors import InputError


def test_rows_are_texts_by_column(tmp_path):
    (tmp_path / "MANIFEST.csv").write_text('path,speaker_or_class\nspeech/1.flac,"f1, f2"\nnoise/rain.flac,rain\n')
    assert read_manifest(tmp_path) == [
        {"path": "speech/1.flac", "speaker_or_class": "f1, f2"},
        {"path": "noise/rain.flac", "speaker_or_class": "rain"},
    ]
    assert read_manifest(str(tmp_path)) == read_manifest(tmp_path)


def test_a_folder_without_a_manifest_is_named(tmp_path):
    with pytest.raises(InputError, match=rf"no MANIFEST.csv in {tmp_path}: give the data folder by --data or ZOO_DATA"):
        read_manifest(tmp_path)
