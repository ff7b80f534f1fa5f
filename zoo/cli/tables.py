"""What commands print: tables of scores."""

import math
import os


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
