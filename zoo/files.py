"""Files that are written whole or not at all."""

import os
import sys
from contextlib import contextmanager
from pathlib import Path

from zoo.errors import InputError


@contextmanager
def atomic_write(path):
    """A temporary path that becomes `path` at the end of the block, or vanishes if the block fails.

    Args:
        path: file to write; its folder must exist.

    Returns:
        context manager of the temporary `Path`, in the same folder.

    Raises:
        InputError: the folder does not exist.

    Example:
        >>> with atomic_write("scores.csv") as temporary:
        ...     temporary.write_text("reference,degraded")
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


def check_output(path):
    """Refuse a file that cannot be written, before the work is done."""
    if not Path(path).absolute().parent.is_dir():
        raise InputError(f"{path}: its folder does not exist; make it first")
    if Path(path).is_dir():
        raise InputError(f"{path}: is a folder; name a file in it")


def write_text(output, write):
    """Call `write(file)` on a text file that is then whole, or on stdout where `output` is "-"."""
    if output == "-":
        return write(sys.stdout)
    with atomic_write(output) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        write(file)
