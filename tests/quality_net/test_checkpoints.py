"""What every bundled Quality-Net keeps beside its weights."""

import numpy as np
import pytest

import zoo
from tests.support.checkpoints import load, of_family, swept

RATE = 16000


@pytest.mark.parametrize("name", swept(of_family("quality_net")))
def test_no_score_leaves_the_range_of_the_cards_metric(name):
    """Faint noise and other speech are where predictions went below PESQ's least value."""
    model, (low, high) = load(name), zoo.info(name)["metric"]["range"]
    assert model.value_range == (low, high)
    rng = np.random.default_rng(0)
    speech = rng.normal(size=(4, RATE)) * np.repeat(rng.random((4, 50)), RATE // 50, axis=1) / 10
    degraded = [speech[0], 0.9 * speech[1], rng.normal(size=RATE), 1e-3 * rng.normal(size=RATE)]
    scores = model.score(*model.of_pair(speech, np.stack(degraded)), RATE)
    assert (scores >= low).all() and (scores <= high).all()
