"""The card of a Quality-Net checkpoint: what its training and its evaluation found out, and how to repeat both."""

import numpy as np

from zoo import preset, provenance
from zoo.audio import mix
from zoo.quality_net import evaluate
from zoo.quality_net.train import prepare

_GOLDEN_SAMPLES = 16000


def training_card(recipe, model, facts, minutes, command, start):
    """Facts of a trained checkpoint before its evaluation.

    Args:
        recipe: the `Recipe`.
        model: the trained surrogate.
        facts: what `train` returned.
        minutes: that the training took.
        command: that repeats it.
        start: the commit at which it was started.

    Returns:
        dict, as card.json holds it; `zoo.training.read_words` and `evaluated_card` add the rest.
    """
    return {
        "name": recipe.name,
        "family": "quality_net",
        "architecture": recipe.network,
        "sample_rate": model.sample_rate,
        "metric": recipe.target().metric,
        "parameters": model.count_params(),
        "training": provenance.training(command, start, recipe.seed, minutes) | facts,
    }


def evaluated_card(directory, card, recipe, data, runs, command, n_jobs=-1):
    """Evaluate a saved checkpoint on the recipe's test pairs, write its plots, and complete its card.

    Args:
        directory: of the checkpoint.
        card: its card so far.
        recipe: the `Recipe`, whose test pairs and metric are used.
        data, runs: folders, as for `train`.
        command: that repeats the evaluation.
        n_jobs: processes.

    Returns:
        the card, with `evaluation` and `gradient`.
    """
    model, target, name = preset.load(directory), recipe.target(), card["name"]
    chunks, truth = prepare(recipe, data, runs, "test", n_jobs)
    predicted = evaluate.predict(model, chunks)
    evaluate.scatter(chunks.facts, truth, predicted, name, directory / "scatter.png")
    ascent = evaluate.ascent_report(evaluate.ascend(model, *evaluate.ascent_pairs(chunks), target, n_jobs))
    evaluate.plot_ascent(ascent, name, directory / "gradient.png")
    about = {
        "command": command,
        "commit": provenance.commit(),
        "data": "pairs of the test split: talkers, recordings of noise and measured rooms that training did not have",
    }
    results = evaluate.report(chunks.facts, truth, predicted)
    return card | {"evaluation": about | {"results": results}, "gradient": about | ascent}


def golden_inputs(sample_rate):
    """Two seeded pairs, made here, that a checkpoint's golden output is computed on: [reference, degraded]."""
    rng = np.random.default_rng(0)
    time = np.arange(_GOLDEN_SAMPLES) / sample_rate
    pitch = (
        2 * np.pi * np.cumsum(np.array([[110.0], [190.0]]) * (1 + 0.2 * np.sin(2 * np.pi * 3 * time)) / sample_rate, 1)
    )
    voiced = sum(np.sin(k * pitch) / k for k in range(1, 30)) * np.sin(2 * np.pi * 4 * time) ** 2
    reference = (0.05 * voiced).astype("float32")
    noise = [mix.colored_noise(_GOLDEN_SAMPLES, 1.0, rng) for _ in reference]
    degraded = np.stack(
        [mix.mix_at_snr(*pair, snr_db) for *pair, snr_db in zip(reference, noise, (5, 20), strict=True)]
    )
    return [reference, degraded]
