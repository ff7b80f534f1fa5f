"""Bundled separators: their scores beside the mixture's and ideal masks', and sources that sum to the song."""

import numpy as np
import pytest

import zoo
from examples.demo import separation as demo_separation
from tests.support.checkpoints import load, of_family, swept
from zoo.metrics.separation import mixture_as_estimate, si_sdr

SEPARATORS = of_family("separation")


@pytest.mark.parametrize("name", SEPARATORS)
def test_every_source_is_scored_beside_the_mixture_and_ideal_masks(name):
    card = zoo.info(name)
    actual = card["evaluation"]
    assert set(actual["references"]) == {"mixture", "ideal binary mask", "ideal ratio mask"}
    assert len(actual["results"]) == 3  # a played song, one kept out of training, held-back renders
    for group, sources in actual["results"].items():
        assert set(sources) == set(card["sources"])
        for source, facts in sources.items():
            gain = actual["gains"][group][source]
            assert {"sdr", "isr", "sir", "sar", "si-sdr", "silent"} == set(facts)
            assert gain is None if facts["sdr"]["n"] == 0 else gain > 0, (group, source)


@pytest.mark.parametrize("name", swept(SEPARATORS))
def test_separated_sources_sum_to_the_song_and_are_nearer_than_it(name):
    true, model = demo_separation.song(), load(name)
    mixture = sum(true.values())
    actual = model.separate(mixture, demo_separation.RATE)
    np.testing.assert_allclose(sum(actual.values()), mixture, atol=1e-4)
    before, after = si_sdr(true, mixture_as_estimate(true)), si_sdr(true, actual)
    assert all(after[source] > before[source] for source in true)
