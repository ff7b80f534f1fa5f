"""What the tests of the JND share: a metric that is known, answers, pairs and tables made for the test."""

import csv

import numpy as np

from zoo.audio import mix
from zoo.jnd.batches import Judged
from zoo.jnd.effects import SAMPLE_RATE
from zoo.jnd.judgments import Judgment


def judgment(i, different, table="linear"):
    """A listener's answer on white noise at 20 dB."""
    condition = {"noise": "white", "snr_db": 20.0}
    return Judgment(table, "f7", "1", str(i), {}, condition, "", different)


def write_ratings(folder, rows):
    """A CSV of dicts in `folder`; returns its path."""
    with open(folder / "ratings.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return folder / "ratings.csv"


def plain_mean(values, _):
    """`grouped_mean` without its interval, which is tested elsewhere and takes long for 200 rungs."""
    return np.nanmean(values), np.nan, np.nan


class Rms:
    """The rms of the difference, and a probability that is known."""

    sample_rate = SAMPLE_RATE

    def distance(self, reference, degraded, sample_rate):
        assert sample_rate == self.sample_rate and reference.shape == degraded.shape
        return mix.rms(np.atleast_2d(reference - degraded))

    def judge(self, reference, degraded, sample_rate):
        distances = self.distance(reference, degraded, sample_rate)
        return distances, np.minimum(10 * distances, 1.0)


def judged(distances, different, tables=("linear",)):
    """`Judged` of short pairs whose rms difference is `distances`, in chunks of 3."""
    wave = np.tile([1.0, -1.0], 60)
    pairs = np.stack([np.zeros((len(distances), 120)), np.outer(distances, wave)], axis=1)
    pairs = np.round(32768 * pairs).astype("int16")
    judgments = [judgment(i, bool(answer), tables[i % len(tables)]) for i, answer in enumerate(different)]
    return Judged(judgments, [[pairs[start : start + 3] for start in range(0, len(pairs), 3)]])
