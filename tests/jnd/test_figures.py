"""Figures of the JND: small PNG files, and the interval of a share."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from tests.support.jnd import plain_mean
from zoo.jnd import evaluate, figures, rendered


def test_figures_are_small_png(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "grouped_mean", plain_mean)
    ladder_facts = evaluate.ladders_report(np.tile(np.arange(1.0, rendered.WIDTH + 1), (2, 1)))
    figures.ladders(json.loads(json.dumps(ladder_facts)), 0.04, "a metric", tmp_path / "ladders.png")
    figures.ladders(ladder_facts, math.nan, "another", tmp_path / "without.png")
    rng = np.random.default_rng(0)
    probabilities = rng.random(300)
    figures.calibration(rng.random(300) < probabilities, probabilities, "a metric", tmp_path / "calibration.png")
    steps = {"values": [128, 64, 32], "distance": [[0.5, 0.4, 0.6], [1.0, 0.9, 1.1], [3.0, 2.5, 3.5]]}
    figures.music({"opus": steps, "noise": steps}, 0.5, "a metric", tmp_path / "music.png")
    for path in tmp_path.glob("*.png"):
        assert Image.open(path).format == "PNG" and path.stat().st_size < 300_000
    assert len(list(tmp_path.glob("*.png"))) == 4


def test_wilson_interval_stays_in_0_to_1():
    low, high = figures._wilson(np.array([0.0, 0.5, 1.0]), np.array([10.0, 100.0, 10.0]))
    assert low == pytest.approx([0, 0.4038, 0.7225], abs=1e-4) and high == pytest.approx([0.2775, 0.5962, 1], abs=1e-4)
