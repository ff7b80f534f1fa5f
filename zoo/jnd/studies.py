"""Answers of a listening study: triplets of a reference, a degraded recording and an answer, with their audio.

`zoo listen results` writes them, and any study of this form can be read. Unlike the published tables
(`zoo.jnd.judgments`), the judged audio itself is there, so nothing is rendered.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.audio import io, pairs
from zoo.errors import InputError
from zoo.jnd.batches import Judged
from zoo.jnd.effects import SAMPLE_RATE
from zoo.jnd.examples import SAMPLES
from zoo.jnd.rendered import CHUNK

SPLITS = ("train", "validation", "test")
_COLUMNS = ("reference", "degraded", "different")


@dataclass(frozen=True)
class Answer:
    """A listener's answer; `table` is the condition, by which results are grouped."""

    table: str
    different: bool


def read_triplets(path: Path | str, split: str) -> Judged:
    """The triplets of a split.

    Args:
        path: CSV with the columns reference and degraded (paths relative to its folder), different (1 or 0), and
            optionally split (train, validation or test; without it all rows are of every split) and condition. Audio of
            any rate is resampled to 22,050 Hz, channels are averaged; it is cut to 2.5 s or ends in silence.
        split: whose rows are taken.

    Returns:
        `zoo.jnd.batches.Judged`, in the order of the rows.

    Raises:
        InputError: the table or a recording cannot be read, an answer is neither 1 nor 0, a split is unknown, or no row
            is of this one.

    Example:
        >>> judged = read_triplets("report/triplets/triplets.csv", "train")  # needs a study  # doctest: +SKIP
    """
    path = Path(path)
    rows = [row for row in pairs.read_table(path, _COLUMNS) if _check(path, row) in (split, "")]
    if not rows:
        raise InputError(f"{path}: has no answer of the split {split}; set it in the column split")
    audio = _Audio(path.parent)
    recordings = np.stack([[audio.read(row["reference"]), audio.read(row["degraded"])] for row in rows])
    answers = [Answer(row.get("condition") or "study", row["different"] == "1") for row in rows]
    return Judged(answers, [[recordings[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]])


def is_study(path: str | Path | None) -> bool:
    """Whether judgments are the triplets of a study, a CSV, rather than the folder of the published tables.

    Example:
        >>> is_study("report/triplets/triplets.csv"), is_study("jnd_judgments")
        (True, False)
    """
    return path is not None and Path(path).suffix.lower() == ".csv"


class _Audio:
    """Recordings of a folder as int16, each read once: a reference is judged many times."""

    def __init__(self, folder):
        self.folder, self.known = folder, {}

    def read(self, name):
        if name not in self.known:
            audio, _ = io.read(self.folder / name, SAMPLE_RATE, resample=True, downmix=True)
            audio = np.pad(audio[:SAMPLES], (0, max(SAMPLES - len(audio), 0)))
            self.known[name] = np.round(32767 * np.clip(audio, -1, 1)).astype("int16")
        return self.known[name]


def _check(path, row):
    """The split of a row, after its cells were checked."""
    if row["different"] not in ("0", "1"):
        raise InputError(f"{path}: different is {row['different']!r}; give 1 for a difference, 0 for none")
    split = row.get("split") or ""
    if split not in (*SPLITS, ""):
        raise InputError(f"{path}: there is no split {split!r}; use {', '.join(SPLITS)}")
    return split
