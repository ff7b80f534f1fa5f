"""The card of a JND checkpoint: what its training found out, and how to repeat it."""

import numpy as np

from zoo import provenance
from zoo.audio import mix

_GOLDEN_SAMPLES = 11025


def training_card(recipe, model, facts, minutes, command, start):
    """Facts of a trained checkpoint before its evaluation.

    Args:
        recipe: the `Recipe`.
        model: the trained metric.
        facts: what the training returned.
        minutes: that it took.
        command: that repeats it.
        start: the commit at which it was started.

    Returns:
        dict, as card.json holds it; `zoo.training.read_words` and the evaluation add the rest.
    """
    return {
        "name": recipe.name,
        "family": "jnd",
        "architecture": type(model).__name__,
        "sample_rate": model.sample_rate,
        "parameters": model.count_params(),
        "training": provenance.training(command, start, recipe.seed, minutes) | facts,
    }


def golden_inputs(sample_rate):
    """Two seeded pairs, made here, that a checkpoint's golden output is computed on: [reference, degraded]."""
    rng = np.random.default_rng(0)
    time = np.arange(_GOLDEN_SAMPLES) / sample_rate
    tones = [sum(np.sin(2 * np.pi * k * f0 * time) / k for k in range(1, 20)) for f0 in (120.0, 210.0)]
    reference = np.stack([0.1 * tone * np.sin(2 * np.pi * 3 * time) ** 2 for tone in tones]).astype("float32")
    noise = [mix.colored_noise(_GOLDEN_SAMPLES, 1.0, rng) for _ in tones]
    degraded = [mix.mix_at_snr(*pair, snr_db) for *pair, snr_db in zip(reference, noise, (10, 30), strict=True)]
    return [reference, np.stack(degraded)]
