"""Files of git repositories: read from any layout of clones, or fetched without the rest of the repository."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.repositories import NAME, commit_all, git, make_repository
from zoo.data import sources
from zoo.errors import InputError


@pytest.fixture
def repository(tmp_path):
    """(folder, commit, blob of a.wav) of a repository."""
    folder = tmp_path / "host" / NAME
    commit = make_repository(folder)
    return folder, commit, git(folder, "rev-parse", "HEAD:a.wav")


@pytest.mark.parametrize(
    "place", ["someone+sounds/repo", "someone+sounds", "someone/sounds", "someone/sounds.git", "sounds", "sounds.git"]
)
@pytest.mark.parametrize("bare", [True, False])
def test_clones_are_found_in_every_layout(tmp_path, repository, place, bare):
    folder, commit, blob = repository
    git(tmp_path, "clone", "-q", *(["--bare"] if bare else []), str(folder), str(tmp_path / "clones" / place))
    content = sources.find(tmp_path / "clones", NAME).read(commit, "a.wav", blob)
    assert content == (folder / "a.wav").read_bytes()
    assert sources.find(tmp_path / "clones", "someone/else") is None


def test_a_file_is_found_by_content_then_by_path_then_in_any_commit(tmp_path, repository):
    folder, commit, blob = repository
    original = (folder / "a.wav").read_bytes()
    (folder / "a.wav").unlink()
    (folder / "b.wav").write_bytes(b"other")
    commit_all(folder)
    clone = sources.find(tmp_path / "host", NAME)
    unknown = "1" * 40
    assert clone.read(unknown, "moved.wav", blob) == original
    assert clone.read(unknown, "b.wav", unknown) == b"other"
    assert clone.read(unknown, "a.wav", "") == original
    assert clone.read(commit, "c.wav", unknown) is None


def test_a_pointer_to_large_files_is_named(repository):
    folder, *_ = repository
    (folder / "song.wav").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n")
    commit = commit_all(folder)
    with pytest.raises(InputError, match="song.wav: lies in Git LFS"):
        sources.Repository(folder / ".git").read(commit, "song.wav", "")


def test_a_clone_has_only_the_files_that_are_named(tmp_path, repository):
    folder, commit, blob = repository
    other = git(folder, "rev-parse", "HEAD:b.wav")
    clone = sources.clone(NAME, tmp_path / "clone", [commit], [blob], f"file://{tmp_path}/host")
    listed = git(clone.git_dir, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    assert blob in listed and other not in listed
    shutil.rmtree(folder)  # what was fetched is there without the host
    assert clone.read(commit, "a.wav", blob)


def test_a_commit_that_vanished_is_replaced_by_the_newest(tmp_path, repository):
    folder, _, _ = repository
    unknown = "1" * 40
    clone = sources.clone(NAME, tmp_path / "clone", [unknown], [unknown], f"file://{tmp_path}/host")
    assert clone.read(unknown, "a.wav", unknown) == (folder / "a.wav").read_bytes()


def test_a_repository_that_vanished_is_named(tmp_path):
    with pytest.raises(InputError, match=r"^someone/sounds: is not to be had \(.+\)$"):
        sources.clone(NAME, tmp_path / "clone", ["1" * 40], [], f"file://{tmp_path}/nowhere")


def test_git_must_be_installed(monkeypatch):
    sources.check_git()
    monkeypatch.setattr(sources.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="the program git is missing"):
        sources.check_git()


def test_git_asks_for_no_password(monkeypatch):
    options = {}
    run = subprocess.run
    monkeypatch.setattr(sources.subprocess, "run", lambda *args, **kwargs: options.update(kwargs) or run(["true"]))
    sources.Repository(Path("nowhere")).git("status")
    assert options["env"]["GIT_TERMINAL_PROMPT"] == "0"
