"""The eight experiments of Groysman and Priymak's report, each trained briefly on our tracks, on a separator's card.

python tools/ablate_separation.py chandna-4stem-44k --examples 900 --epochs 20

The recipes are tools/configs/report/*.toml, which tools/train.py trains in full.
"""

import argparse
import dataclasses
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from zoo.checkpoint import provenance, registry
from zoo.checkpoint.card import card_words, write_card
from zoo.errors import InputError
from zoo.metrics.separation import mixture_as_estimate, si_sdr
from zoo.separation import evaluate
from zoo.separation.tracks import SOURCES, find_tracks
from zoo.separation.train import Recipe, read_splits, train
from zoo.training.config import read_config

REPORT = Path(__file__).resolve().parent / "configs" / "report"
EXPERIMENTS = (
    "batch-30", "batch-64", "batch-128", "split-80-10-10", "kernel-171-pool-3", "dropout", "milestones",
    "early-stopping",
)  # fmt: skip


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", help="a bundled separator, whose card gets the table")
    parser.add_argument("--examples", type=int, required=True, help="segments in an epoch of each experiment")
    parser.add_argument("--epochs", type=int, required=True, help="milestones and patience shrink in proportion")
    parser.add_argument("--seconds", type=float, default=30.0, help="middle of each test track (default: 30)")
    parser.add_argument("--tracks", default="runs/music", help="folder with train/ and test/ (default: runs/music)")
    parser.add_argument("--runs", default="runs", help="training states (default: runs)")
    return parser.parse_args()


def briefly(recipe, examples, epochs):
    """A recipe with so many examples in an epoch and so many epochs; milestones and patience shrink with them."""
    if examples < recipe.batch_size:
        raise InputError(f"{examples} examples are no batch of {recipe.batch_size}; give more --examples")
    return dataclasses.replace(
        recipe,
        name=f"{recipe.name}-{examples}x{epochs}",
        steps=examples // recipe.batch_size,
        epochs=epochs,
        milestones=[round(epoch * epochs / recipe.epochs) for epoch in recipe.milestones],
        patience=max(1, round(recipe.patience * epochs / recipe.epochs)),
    )


def gains(model, references):
    """{source: SI-SDR of the estimate above the mixture's in dB, mean over the tracks where it sounds}."""
    rises = {source: [] for source in SOURCES}
    for true in references:
        before, after = si_sdr(true, mixture_as_estimate(true)), si_sdr(true, evaluate.separator(model)(true))
        for source in SOURCES:
            if np.isfinite(before[source]):
                rises[source].append(after[source] - before[source])
    return {source: float(np.mean(decibels)) for source, decibels in rises.items()}


def experiment(name, options, splits, references):
    """Train one experiment briefly, print what came of it, and give its row of the table."""
    config = read_config(REPORT / f"{name}.toml")
    recipe = briefly(config.recipe(Recipe), options.examples, options.epochs)
    model, facts, minutes = train(recipe, *splits, options.runs, verbose=0)
    by_source = gains(model, references)
    shown = ", ".join(f"{source} {gain:+.1f}" for source, gain in by_source.items())
    print(f"{name}: validation loss {facts['val_loss']:.3f}, {shown} dB, {minutes:.1f} min", flush=True)
    return {
        "experiment": name,
        "change": card_words(config.card)["description"],
        "parameters": model.count_params(),
        "epochs": len(facts["curve"]["epoch"]),
        "best_epoch": facts["best_epoch"],
        "val_loss": facts["val_loss"],
        "minutes": round(minutes, 1),
        "gains": by_source,
    }


def main():
    options, commit = arguments(), provenance.commit()
    if options.checkpoint not in registry.names():
        raise InputError(f"{options.checkpoint} is not bundled; zoo.list() names those that are")
    splits = read_splits(options.tracks)
    references = [evaluate.read(track, options.seconds) for track in find_tracks(options.tracks, "test")]
    table = {
        "command": " ".join(["python", *sys.argv]),
        "commit": commit,
        "seconds": options.seconds,
        "examples": options.examples,
        "epochs": options.epochs,
        "n_tracks": len(references),
        "rows": [experiment(name, options, splits, references) for name in EXPERIMENTS],
    }
    write_card(registry.resolve(options.checkpoint), registry.info(options.checkpoint) | {"report": table})


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"ablate_separation: {error}")
