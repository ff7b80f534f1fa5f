"""Inputs that a checkpoint's golden output is computed on: drawn from a seed, so that no recording is needed."""

from collections.abc import Sequence

import numpy as np

from zoo.audio import mix

_SAMPLES = 16000


def voices_in_noise(sample_rate: int, snrs_db: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Two voice-like tones, and the same in pink noise.

    Args:
        sample_rate: in Hz.
        snrs_db: signal-to-noise ratio of each of the two, in dB.

    Returns:
        reference, degraded: float32 (2, 16000) in [-1, 1].

    Example:
        >>> voices_in_noise(16000, (5, 20))[1].shape
        (2, 16000)
    """
    rng = np.random.default_rng(0)
    time = np.arange(_SAMPLES) / sample_rate
    hertz = np.array([[110.0], [190.0]]) * (1 + 0.2 * np.sin(2 * np.pi * 3 * time))
    phase = 2 * np.pi * np.cumsum(hertz / sample_rate, axis=1)
    voiced = sum(np.sin(k * phase) / k for k in range(1, 30)) * np.sin(2 * np.pi * 4 * time) ** 2
    reference = (0.05 * voiced).astype("float32")
    noise = [mix.colored_noise(_SAMPLES, 1.0, rng) for _ in reference]
    return reference, np.stack([mix.mix_at_snr(*each) for each in zip(reference, noise, snrs_db, strict=True)])
