"""Files that are written whole or not at all, and text that may go to stdout."""

import functools
import hashlib
import json
import os
import re
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from zoo.errors import InputError

_TEMPORARY = re.compile(r"\.([0-9a-f]{8})-([0-9a-f]+)-[0-9a-f]{8}\.tmp")


@contextmanager
def atomic_write(path: str | os.PathLike, overwrite: bool = True) -> Iterator[Path]:
    """A temporary path that becomes `path` at the end of the block, or vanishes if the block fails.

    What a process that was killed (SIGKILL, out of memory) left in the folder is removed first: `_remove_stale`.

    Args:
        path: file to write; its folder must exist.
        overwrite: whether a file that is there by the end of the block is replaced rather than left alone.

    Returns:
        context manager of the temporary `Path`, in the same folder.

    Raises:
        InputError: the folder does not exist, `path` cannot be the name of a new file, or a file is there.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic_write(f"{folder}/scores.csv") as temporary:
        ...         _ = temporary.write_text("reference,degraded")
        ...     print([path.name for path in Path(folder).iterdir()])
        ['scores.csv']
    """
    path = Path(path)
    _check_name(path)
    _remove_stale(path.parent.absolute())
    temporary = beside(path)
    try:
        yield temporary
        if not overwrite:
            _claim(path)
        os.replace(temporary, path)
    except OSError as error:
        if error.filename and Path(os.fsdecode(error.filename)) == temporary:  # a name that means nothing to a user
            raise _unwritable(path, error, "place") from error
        raise
    finally:
        _remove(temporary)


def beside(path: Path) -> Path:
    """A hidden name that nothing has, in the folder of a path; short, so that the path's own may be as long as any.

    Example:
        >>> beside(Path("scores.csv")).suffix
        '.tmp'
    """
    return path.with_name(f".{_processes()}-{os.getpid():x}-{secrets.token_hex(4)}.tmp")


@functools.cache
def _processes():
    """Eight hexadecimal digits for the processes among which a number tells one: of this machine since its start, in
    this container. Zeros where the system does not say, as outside of Linux.
    """
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            words = f"{os.uname().nodename} {file.read()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return "0" * 8
    return hashlib.sha256(words.encode()).hexdigest()[:8]


@functools.lru_cache(1024)  # once a folder and process: a batch writes thousands of files into one
def _remove_stale(folder):
    """Remove temporary files whose process is no more; those of other machines and containers stay, as nobody knows."""
    if _processes() == "0" * 8:
        return
    with suppress(OSError):  # of a folder that can be written to and not read
        matches = filter(None, map(_TEMPORARY.fullmatch, os.listdir(folder)))
        for match in matches:
            if match[1] == _processes() and not _runs(int(match[2], 16)):
                _remove(folder / match[0])


def _runs(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):  # another user's, or no number of a process
        pass
    return True


def _remove(temporary):
    """Remove a temporary file; on a read-only disk, where there is none, that would hide the error that matters."""
    with suppress(OSError):
        temporary.unlink()


def _unwritable(path, error, other):
    return InputError(f"{path}: cannot be written ({error.strerror}); give another {other}")


def _claim(path):
    """Create an empty file, for which only one of several processes succeeds."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        raise InputError(f"{path}: appeared meanwhile, and was left alone; give another name") from None


def _check_name(path):
    """Refuse a name that no file can get, or that is no file's."""
    if not path.parent.is_dir():
        raise InputError(f"{path}: its folder does not exist; make it first")
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:  # as it should, or a link to nothing, which is replaced
        return
    except OSError as error:
        raise _unwritable(path, error, "name") from None
    if stat.S_ISDIR(mode):
        raise InputError(f"{path}: is a folder; name a file in it")
    if not stat.S_ISREG(mode):
        raise InputError(f"{path}: is a device or a pipe, which is not replaced; name a file")


def check_output(path: str | os.PathLike, parents: bool = False) -> None:
    """Refuse a file that cannot be written, before the work is done; nothing is left behind.

    Args:
        path: file to write.
        parents: whether its folder may be missing, since it will be made.

    Raises:
        InputError: its folder does not exist or cannot be written to, or the name is a folder's or too long.

    Example:
        >>> check_output("scores.csv")
    """
    path = Path(path).absolute()
    if parents and not path.parent.exists():
        check_folder(path.parent)
        return
    _check_name(path)
    _check_creates(path.parent, path)


def check_folder(path: str | os.PathLike) -> None:
    """Refuse a folder that cannot be written to, or that cannot be made with those above it; nothing is left behind.

    Raises:
        InputError: a file has its name or that of a folder above it, or the file system refuses.

    Example:
        >>> check_folder("scores/of/today")
    """
    path = Path(path).absolute()
    existing = next(folder for folder in (path, *path.parents) if os.path.lexists(folder))
    if not existing.is_dir():
        raise InputError(f"{existing}: is no folder; give another place")
    _check_creates(existing, path)


def _check_creates(folder, path):
    """Try to create a file in a folder, for the sake of `path`: permissions and read-only disks have no other test."""
    temporary = beside(folder / "any")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except OSError as error:
        raise _unwritable(path, error, "place") from None
    finally:
        _remove(temporary)


def write_text(output: str | os.PathLike, write: Callable) -> None:
    """Write a text file whole or not at all, or to stdout where `output` is "-".

    Names of files in it may be no UTF-8: they are written as the bytes that they are.

    Args:
        output: path, or "-".
        write: function of the open file.

    Example:
        >>> write_text("-", lambda file: print("reference,degraded", file=file))
        reference,degraded
    """
    if output == "-":
        write(sys.stdout)
        return
    with (
        atomic_write(output) as temporary,
        open(temporary, "w", newline="", encoding="utf-8", errors="surrogateescape") as file,
    ):
        write(file)


def write_json(output: str | os.PathLike, content: Any) -> None:
    """Write JSON as `write_text` does; to a stdout that is no UTF-8 with escapes, since it must stay JSON.

    Args:
        output: path, or "-".
        content: without NaN.

    Example:
        >>> write_json("-", {"name": "Björk"})
        {
          "name": "Björk"
        }
    """
    ascii_only = output == "-" and (getattr(sys.stdout, "encoding", None) or "utf-8").lower() not in ("utf-8", "utf8")
    text = json.dumps(content, indent=2, ensure_ascii=ascii_only)
    write_text(output, lambda file: print(text, file=file))
