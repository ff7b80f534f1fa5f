"""Stems of each kind of track: the high-pass, singers of each split, shifted vocals."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.support.music import frequency, sine
from zoo.separation import render, sampler, stems
from zoo.separation.tracks import SAMPLE_RATE

pytest.importorskip("mido")
shifting = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")


def test_high_pass_takes_the_low_synth_away():
    low, high = sine(40), sine(88)
    passed = stems.high_pass(np.stack([low + high, high], axis=1))
    inner = slice(4410, -4410)
    np.testing.assert_allclose(passed[inner, 0], high[inner], atol=0.02)
    np.testing.assert_allclose(passed[inner, 1], high[inner], atol=0.01)


def test_test_songs_have_voices_of_their_own(recipe):
    read = []
    jobs = {job.name: job for job in render.plan(recipe)}
    original = sampler.read_samples

    def spy(paths, octaves=0):
        read.extend(path.stem for path in paths)
        return original(paths, octaves)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampler, "read_samples", spy)
        for name in ("00", "01", "02", "11"):
            stems.MAKERS["render"](jobs[name], recipe, np.random.default_rng(0))
        assert {name[:-3] for name in read} <= set(stems.SINGERS) and len(read) == 4
        stems.MAKERS["render"](jobs["05"], recipe, np.random.default_rng(0))
        assert len(read) == 4  # vocadito
        for number, singer in ((1, stems.HELD_BACK[1]), (2, stems.HELD_BACK[0])):
            stems.MAKERS["render"](replace(jobs["05"], number=number), recipe, np.random.default_rng(0))
            assert read[-1] == f"{singer}_A3"


@shifting
def test_vocals_are_shifted_in_key_and_tempo(recipe):
    vocals = Path(recipe.data) / "music" / "train" / "no bass" / "vocals.ogg"
    job = stems.Job("no bass vocals +2", "train", "vocals", str(vocals), "free", 2)
    shifted = stems.MAKERS["vocals"](job, recipe, np.random.default_rng(3))["vocals"]
    assert 2.7 * SAMPLE_RATE < len(shifted) < 3.4 * SAMPLE_RATE and shifted.shape[1] == 2
    assert frequency(shifted[SAMPLE_RATE : 2 * SAMPLE_RATE, 0]) == pytest.approx(440 * 2 ** (3 / 12), rel=0.005)
