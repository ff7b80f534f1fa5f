"""OM-LSA: its gains against the paper's equations written out for one bin, and steady noise that goes down."""

import numpy as np
import pytest
from scipy.special import exp1

from tests.support.harness import RECORDED
from zoo.audio import io, mix
from zoo.enhancement import baselines, omlsa
from zoo.metrics import speech


def by_hand(power):
    """The equations, bin by bin and frame by frame, in plain loops."""
    frames, bins = power.shape
    hann3, hann31 = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1, n + 1) / (n + 1)) for n in (3, 31))

    def mean(values, k, window):
        half = len(window) // 2
        places = np.clip(np.arange(k - half, k + half + 1), 0, bins - 1)
        return np.sum(window * values[places]) / np.sum(window)

    def p_of(zeta):
        return float(np.clip(np.log10(max(zeta, 1e-30) / 0.1) / np.log10(10**0.5), 0, 1))

    noise, s = power[0].copy(), np.array([mean(power[0], k, hann3) for k in range(bins)])
    lowest, recent, presence = s.copy(), s.copy(), np.zeros(bins)
    g_h1, gamma, zeta, xi_before = np.ones(bins), np.ones(bins), np.zeros(bins), np.zeros(bins)
    frame_before, peak, out = 0.0, 1.0, np.zeros(power.shape)
    for l in range(frames):
        zeta = 0.7 * zeta + 0.3 * xi_before
        frame = zeta.mean()
        if frame <= 0.1:
            p_frame = 0.0
        elif frame > frame_before:
            p_frame, peak = 1.0, min(max(frame, 1.0), 10.0)
        else:
            p_frame = p_of(frame / peak)
        frame_before = frame
        for k in range(bins):
            before, gamma[k] = 0.92 * g_h1[k] ** 2 * gamma[k], power[l, k] / noise[k]
            xi = before + 0.08 * max(gamma[k] - 1, 0)
            v = gamma[k] * xi / (1 + xi)
            g_h1[k] = xi / (1 + xi) * np.exp(0.5 * exp1(v))
            q = min(1 - p_of(mean(zeta, k, hann3)) * p_of(mean(zeta, k, hann31)) * p_frame, 0.95)
            p = 1 / (1 + q / (1 - q) * (1 + xi) * np.exp(-v))
            out[l, k] = g_h1[k] ** p * (10 ** (-25 / 20)) ** (1 - p)
            xi_before[k] = xi
        smooth = [mean(power[l], k, hann3) for k in range(bins)]
        for k in range(bins):
            s[k] = 0.8 * s[k] + 0.2 * smooth[k]
            lowest[k], recent[k] = min(lowest[k], s[k]), min(recent[k], s[k])
            if (l + 1) % 125 == 0:
                lowest[k], recent[k] = min(recent[k], s[k]), s[k]
            presence[k] = 0.2 * presence[k] + 0.8 * (s[k] / lowest[k] > 5)
            rate = 0.95 + 0.05 * presence[k]
            noise[k] = rate * noise[k] + (1 - rate) * power[l, k]
    return out


def test_gains_are_those_of_the_equations():
    rng = np.random.default_rng(0)
    level = np.ones(140)
    level[30:60], level[90:110] = 40.0, 8.0
    power = rng.exponential(size=(140, 34)) * level[:, None]
    expected = by_hand(power)
    np.testing.assert_allclose(omlsa.gains(power), expected, rtol=1e-9)
    assert expected.min() < 0.1 and expected.max() > 0.9


def test_it_makes_noisy_speech_better():
    clip = io.read(RECORDED, 16000)[0][:48000]
    noise = mix.colored_noise(len(clip), 0.0, np.random.default_rng(0))
    noisy = mix.mix_at_snr(clip, noise, 5.0)
    enhanced = baselines.omlsa(noisy, 16000)
    assert speech.si_sdr(clip, enhanced) > speech.si_sdr(clip, noisy) + 3
    steady = 0.1 * mix.colored_noise(32000, 0.0, np.random.default_rng(1)).astype("float32")
    quiet = baselines.omlsa(steady, 16000)[16000:]
    assert -25 < 20 * np.log10(mix.rms(quiet) / mix.rms(steady[16000:])) < -12


@pytest.mark.parametrize("rate", [8000, 44100])
def test_shapes_lengths_and_short_recordings(rate):
    batch = np.random.default_rng(0).uniform(-0.1, 0.1, (2, 3000)).astype("float32")
    enhanced = baselines.omlsa(batch, rate, np.array([3000, 100]))
    assert enhanced.shape == batch.shape and np.isfinite(enhanced).all() and not enhanced[1, 100:].any()
    np.testing.assert_allclose(enhanced[0], baselines.omlsa(batch[0], rate), atol=1e-6)
    assert baselines.omlsa(np.ones(1, "float32"), rate).shape == (1,)
