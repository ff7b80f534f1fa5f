"""Frames of BSS Eval, and sources that are silent in some of them."""

import numpy as np
import pytest

from zoo.metrics import bss_eval


def test_frames_start_every_hop_and_are_whole():
    assert list(bss_eval.frame_starts(10, 4, 3)) == [0, 3, 6]
    assert list(bss_eval.frame_starts(9, 4, 3)) == [0, 3]
    assert list(bss_eval.frame_starts(3, 4, 3)) == [0]


@pytest.mark.parametrize("mode", bss_eval.MODES)
def test_silence_costs_the_silent_source_its_values_only(mode):
    noise = np.random.default_rng(0).standard_normal((2, 2400, 1))
    noise[0, 1200:] = 0
    estimates = noise + 0.1 * np.random.default_rng(1).standard_normal(noise.shape)
    scores = bss_eval.decompose(noise, estimates, range(0, 2400, 1200), 1200, 1200, mode)
    assert scores.shape == (4, 2, 2)
    assert np.isnan(scores[:, 0, 1]).all() and np.isfinite(scores[:, 0, 0]).all()
    sir = bss_eval.SCORES.index("sir")
    assert np.isnan(scores[sir, 1, 1]) and np.isfinite(np.delete(scores[:, 1], sir, axis=0)).all()
    assert scores[0, 1] == pytest.approx(20, abs=2)
