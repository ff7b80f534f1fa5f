"""Scores after some iterations, from one run."""

import numpy as np

from tests.support.texture import Loudness, make_networks_small, noise
from zoo.texture import evaluate
from zoo.texture.convergence import scores_by_iteration


def test_scores_come_at_each_count(monkeypatch):
    make_networks_small(monkeypatch)
    judge = evaluate.Judge(Loudness())
    rows = scores_by_iteration(noise(1.2), judge, (1, 3), phase_iterations=2, ensemble=judge.ensemble)
    assert [row["iterations"] for row in rows] == [1, 3]
    assert 0 < rows[0]["seconds"] < rows[1]["seconds"] and rows[1]["loss"] < rows[0]["loss"]
    assert set(rows[0]) == {"iterations", "seconds", "loss", *evaluate.SCORES}
    assert all(np.isfinite(value) for value in rows[1].values())
