"""What the tests of Quality-Nets share: a metric of our own, pairs of noise, and the pair whose scores are known."""

import numpy as np

from tests.support.harness import data_path
from zoo.audio import pairs as audio_pairs
from zoo.quality_net import labels

RATE = 16000


def loudness(reference, degraded, sample_rate):
    """A metric of our own: 1 for equal levels; NaN where the reference is silent."""
    level = np.sqrt(np.mean(reference**2))
    return 1 - abs(level - np.sqrt(np.mean(degraded**2))) / level if level else np.nan


TARGET = labels.Target("loudness", loudness, 0.0, 1.0, {"name": "loudness", "mode": None})


def noise_pairs(n=6, samples=(8000, 9000), seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(-3000, 3000, (n, 2, count)).astype("int16") for count in samples]


def known_pair():
    """Reference, degraded and rate of the pair whose scores are known."""
    paths = [data_path("known_scores", "pesq_pair", file) for file in ("speech.flac", "speech_bab_0dB.flac")]
    return audio_pairs.read(audio_pairs.Pair("known", *paths), (RATE,))
