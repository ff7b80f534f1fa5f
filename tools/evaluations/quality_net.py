"""Evaluation of surrogates: their agreement with the metric."""

import sys

import numpy as np

from evaluations.common import with_words, write_rows
from zoo import preset, registry
from zoo.quality_net import card, evaluate
from zoo.quality_net.train import Recipe


def add(families, shared):
    """The arguments of `quality-net`."""
    one = families.add_parser("quality-net", parents=[shared], help="agreement of a surrogate with its metric")
    one.add_argument("--checkpoint", required=True, help="a bundled name or a directory with a slash")
    one.add_argument("--pairs", help="CSV with the columns reference and degraded")
    one.add_argument("--output", help="with --pairs: CSV of true and predicted scores")
    one.add_argument("--scatter", help="with --pairs: PNG of predicted against true scores")
    one.add_argument("--runs", default="runs", help="test pairs and labels (default: runs)")
    one.set_defaults(run=evaluate_surrogate)


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
        write_rows(given.output, rows)
    truth, predicted = (np.array([row[side] for row in rows]) for side in ("truth", "predicted"))
    if given.scatter:
        evaluate.scatter(rows, truth, predicted, recipe.name, given.scatter)
    show(evaluate.report(rows, truth, predicted))


def on_test_pairs(directory, about, recipe, given):
    command = f"python tools/evaluate.py quality-net --checkpoint {given.checkpoint}"
    about = card.evaluated_card(directory, with_words(about), recipe, given.data, given.runs, command, given.jobs)
    preset.write_card(directory, about)
    show(about["evaluation"]["results"])


def evaluate_surrogate(given):
    directory, about = registry.resolve(given.checkpoint), registry.info(given.checkpoint)
    recipe = Recipe(**about["training"]["recipe"])
    if given.pairs:
        on_pairs(directory, recipe, given)
    else:
        on_test_pairs(directory, about, recipe, given)
