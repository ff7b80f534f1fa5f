"""Metrics that need no training, as distances: zero for identical input, further with noise, NaN where there is none."""

import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.harness import RECORDED
from zoo.audio import io, mix
from zoo.errors import InputError
from zoo.jnd import baselines
from zoo.jnd.effects import SAMPLE_RATE
from zoo.losses.signal import MultiResolutionSTFT

CLIP = io.resample(io.read(RECORDED, 16000)[0], 16000, SAMPLE_RATE)[SAMPLE_RATE : 2 * SAMPLE_RATE]


def test_baselines_are_zero_for_identical_and_order_noise():
    noise = mix.colored_noise(len(CLIP), 0.0, np.random.default_rng(0))
    at_rates = {rate: io.resample(CLIP, SAMPLE_RATE, rate) for rate in (16000, SAMPLE_RATE)}
    for metric in (baselines.squared_error(), baselines.si_sdr(), baselines.pesq(n_jobs=1)):
        clip = at_rates[metric.sample_rate]
        noisy = [mix.mix_at_snr(clip, noise[: len(clip)], snr_db) for snr_db in (40, 20, 0)]
        distances = metric.distance(np.stack([clip] * 4), np.stack([clip, *noisy]), metric.sample_rate)
        assert distances[0] == pytest.approx(0, abs=1e-3) and (np.diff(distances) > 0).all()
        with pytest.raises(InputError, match="Hz"):
            metric.distance(clip, clip, 8000)
    assert baselines.squared_error().distance(CLIP, CLIP + 0.1, SAMPLE_RATE) == pytest.approx([0.01], rel=1e-4)


def test_a_pair_without_pesq_is_nan():
    clips = np.stack([np.zeros(16000, "float32"), io.resample(CLIP, SAMPLE_RATE, 16000)])
    distances = baselines.pesq(n_jobs=1).distance(clips, clips, 16000)
    assert math.isnan(distances[0]) and distances[1] == pytest.approx(0, abs=1e-3)


def test_a_loss_is_a_baseline():
    metric = baselines.of_loss(MultiResolutionSTFT())
    many = np.stack([CLIP[:4000]] * 17)
    many[16] = 0
    distances = metric.distance(np.stack([CLIP[:4000]] * 17), many, SAMPLE_RATE)
    assert distances.shape == (17,) and distances[:16] == pytest.approx(0, abs=1e-3) and distances[16] > 1


def test_an_embedding_is_a_baseline():
    """The mean over frames and dimensions of |difference|, of each pair; the embedding is that of who brings it."""

    def embed(waveform):
        assert waveform.dtype == np.float32 and waveform.ndim == 1
        return waveform.reshape(-1, 100)[:, :8]

    metric = baselines.of_embedding(embed, 48000)
    reference, degraded = np.random.default_rng(0).normal(size=(2, 3, 400))
    expected = np.abs(reference - degraded).reshape(3, 4, 100)[:, :, :8].mean(axis=(1, 2))
    np.testing.assert_allclose(metric.distance(reference, degraded, 48000), expected, rtol=1e-5)
    assert metric.distance(reference, reference, 48000).tolist() == [0.0] * 3
    with pytest.raises(InputError, match="48000"):
        metric.distance(reference, degraded, 16000)


def test_visqol_is_5_minus_the_package_s_score(monkeypatch):
    calls = []

    class VisqolApi:
        def create(self, **options):
            calls.append(options)

        def measure_from_arrays(self, reference, degraded, rate):
            assert reference.dtype == np.float64 and rate == 16000
            return SimpleNamespace(moslqo=5 - 10 * np.mean(np.abs(reference - degraded)))

    monkeypatch.setitem(sys.modules, "visqol", SimpleNamespace(VisqolApi=VisqolApi))
    metric = baselines.visqol()
    reference = np.full((3, 400), 0.5)
    reference[2] = 0
    distances = metric.distance(reference, reference + [[0.0], [0.1], [0.1]], 16000)
    assert distances[:2] == pytest.approx([0, 1]) and math.isnan(distances[2])
    assert calls == [{"mode": "speech", "use_lattice_model": False}]
    monkeypatch.setitem(sys.modules, "visqol", None)
    with pytest.raises(InputError, match="audio-zoo"):
        baselines.visqol()
