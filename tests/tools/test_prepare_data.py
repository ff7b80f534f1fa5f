"""The tool that makes the data folder: its errors in one line, and the tables of docs/data.md."""

import sys

import pytest

from tests.support.harness import REPOSITORY
from tools import prepare_data
from zoo.data import inventory
from zoo.data.manifest import recordings
from zoo.errors import InputError


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["prepare_data.py", *map(str, arguments)])
    return prepare_data.main()


def test_the_tables_of_the_page_are_not_stale(monkeypatch, capsys):
    run(monkeypatch, "--table")
    tables = capsys.readouterr().out.strip()
    assert inventory.kinds_table(recordings()) in tables
    assert tables in (REPOSITORY / "docs" / "data.md").read_text(), (
        "write `python tools/prepare_data.py --table` into it"
    )


def test_missing_sources_give_status_1(tmp_path, monkeypatch, capsys):
    (tmp_path / "clones").mkdir()
    assert run(monkeypatch, tmp_path / "data", "--only", "rir", "--repositories", tmp_path / "clones") == 1
    output = capsys.readouterr().out
    assert "rerdavies/ToobAmp: is not in" in output
    assert f"rir        {len(recordings('rir')):5} missing" in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["data", "--only", "songs"], "no kind of recordings 'songs': use speech"),
        (["data", "--manifest", "99"], "no version 99"),
        (["data", "--repositories", "nowhere"], "nowhere: is no folder of repositories"),
        ([], "name the folder"),
    ],
)
def test_errors_say_what_to_give(monkeypatch, tmp_path, arguments, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=words):
        run(monkeypatch, *arguments)


def test_measures_of_a_folder(monkeypatch, capsys):
    assert run(monkeypatch, "--inspect", REPOSITORY / "zoo" / "data" / "audio") == 0
    assert "speech_reference.flac" in capsys.readouterr().out
