"""The experiments of Groysman and Priymak's report: train, score training and test songs, and print the report's beside.

python tools/ablate_separation.py experiment-1 --tracks DSD100

The recipes are tools/configs/report/*.toml, with 200 epochs of complete passes at most. --steps and --epochs make a run
smaller; its table says so.
"""

import argparse
import csv
import dataclasses
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from zoo.base import tables
from zoo.base.files import atomic_write
from zoo.checkpoint import provenance
from zoo.errors import InputError
from zoo.separation import evaluate
from zoo.separation.tracks import SOURCES
from zoo.separation.train import Recipe, split_songs, train

REPORT = Path(__file__).resolve().parent / "configs" / "report"
EXPERIMENTS = (
    "experiment-1", "experiment-2", "experiment-3", "experiment-4", "experiment-5", "experiment-6", "experiment-6-row",
    "experiment-7", "experiment-8", "perceptron",
)  # fmt: skip
SCORES = ("sdr", "sir", "sar")  # of the report's tables; its section 5 names ISR too


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiments", nargs="+", metavar="EXPERIMENT", help=", ".join(EXPERIMENTS))
    parser.add_argument("--tracks", default="runs/music", help="folder of songs, such as DSD100 (default: runs/music)")
    parser.add_argument("--steps", type=int, help="most batches in an epoch (default: all)")
    parser.add_argument("--epochs", type=int, help="most epochs (default: 200)")
    parser.add_argument("--optimizer", help="of keras.optimizers (default: SGD, which alone the report names)")
    parser.add_argument("--seconds", type=float, help="middle of each song that is scored (default: all of it)")
    parser.add_argument("--runs", default="runs", help="training states and results (default: runs)")
    parser.add_argument("--jobs", type=int, default=1, help="processes for museval (default: 1)")
    return parser.parse_args()


def smaller(recipe, steps, epochs, optimizer):
    """A recipe with other steps, epochs or optimizer, and a name of its own; None changes nothing."""
    changes = {"steps": steps, "epochs": epochs, "optimizer": optimizer}
    changes = {name: value for name, value in changes.items() if value is not None}
    name = "-".join([recipe.name, *(f"{value}-{option}" for option, value in changes.items())])
    return dataclasses.replace(recipe, name=name, **changes)


def published():
    """{experiment, or "authors": {source: {score: (mean, deviation)}}} in dB, of the report's Tables 1 to 4."""
    figures = {}
    with open(REPORT / "published.csv", newline="") as file:
        for row in csv.DictReader(file):
            of_source = figures.setdefault(row["experiment"], {}).setdefault(row["source"], {})
            of_source[row["score"]] = float(row["mean"]), float(row["deviation"])
    return figures


def songs_scores(model, songs, options):
    """{source: {score: (mean, deviation)}} over the overlapping frames of 30 s of songs, in dB."""
    scored = evaluate.score(evaluate.separator(model), songs, options.seconds, n_jobs=options.jobs)
    (by_source,) = evaluate.table(scored, dict.fromkeys(scored, "songs")).values()
    return {
        source: {score: (facts[score]["mean"], facts[score]["deviation"]) for score in SCORES}
        for source, facts in by_source.items()
    }


def experiment(name, options):
    """Train one experiment and score it: what is written about it."""
    recipe = smaller(Recipe.read(REPORT / f"{name}.toml"), options.steps, options.epochs, options.optimizer)
    training, validation, test = split_songs(options.tracks, recipe)
    model, facts, minutes = train(recipe, training, validation, options.runs)
    best = facts["best_epoch"] - 1
    return {
        "experiment": name,
        "command": " ".join(["python", *sys.argv]),
        "commit": provenance.commit(),
        "recipe": dataclasses.asdict(recipe),
        "parameters": model.count_params(),
        "n_songs": {"training": len(training), "test": len(test)},
        "epochs": len(facts["curve"]["epoch"]),
        "losses": [facts["curve"][column][best] for column in ("loss", "val_loss")],
        "minutes": round(minutes, 1),
        "training": songs_scores(model, training, options),
        "test": songs_scores(model, test, options),
    }


def as_table(result):
    """An experiment as Markdown: ours on training and test songs, the report's, and its column of the authors."""
    figures = published()
    columns = {"ours, training songs": result["training"], "ours, test songs": result["test"]}
    columns |= {"the report": figures.get(result["experiment"]), "authors' results": figures["authors"]}
    rows = [
        [score.upper(), source, *(_spread(column, source, score) for column in columns.values())]
        for score in SCORES
        for source in SOURCES
    ]
    return tables.table(["dB", "source", *columns], rows)


def _spread(column, source, score):
    return "-" if column is None else "{:.2f} ± {:.2f}".format(*column[source][score])


def main():
    options = arguments()
    if unknown := [name for name in options.experiments if name not in EXPERIMENTS]:
        raise InputError(f"no experiment {unknown[0]!r}; give some of {', '.join(EXPERIMENTS)}")
    for name in options.experiments:
        result = experiment(name, options)
        path = Path(options.runs) / f"{result['recipe']['name']}.json"
        with atomic_write(path) as part:
            part.write_text(json.dumps(result, indent=1))
        training, validation = result["losses"]
        print(
            f"{name}: {result['parameters']:,} parameters, {result['epochs']} epochs, losses {training:.6g} and "
            f"{validation:.6g}, {result['minutes']} min; {path}\n{as_table(result)}",
            flush=True,
        )


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"ablate_separation: {error}")
