"""Evaluate a checkpoint on its test pairs and renew its card, or on any pairs of recordings.

    python tools/evaluate.py quality-net --checkpoint quality-net-lite-pesq-wb-16k
    python tools/evaluate.py quality-net --checkpoint quality-net-lite-pesq-wb-16k --pairs pairs.csv

A pairs CSV has the columns reference and degraded, recordings at the checkpoint's rate, relative to its folder; and if
you like kind (noisy, enhanced, clean) and snr_db, which split the table. The words of a bundled checkpoint's card
(description, data, licences, departures, limits) come from tools/configs/<name>.toml.
"""

import argparse
import csv
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from zoo import preset, registry
from zoo.audio import io
from zoo.errors import InputError
from zoo.quality_net import card, evaluate
from zoo.quality_net.train import Recipe

CONFIGS = Path(__file__).parent / "configs"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("family", choices=["quality-net"])
    parser.add_argument("--checkpoint", required=True, help="a bundled name or a directory with a slash")
    parser.add_argument("--pairs", help="CSV with the columns reference and degraded")
    parser.add_argument("--output", help="with --pairs: CSV of true and predicted scores")
    parser.add_argument("--scatter", help="with --pairs: PNG of predicted against true scores")
    parser.add_argument("--data", default=os.environ.get("ZOO_DATA", "../shared/data"), help="recordings (ZOO_DATA)")
    parser.add_argument("--runs", default="runs", help="test pairs and labels (default: runs)")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: all cores)")
    return parser.parse_args()


def show(results):
    """Print agreement by group, a line each."""
    for group, facts in results.items():
        shown = "  ".join(f"{key} {facts[key][0]:.3f}" for key in ("pearson", "spearman", "rmse", "mae"))
        print(f"{group:12} n {facts['n']:5}  failed {facts['n_failed']:3}  {shown}")


def on_pairs(directory, recipe, given):
    rows = evaluate.evaluate_pairs(preset.load(directory), recipe.target(), given.pairs, given.jobs)
    for row in rows:
        if row["error"]:
            print(f"evaluate: {row['error']}", file=sys.stderr)
    if given.output:
        with io.replacing(given.output) as part, open(part, "w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)
    truth, predicted = (np.array([row[side] for row in rows]) for side in ("truth", "predicted"))
    if given.scatter:
        evaluate.scatter(rows, truth, predicted, recipe.name, given.scatter)
    show(evaluate.report(rows, truth, predicted))


def on_test_pairs(directory, about, recipe, given):
    config = CONFIGS / f"{about['name']}.toml"
    about |= card.read_words(config) if config.exists() else {}
    command = f"python tools/evaluate.py quality-net --checkpoint {given.checkpoint}"
    about = card.evaluated_card(directory, about, recipe, given.data, given.runs, command, given.jobs)
    preset.write_card(directory, about)
    show(about["evaluation"]["results"])


def main():
    given = arguments()
    directory, about = registry.resolve(given.checkpoint), registry.info(given.checkpoint)
    recipe = Recipe(**about["training"]["recipe"])
    if given.pairs:
        on_pairs(directory, recipe, given)
    else:
        on_test_pairs(directory, about, recipe, given)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"evaluate: {error}")
