"""The card of a Quality-Net checkpoint: what its evaluation found out, and how to repeat it."""

from zoo.checkpoint import preset, provenance
from zoo.quality_net import evaluate
from zoo.quality_net.train import prepare


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
