"""Files that are written whole or not at all, where they can be written, and what never replaces another's."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.disk import mounted
from zoo.base import files
from zoo.base.files import atomic_write, check_folder, check_output, write_json, write_text
from zoo.errors import InputError

LONGEST = "a" * 246 + ".csv"  # 250 bytes


def test_a_failed_write_leaves_the_old_file(tmp_path):
    old = tmp_path / "scores.csv"
    old.write_text("old")
    with pytest.raises(RuntimeError), atomic_write(old) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert old.read_text() == "old" and list(tmp_path.iterdir()) == [old]


@pytest.mark.parametrize("name", ["scores.csv", LONGEST, "é" * 127, os.fsdecode(b"Bj\xf6rk.csv")])
def test_a_whole_write_replaces_the_old_file(tmp_path, name):
    (tmp_path / name).write_text("old")
    with atomic_write(tmp_path / name) as temporary:
        temporary.write_text("new")
        assert (tmp_path / name).read_text() == "old"
    assert (tmp_path / name).read_text() == "new" and len(list(tmp_path.iterdir())) == 1


def test_temporaries_are_short_hidden_and_never_shared(tmp_path):
    names = {files.beside(tmp_path / LONGEST).name for _ in range(100)}
    assert len(names) == 100 and all(name.startswith(".") and len(name) < 40 for name in names)


def test_what_appeared_meanwhile_is_left_alone(tmp_path):
    path = tmp_path / "vocals.wav"
    with pytest.raises(InputError, match="vocals.wav: appeared meanwhile, and was left alone"):  # noqa: SIM117
        with atomic_write(path, overwrite=False) as first:
            first.write_text("first")
            with atomic_write(path, overwrite=False) as second:
                second.write_text("second")
    assert path.read_text() == "second" and list(tmp_path.iterdir()) == [path]
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(InputError, match="appeared"), atomic_write(tmp_path / "link", overwrite=False) as temporary:
        temporary.write_text("new")
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("none/scores.csv", "its folder does not exist; make it first"),
        (".", "is a folder; name a file in it"),
        ("a" * 256, "cannot be written .File name too long."),
        ("pipe", "is a device or a pipe, which is not replaced"),
    ],
)
def test_what_cannot_be_written_is_refused_before_and_at_writing(tmp_path, name, says):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match=says), atomic_write(tmp_path / name):
        pytest.fail("nothing is to be written")
    with pytest.raises(InputError, match=says):
        check_output(tmp_path / name)
    assert os.listdir(tmp_path) == ["pipe"]


def test_what_can_be_written_leaves_nothing(tmp_path):
    assert check_output(tmp_path / "scores.csv") is None and check_output(tmp_path / LONGEST) is None
    assert check_output(tmp_path / "a" / "b" / "scores.csv", parents=True) is None
    assert check_folder(tmp_path / "a" / "b") is None and check_folder(tmp_path) is None
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    for place in ("file", "file/deep"):
        with pytest.raises(InputError, match="file: is no folder; give another place"):
            check_folder(tmp_path / place)
    with pytest.raises(InputError, match="file: is no folder"):
        check_output(tmp_path / "file" / "deep" / "a.wav", parents=True)


def test_a_disk_that_takes_nothing_is_refused_before_the_work(tmp_path, monkeypatch):
    """A read-only disk refuses to create files, whatever the permissions say."""

    def refuse(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(files.os, "open", refuse)
    for check in (check_output, check_folder):
        with pytest.raises(InputError, match="cannot be written .Read-only file system.; give another place"):
            check(tmp_path / "scores")


@pytest.fixture
def read_only(tmp_path):
    """A folder of a disk that is read-only; mounting one is for root alone."""
    with mounted(tmp_path, "ro,size=64k") as folder:
        yield folder


def test_a_read_only_disk_is_named_with_the_file_before_and_at_writing(read_only):
    says = "scores.csv: cannot be written .Read-only file system.; give another place"
    for check in (check_output, check_folder, lambda path: write_text(path, lambda file: file.write("words"))):
        with pytest.raises(InputError, match=says):
            check(read_only / "scores.csv")
    with pytest.raises(InputError, match=says):
        check_folder(read_only / "new" / "scores.csv")


def test_text_goes_to_a_file_or_to_stdout(tmp_path, capsys):
    write_text(tmp_path / "a.txt", lambda file: file.write("words"))
    write_text("-", lambda file: file.write("words"))
    assert (tmp_path / "a.txt").read_text() == capsys.readouterr().out == "words"
    assert not sys.stdout.closed


def test_names_that_are_no_utf8_are_written_as_they_are(tmp_path):
    write_text(tmp_path / "a.txt", lambda file: file.write("Bj\udcf6rk"))
    assert (tmp_path / "a.txt").read_bytes() == b"Bj\xf6rk"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_json_stays_json_in_any_encoding(tmp_path, monkeypatch, encoding):
    with open(tmp_path / "out", "w", encoding=encoding) as file:
        monkeypatch.setattr(sys, "stdout", file)
        write_json("-", {"name": "é 日"})
    write_json(tmp_path / "a.json", {"name": "é 日"})
    for path in (tmp_path / "out", tmp_path / "a.json"):
        assert json.loads(Path(path).read_text(encoding="utf-8")) == {"name": "é 日"}


@pytest.mark.skipif(sys.platform != "linux", reason="no way to know of other processes")
def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    """A process that runs, one of another machine or container, and what only looks alike, keep theirs."""
    write = "import os, sys; from zoo.base.files import atomic_write\nwith atomic_write(sys.argv[1]) as temporary:\n"
    write += "    temporary.touch(); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", write, tmp_path / "a.csv"], check=False).returncode == -9
    (stale,) = tmp_path.iterdir()
    others = [files.beside(tmp_path / "a.csv"), stale.with_name(f".{'0' * 8}{stale.name[9:]}"), tmp_path / ".my.tmp"]
    for other in others:
        other.touch()
    with atomic_write(tmp_path / "b.csv") as temporary:
        temporary.touch()
    assert set(tmp_path.iterdir()) == {*others, tmp_path / "b.csv"}


def test_where_nobody_knows_of_processes_nothing_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_processes", lambda: "0" * 8)
    stale = tmp_path / f".{'0' * 8}-7fffffff-{'0' * 8}.tmp"
    stale.touch()
    with atomic_write(tmp_path / "a.csv") as temporary:
        temporary.touch()
    assert stale.exists()
