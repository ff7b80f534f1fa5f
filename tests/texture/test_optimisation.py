"""The optimisation ends where its loss no longer falls, and reports first when all is compiled."""

import numpy as np
import pytest

from zoo.texture import optimisation
from zoo.texture.optimisation import Optimisation


class Bowl:
    """sum (x - 1)^2."""

    beta, shifts = 0.0, 4

    def __call__(self, x, allowed=None):
        return float(np.sum((x - 1) ** 2)), {"gram": 0.0}, 2 * (x - 1)


def run(tolerance, progress=lambda *_: None):
    return Optimisation(Bowl(), np.zeros((2, 3), "float32"), 30, progress, tolerance)


def test_the_first_report_comes_before_the_first_iteration():
    calls = []
    one = run(0.0, lambda *now: calls.append(now))
    one.do("lbfgs-b")
    assert [call[:3] for call in calls[:2]] == [("spectrogram", 0, 30), ("spectrogram", 1, 30)]
    assert calls[0][3] == 6 and not one.history["interrupted"]
    np.testing.assert_allclose(one.spectrogram, 1, atol=1e-4)


@pytest.mark.parametrize(("tolerance", "done"), [(0.05, 7), (0.0, 8)])
def test_it_ends_where_the_loss_falls_too_little(monkeypatch, tolerance, done):
    monkeypatch.setattr(optimisation, "WINDOW", 3)
    one = run(tolerance)
    try:
        for loss in (10.0, 8.0, 6.0, 5.0, 4.9, 4.8, 4.8, 4.8):
            one.last = one.spectrogram, loss, {}
            one._advance()
    except StopIteration:
        assert one.no_better
    assert one.done == done
    one.on_host()
    assert (one.done == done) == (tolerance > 0)  # a state that ended goes on only where it is asked to go to the end
