"""Tables of results: as text to print, as Markdown, and as CSV files."""

import csv
import math
import os
from collections.abc import Iterable, Sequence
from typing import Any

from zoo.base import files


def printable(path: str | os.PathLike) -> str:
    """A path to print or put into JSON: bytes that are no UTF-8 become U+FFFD.

    Example:
        >>> printable("rain.wav")
        'rain.wav'
    """
    # Not by the file system's encoding, which need not be UTF-8 nor have the letters of a CSV.
    return os.fsdecode(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def number(score: float) -> str:
    """A score to print: three decimals, "-" for NaN.

    Example:
        >>> number(2.71828), number(math.nan)
        ('2.718', '-')
    """
    return "-" if math.isnan(score) else f"{score:.3f}"


def interval(triple: Sequence[float], format_spec: str = ".3f") -> str:
    """A mean with its interval to print: "-" where there is no mean, the mean alone where there is no interval.

    Args:
        triple: (mean, low, high), NaN where there is none.
        format_spec: of each number, as for the built-in `format`.

    Example:
        >>> interval((2.5, 2.25, 2.75), ".2f"), interval((2.5, math.nan, math.nan))
        ('2.50 [2.25, 2.75]', '2.500')
    """
    mean, low, high = (format(value, format_spec) for value in triple)
    if mean == "nan":
        return "-"
    return mean if low == "nan" else f"{mean} [{low}, {high}]"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows of text as lines in aligned columns, under a header; names of files are made `printable`.

    Example:
        >>> print(table(["name", "score"], [["a.wav", "2.500"]]))
        name   score
        -----  -----
        a.wav  2.500
    """
    rows = [list(map(printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as a table of Markdown, floats with four digits; "" where there are no rows.

    Example:
        >>> print(markdown_table(["Name", "Score"], [["a|b", 0.123456]]))
        | Name | Score |
        | --- | --- |
        | a\\|b | 0.1235 |
    """
    if not rows:
        return ""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(value) for value in line) + " |" for line in lines)


def _cell(value):
    """A value as the text of a cell: no line breaks, and no bar that would end it."""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")


def write_csv(path: str | os.PathLike, rows: Sequence[dict]) -> None:
    """Write rows, dicts of the same keys, as a CSV file that is whole or not there."""

    def write(file):
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)

    files.write_text(path, write)
