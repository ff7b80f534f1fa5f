"""Small JND networks of our own, and recordings for them."""

import keras
import numpy as np

RATE = 22050


def small(network):
    """A network of few channels, the same at each call."""
    keras.utils.set_random_seed(0)
    return network(channels=(4, 6), bands=16)


def voices(samples=11025):
    """Two recordings with syllables, float32 (2, samples)."""
    time = np.arange(samples) / RATE
    return np.stack([0.1 * np.sin(f * time) * np.sin(12 * time) ** 2 for f in (900, 2500)]).astype("float32")


def noisy(amplitude=0.01, samples=11025):
    """`voices` in white noise."""
    noise = np.random.default_rng(1).standard_normal((2, samples)).astype("float32")
    return voices(samples) + amplitude * noise
