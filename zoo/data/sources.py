"""Files of public git repositories: from clones that are there, or from the network, only what is needed."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from zoo.errors import InputError

GITHUB = "https://github.com"
_LFS = b"version https://git-lfs"
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none")


def check_git() -> None:
    """Refuse to start without the program git.

    Raises:
        InputError: git is not installed.

    Example:
        >>> check_git()
    """
    if not shutil.which("git"):
        raise InputError("the program git is missing: install it, and run this again")


class Repository:
    """A git directory to read files from.

    Args:
        git_dir: bare repository, or the `.git` of a clone; no work tree is needed.

    Example:
        >>> Repository(Path("repo/.git")).read("1" * 40, "a.wav", "2" * 40) is None
        True
    """

    def __init__(self, git_dir: Path):
        self.git_dir = git_dir

    def read(self, commit: str, path: str, blob: str) -> bytes | None:
        """Content of a file.

        Args:
            commit, path: where the file lies. In a repository without that commit, other versions of the path do,
                newest first.
            blob: git's name of the content, by which it is looked up first.

        Returns:
            bytes; None where no version is there.

        Raises:
            InputError: the file is a pointer to Git LFS.

        Example:
            >>> Repository(Path("repo/.git")).read("1" * 40, "a.wav", "2" * 40) is None
            True
        """
        content = self._content(blob, f"{commit}:{path}", f"HEAD:{path}")
        if content is None:
            versions = self.git("log", "--all", "--format=%H", "--", f":(literal){path}").stdout.decode().split()
            content = self._content(*(f"{version}:{path}" for version in versions))
        if content is not None and content.startswith(_LFS):
            raise InputError(f"{path}: lies in Git LFS; clone the repository with git-lfs and check it out")
        return content

    def _content(self, *names):
        """The first of several objects that is there."""
        for name in filter(None, names):
            result = self.git("cat-file", "blob", name)
            if not result.returncode:
                return result.stdout
        return None

    def git(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess:
        """Run git on the directory; it asks for no password.

        Args:
            arguments: of git.
            text: to its standard input.

        Returns:
            `subprocess.CompletedProcess`, with bytes.

        Example:
            >>> Repository(Path("repo/.git")).git("rev-parse", "HEAD").returncode != 0
            True
        """
        environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
        return subprocess.run(
            ["git", f"--git-dir={self.git_dir}", *arguments],
            input=text.encode(),
            capture_output=True,
            check=False,
            env=environment,
        )


def find(repositories: Path | str, name: str) -> Repository | None:
    """A repository in a folder of clones.

    Args:
        repositories: folder of OWNER+NAME/repo, OWNER+NAME, OWNER/NAME, NAME or NAME.git, each a clone, a bare
            repository, or a folder of one of these.
        name: OWNER/NAME.

    Returns:
        `Repository`; None where there is none.

    Example:
        >>> find("clones", "MTG/sms-tools") is None
        True
    """
    owner_and_name, short = name.replace("/", "+"), name.split("/")[-1]
    for folder in (f"{owner_and_name}/repo", owner_and_name, name, f"{name}.git", short, f"{short}.git"):
        for git_dir in (Path(repositories, folder, ".git"), Path(repositories, folder)):
            if (git_dir / "objects").is_dir() and (git_dir / "HEAD").is_file():
                return Repository(git_dir)
    return None


def clone(name: str, folder: Path, commits: Iterable[str], blobs: Iterable[str], base: str = GITHUB) -> Repository:
    """A bare repository with a few files only: the trees of the commits, and the blobs that are named.

    Args:
        name: OWNER/NAME.
        folder: to make it in; what an interrupted run left there is completed.
        commits: that have the files. Where the host has one no longer, its newest commit is taken.
        blobs: git's names of their contents.
        base: address of the host.

    Returns:
        `Repository`. What is missing in it is fetched when it is read.

    Raises:
        InputError: the repository is not to be had.

    Example:
        >>> clone("MTG/sms-tools", Path("clone"), ["329b005"], ["0" * 40])  # needs the network  # doctest: +SKIP
    """
    repository = Repository(folder)
    repository.git("init", "--quiet", "--bare", str(folder))
    settings = {"url": f"{base}/{name}", "promisor": "true", "partialclonefilter": "blob:none"}
    for key, value in settings.items():
        repository.git("config", f"remote.origin.{key}", value)
    for commit in commits:
        fetched = repository.git(*_FETCH, "--depth=1", "origin", commit)
        if fetched.returncode:
            _fetch_newest(repository, name)
    # In one request; blobs that the host lacks make it fail as a whole, and are then looked for one by one.
    repository.git(*_FETCH, "--stdin", "origin", text="".join(f"{blob}\n" for blob in blobs))
    return repository


def _fetch_newest(repository, name):
    fetched = repository.git(*_FETCH, "--depth=1", "origin", "+HEAD:refs/heads/newest")
    if fetched.returncode:
        reason = (fetched.stderr.decode(errors="replace").strip().splitlines() or ["git fails"])[-1]
        raise InputError(f"{name}: is not to be had ({reason.removeprefix('fatal: ')})")
    repository.git("symbolic-ref", "HEAD", "refs/heads/newest")
