"""What every bundled Quality-Net keeps beside its weights."""

import numpy as np
import pytest

import zoo
from tests.support.checkpoints import load, of_family, swept
from tests.support.quality_net import known_pair

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


@pytest.mark.parametrize("name", swept(of_family("quality_net")))
def test_level_does_not_count(name):
    """Of either recording, from -30 to +10 dB: PESQ and STOI do not hear it."""
    model, (reference, degraded, _) = load(name), known_pair()
    expected = model.score(*model.of_pair(reference, degraded), RATE, clip=False)[0]
    for gain in 10 ** (np.array([-30, -15, 10]) / 20):
        for pair in ((reference, gain * degraded), (gain * reference, degraded)):
            score = model.score(*model.of_pair(*pair), RATE, clip=False)[0]
            assert score == pytest.approx(expected, abs=0.05)
