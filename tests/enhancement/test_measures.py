"""Measures of enhanced recordings: each in its place, with those that are installed."""

import math

import numpy as np
import pytest

from zoo.data.speech import SAMPLE_RATE
from zoo.enhancement import measures
from zoo.metrics import dnsmos

RNG = np.random.default_rng(0)
REFERENCES = [RNG.normal(0, 0.1, n).astype("float32") for n in (9000, 12000, 8000)]
ESTIMATES = [audio + RNG.normal(0, 0.05, len(audio)).astype("float32") for audio in REFERENCES]


class Listener:
    """The mean absolute difference, as a distance."""

    def distance(self, reference, degraded, sample_rate, lengths, resample):
        return np.abs(reference - degraded).sum(axis=1) / lengths


class Free:
    """The mean of what counts, as a score."""

    def score(self, recording, sample_rate, lengths):
        assert sample_rate == SAMPLE_RATE
        return recording.sum(axis=1) / lengths


def test_networks_score_each_recording_in_its_place(monkeypatch):
    monkeypatch.setattr(dnsmos, "available", lambda: False)
    rows = measures.scores(REFERENCES, ESTIMATES, Listener(), Free(), n_jobs=1)
    assert [list(row) for row in rows] == [[*measures.TRUE, "jnd", "free-pesq"]] * 3
    for row, reference, estimate in zip(rows, REFERENCES, ESTIMATES, strict=True):
        assert row["jnd"] == pytest.approx(np.abs(reference - estimate).mean(), rel=1e-4)
        assert row["free-pesq"] == pytest.approx(estimate.mean(), abs=1e-6)


def test_an_estimate_far_above_full_scale_is_heard_at_full_scale(monkeypatch):
    monkeypatch.setattr(dnsmos, "available", lambda: False)
    row = measures.scores(REFERENCES[:1], [1000 * ESTIMATES[0]], Listener(), Free(), n_jobs=1)[0]
    assert row["free-pesq"] == pytest.approx((ESTIMATES[0] / np.abs(ESTIMATES[0]).max()).mean(), abs=1e-6)
    assert row["si-sdr"] == pytest.approx(
        measures.scores(REFERENCES[:1], ESTIMATES[:1], Listener(), n_jobs=1)[0]["si-sdr"]
    )


def test_dnsmos_is_there_where_it_is_installed(monkeypatch):
    monkeypatch.setattr(dnsmos, "available", lambda: True)
    scores = {"ovrl": np.array([3.0]), "sig": np.array([4.0]), "bak": np.array([math.nan])}
    monkeypatch.setattr(dnsmos, "dnsmos", lambda recording, sample_rate: scores)
    row = measures.scores(REFERENCES[:1], ESTIMATES[:1], Listener(), n_jobs=1)[0]
    assert row["dnsmos-ovrl"] == 3 and row["dnsmos-sig"] == 4 and math.isnan(row["dnsmos-bak"])
    assert set(row) == set(measures.METRICS) - {"free-pesq"}


def test_measures_are_in_the_order_of_the_tables():
    assert measures.measured([{"free-pesq": 1.0, "n": 3}, {"stoi": None}]) == ["stoi", "free-pesq"]
    assert measures.measured([]) == []
