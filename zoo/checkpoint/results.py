"""What the evaluations of several families need."""

import csv
from pathlib import Path

from zoo.files import atomic_write
from zoo.training.run import read_words

CONFIGS = Path(__file__).resolve().parents[2] / "tools" / "configs"


def with_words(about):
    """A card with the words of its recipe's file, where it has one."""
    config = CONFIGS / f"{about['name']}.toml"
    return about | (read_words(config) if config.exists() else {})


def write_rows(path, rows):
    with atomic_write(path) as part, open(part, "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def figure(triple, shape=".3f"):
    """A figure with its interval to print; "-" where there is none."""
    value, low, high = (format(number, shape) for number in triple)
    return "-" if value == "nan" else value if low == "nan" else f"{value} [{low}, {high}]"


def again(command, given, defaults):
    """The command that repeats an evaluation: with the options whose values are not the usual ones."""
    changed = [
        f"--{name.replace('_', '-')} {getattr(given, name)}"
        for name, usual in defaults.items()
        if getattr(given, name) != usual
    ]
    return " ".join([command, *changed])
