"""What tests of textures share: noise, a classifier of two classes, small networks."""

import numpy as np

from zoo.texture.model import RandomConvEnsemble

RATE = 16000


class Loudness:
    """Two classes: the second the likelier, the louder a clip."""

    sample_rate = RATE

    def __call__(self, waveform):
        loud = np.clip(np.sqrt(np.mean(np.square(waveform), axis=1)), 0.01, 0.99)
        return np.stack([1 - loud, loud], axis=1)


def noise(seconds=1.5, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(int(seconds * RATE))).astype("float32")


def make_networks_small(monkeypatch):
    """Small networks wherever none are named."""

    def ensemble(widths=(2, 8), filters=8, **options):
        return RandomConvEnsemble(widths[:2], filters=8, **options)

    for module in ("evaluate", "synthesis"):
        monkeypatch.setattr(f"zoo.texture.{module}.RandomConvEnsemble", ensemble)
