"""What the evaluations of several families need."""

import csv

from zoo.checkpoint.card import with_words  # noqa: F401
from zoo.checkpoint.provenance import repeat_command as again  # noqa: F401
from zoo.files import atomic_write


def write_rows(path, rows):
    with atomic_write(path) as part, open(part, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def figure(triple, shape=".3f"):
    """A figure with its interval to print; "-" where there is none."""
    value, low, high = (format(number, shape) for number in triple)
    return "-" if value == "nan" else value if low == "nan" else f"{value} [{low}, {high}]"
