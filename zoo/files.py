"""Files that are written whole or not at all, and text that may go to stdout."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.errors import InputError


@contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[Path]:
    """A temporary path that becomes `path` at the end of the block, or vanishes if the block fails.

    Args:
        path: file to write; its folder must exist.

    Returns:
        context manager of the temporary `Path`, in the same folder.

    Raises:
        InputError: the folder does not exist.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with atomic_write(f"{folder}/scores.csv") as temporary:
        ...         _ = temporary.write_text("reference,degraded")
        ...     print([path.name for path in Path(folder).iterdir()])
        ['scores.csv']
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: its folder does not exist; make it first")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_output(path: str | os.PathLike) -> None:
    """Refuse a file that cannot be written, before the work is done.

    Raises:
        InputError: its folder does not exist, or it is a folder itself.

    Example:
        >>> check_output("scores.csv")
    """
    if not Path(path).absolute().parent.is_dir():
        raise InputError(f"{path}: its folder does not exist; make it first")
    if Path(path).is_dir():
        raise InputError(f"{path}: is a folder; name a file in it")


def write_text(output: str | os.PathLike, write: Callable) -> None:
    """Write a text file whole or not at all, or to stdout where `output` is "-".

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
    with atomic_write(output) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        write(file)
