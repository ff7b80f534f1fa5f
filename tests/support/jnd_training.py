"""Little to train a JND metric on: a recipe, judged pairs of tones, and ladders."""

import numpy as np

from zoo.jnd import rendered
from zoo.jnd.batches import Judged
from zoo.jnd.judgments import Judgment
from zoo.jnd.train import Recipe

SAMPLES = 4096
TINY = Recipe(
    "tiny", "SpectralJND", {"channels": (4, 4), "bands": 8}, judged=4, shifts=1, levels=2, ladders=1, epochs=2,
    learning_rate=1e-2, n_ladders=4,
)  # fmt: skip


def stored(x):
    return np.round(32767 * np.stack(x)).astype("int16")


def judged(n=16, seed=0):
    """Odd pairs are noisy and heard, even ones identical."""
    rng = np.random.default_rng(seed)
    pairs, judgments = [], []
    for i in range(n):
        clip = 0.1 * np.sin(rng.uniform(0.05, 0.3) * np.arange(SAMPLES))
        different = i % 2 == 1
        pairs.append(np.stack([clip, clip + 0.05 * different * rng.standard_normal(SAMPLES)]))
        judgments.append(Judgment("eq", "f1", "1", "0", {}, {"eq": i}, "", different))
    chunks = [stored(pairs[start : start + rendered.CHUNK]) for start in range(0, n, rendered.CHUNK)]
    return Judged(judgments, [chunks])


def ladders(n=4):
    rng = np.random.default_rng(1)
    clips = [0.1 * np.sin(rng.uniform(0.05, 0.3) * np.arange(SAMPLES)) for _ in range(n)]
    noise = rng.standard_normal(SAMPLES)
    return [stored([np.stack([clip, clip + 0.01 * noise, clip + 0.1 * noise]) for clip in clips])]
