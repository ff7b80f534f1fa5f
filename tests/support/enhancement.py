"""What the tests of enhancers share."""

import numpy as np

RATE = 16000


def voice(seconds, seed):
    """Speech-like: a tone complex that comes and goes."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    tone = sum(np.sin(2 * np.pi * k * rng.uniform(100, 200) * time) / k for k in range(1, 20))
    return (0.05 * tone * np.sin(2 * np.pi * 2.5 * time) ** 2).astype("float32")
