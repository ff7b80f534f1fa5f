"""Files that are written whole or not at all."""

import sys

import pytest

from zoo.errors import InputError
from zoo.files import atomic_write, check_output, write_text


def test_a_failed_write_leaves_the_old_file(tmp_path):
    old = tmp_path / "scores.csv"
    old.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(old) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert old.read_text() == "old" and list(tmp_path.iterdir()) == [old]


def test_a_whole_write_replaces_the_old_file(tmp_path):
    (tmp_path / "scores.csv").write_text("old")
    with atomic_write(tmp_path / "scores.csv") as temporary:
        temporary.write_text("new")
        assert (tmp_path / "scores.csv").read_text() == "old"
    assert (tmp_path / "scores.csv").read_text() == "new" and len(list(tmp_path.iterdir())) == 1


def test_what_cannot_be_written_is_refused(tmp_path):
    with (
        pytest.raises(InputError, match="its folder does not exist; make it first"),
        atomic_write(tmp_path / "a" / "b"),
    ):
        pass
    with pytest.raises(InputError, match="its folder does not exist"):
        check_output(tmp_path / "none" / "scores.csv")
    with pytest.raises(InputError, match="is a folder; name a file in it"):
        check_output(tmp_path)
    assert check_output(tmp_path / "scores.csv") is None


def test_text_goes_to_a_file_or_to_stdout(tmp_path, capsys):
    write_text(tmp_path / "a.txt", lambda file: file.write("words"))
    write_text("-", lambda file: file.write("words"))
    assert (tmp_path / "a.txt").read_text() == capsys.readouterr().out == "words"
    assert not sys.stdout.closed
