"""What commands print and write: tables of scores, text files."""

import math
import os
import sys
from pathlib import Path

from zoo.errors import InputError


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
    from zoo.audio import io

    with io.replacing(output) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        write(file)


def name(path):
    """A path to print or put into JSON: bytes that are no UTF-8 become U+FFFD."""
    return os.fsencode(path).decode("utf-8", "replace")


def number(score):
    """A score to print: three decimals, "-" for NaN."""
    return "-" if math.isnan(score) else f"{score:.3f}"


def table(header, rows):
    """Rows of strings as lines of text in aligned columns, under a header."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rows = [header, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
