"""Evaluation of surrogates: their agreement with the metric."""

import sys

from tqdm import tqdm

from zoo import files
from zoo.checkpoint import preset, registry
from zoo.checkpoint.results import with_words
from zoo.cli import measure
from zoo.errors import InputError
from zoo.quality_net import evaluate
from zoo.quality_net import evaluated as card
from zoo.quality_net.train import Recipe


def add(families, shared):
    """The arguments of `quality-net`."""
    one = families.add_parser("quality-net", parents=[shared], help="agreement of a surrogate with its metric")
    one.add_argument("--checkpoint", required=True, help="a bundled name or a directory with a slash")
    one.add_argument("--runs", default="runs", help="test pairs and labels (default: runs)")
    own = one.add_argument_group("recordings of your own")
    own.add_argument("--pairs", help="CSV with the columns reference and degraded, of any number of rows")
    own.add_argument("--output", help="CSV of true and predicted scores, written as they come")
    own.add_argument("--scatter", help="PNG of predicted against true scores")
    measure.add_corpus(own)
    one.set_defaults(run=evaluate_surrogate)


def show(results):
    """Print agreement by group, a line each."""
    for group, facts in results.items():
        shown = "  ".join(f"{key} {facts[key][0]:.3f}" for key in ("pearson", "spearman", "rmse", "mae"))
        print(f"{group:12} n {facts['n']:5}  failed {facts['n_failed']:3}  {shown}")


def on_pairs(directory, recipe, given):
    if given.resume and not given.output:
        raise InputError("--resume goes on with a CSV; name it by --output")
    for output in filter(None, (given.output, given.scatter)):
        files.check_output(output)
    rows = evaluate.evaluate_pairs(
        directory, recipe, given.pairs, given.output, given.resume, given.jobs, given.backend
    )
    facts, truth, predicted = evaluate.summed(told(rows))
    if given.scatter:
        evaluate.scatter(facts, truth, predicted, recipe.name, given.scatter)
    show(evaluate.report(facts, truth, predicted))


def told(rows):
    """The same rows, their errors on stderr as they come."""
    for row in rows:
        if row.error:
            tqdm.write(f"evaluate: {row.error}", file=sys.stderr)
        yield row


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
    elif given.output or given.scatter or given.resume or given.backend:
        raise InputError("--output, --scatter, --resume and --backend go with --pairs; name a CSV by it")
    else:
        on_test_pairs(directory, about, recipe, given)
