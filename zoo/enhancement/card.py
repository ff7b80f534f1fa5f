"""The card of an enhancer: what its training found out, and how to repeat it."""

import numpy as np

from zoo import provenance
from zoo.audio import mix
from zoo.audio.corpus import SAMPLE_RATE

_GOLDEN_SAMPLES = 8000


def training_card(recipe, model, facts, minutes, command, start):
    """Facts of a trained enhancer before its evaluation.

    Args:
        recipe: the `Recipe`.
        model: the trained enhancer.
        facts: what `train` returned.
        minutes: that the training took.
        command: that repeats it.
        start: the commit at which it was started.

    Returns:
        dict, as card.json holds it; `zoo.training.read_words` and the evaluation add the rest.
    """
    return {
        "name": recipe.name,
        "family": "enhancement",
        "architecture": recipe.network,
        "sample_rate": model.sample_rate,
        "lookahead": model.lookahead,
        "parameters": model.count_params(),
        "training": provenance.training(command, start, recipe.seed, minutes) | facts,
    }


def golden_input():
    """Two seeded noisy tones, made here, that a checkpoint's golden output is computed on: [noisy]."""
    rng = np.random.default_rng(0)
    time = np.arange(_GOLDEN_SAMPLES) / SAMPLE_RATE
    tones = [sum(np.sin(2 * np.pi * k * f0 * time) / k for k in range(1, 20)) for f0 in (120.0, 210.0)]
    speech = [(0.05 * tone * np.sin(2 * np.pi * 3 * time) ** 2).astype("float32") for tone in tones]
    noise = [mix.colored_noise(_GOLDEN_SAMPLES, 1.0, rng) for _ in speech]
    return [np.stack([mix.mix_at_snr(*pair, snr_db) for *pair, snr_db in zip(speech, noise, (0, 10), strict=True)])]
