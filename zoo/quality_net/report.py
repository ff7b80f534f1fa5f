"""Evaluation of surrogates: how well they agree with the metric that they learned, and how far their gradient leads."""

import sys
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from zoo import scoring
from zoo.base import files
from zoo.checkpoint import preset, provenance, registry
from zoo.checkpoint.card import evaluated_card, with_words, write_card
from zoo.data.speech import SPLITS
from zoo.errors import InputError
from zoo.quality_net import evaluate
from zoo.quality_net.examples import CHUNK, VARIETY
from zoo.quality_net.train import Recipe, prepare

SUMMARY = "agreement of a surrogate with its metric"
COMMAND = "python tools/evaluate.py quality-net --checkpoint {}"  # of a checkpoint's source
TEST_PAIRS = "pairs of the test split: talkers, recordings of noise and measured rooms that training did not have"
# Sets of pairs beside those of a card's evaluation, by the name of `--split` and of their figures on the card.
FURTHER_PAIRS = {
    "test2": "pairs of the second test split: eight talkers of Arabic, Chinese, Korean and Portuguese and eight "
    "recordings of noise that training did not have; rooms as in the first",
    "varied": "pairs of the test split's talkers, noise and rooms with every kind of variety: babble, noises at once, "
    "microphones, other speeds, simulated rooms, codecs, and recordings up to 50 ms late or drifting",
    "lengths": "pairs of the test split of 1, 3, 10 and 30 s, where training had 2 to 4 s; 128 of each, those of 30 s of "
    "the five talkers who have as much",
}
_LENGTHS = (1.0, 3.0, 10.0, 30.0)  # seconds


def add_arguments(parser):
    """Add the options of `zoo evaluate quality-net` to a parser."""
    parser.add_argument("--checkpoint", required=True, help="a bundled name or a directory with a slash")
    parser.add_argument(
        "--split",
        choices=["test", *FURTHER_PAIRS],
        help="test pairs: of the first or the second test split, varied, or short and long",
    )
    parser.add_argument("--runs", default="runs", help="test pairs and labels (default: runs)")
    own = parser.add_argument_group("recordings of your own")
    own.add_argument("--pairs", help="CSV with the columns reference and degraded, of any number of rows")
    own.add_argument("--output", help="CSV of true and predicted scores, written as they come")
    own.add_argument("--scatter", help="PNG of predicted against true scores")
    scoring.add_arguments(own)


def run(arguments):
    """`zoo evaluate quality-net`: on the test pairs, which renews the card, or on the pairs of a CSV."""
    directory = registry.resolve(arguments.checkpoint)
    if arguments.pairs and arguments.split:
        raise InputError("--split chooses test pairs, --pairs has its own: give one of them")
    if arguments.pairs:
        _evaluate_recordings(directory, arguments)
    elif any((arguments.output, arguments.scatter, arguments.resume, arguments.backend, arguments.scheduler)):
        raise InputError("--output, --scatter, --resume, --backend and --scheduler go with --pairs; name a CSV by it")
    else:
        write_card(directory, with_words(registry.info(directory)))
        command, how = COMMAND.format(arguments.checkpoint), (arguments.data, arguments.runs, arguments.jobs)
        if arguments.split in FURTHER_PAIRS:
            _evaluate_further(arguments.split, directory, *how, f"{command} --split {arguments.split}")
        else:
            evaluate_checkpoint(directory, *how, command)


def evaluate_checkpoint(directory, data, runs, n_jobs, command):
    """Evaluate a saved surrogate on the test pairs of its recipe; writes its two plots, and completes its card.

    Args:
        directory: of the checkpoint, with a card whose `training` has the recipe.
        data: folder of recordings, as for `zoo.quality_net.train.train`.
        runs: folder for the pairs and their labels.
        n_jobs: processes, joblib's counting.
        command: that repeats the evaluation, for the card.
    """
    directory = Path(directory)
    model, card = preset.load(directory), registry.info(directory)
    recipe = Recipe(**card["training"]["recipe"])
    chunks, truth = prepare(recipe, data, runs, "test", n_jobs)
    facts, predicted = _facts(recipe, chunks), evaluate.predict(model, chunks)
    evaluate.scatter(facts, truth, predicted, card["name"], directory / "scatter.png")
    climb = evaluate.ascend(model, *evaluate.ascent_pairs(chunks), recipe.target(), n_jobs)
    ascent = evaluate.ascent_report(climb)
    evaluate.plot_ascent(ascent, card["name"], directory / "gradient.png")
    results, commit = evaluate.report(facts, truth, predicted), provenance.commit()
    gradient = {"command": command, "commit": commit, "data": TEST_PAIRS} | ascent
    card = evaluated_card(card, command, commit, TEST_PAIRS, {"results": results})
    write_card(directory, card | {"gradient": gradient})
    _print_agreement(results)


def _facts(recipe, chunks):
    """Facts of pairs; of those for a network that left out noisy references, whether the reference is clean."""
    least_db = recipe.reference_range_db
    return evaluate.with_references(chunks, least_db) if least_db else chunks.facts


def _evaluate_further(name, directory, data, runs, n_jobs, command):
    """Evaluate a saved surrogate on further test pairs, which go into its card by their name."""
    model, card = preset.load(directory), registry.info(directory)
    recipe, options = Recipe(**card["training"]["recipe"]), {}
    if name == "varied":
        options["variety"] = VARIETY
    elif name == "lengths":
        recipe, options["seconds"] = replace(recipe, n_test=CHUNK * len(_LENGTHS)), _LENGTHS
    chunks, truth = prepare(recipe, data, runs, name if name in SPLITS else "test", n_jobs, **options)
    results = evaluate.report(_facts(recipe, chunks), truth, evaluate.predict(model, chunks))
    where = {"command": command, "commit": provenance.commit(), "data": FURTHER_PAIRS[name]}
    write_card(directory, card | {name: where | {"results": results}})
    _print_agreement(results)


def _evaluate_recordings(directory, arguments):
    """True and predicted scores of the pairs of a CSV, and their agreement."""
    scoring.check_arguments(arguments, arguments.output, "--output")
    if arguments.scatter:
        files.check_output(arguments.scatter)
    recipe = Recipe(**registry.info(directory)["training"]["recipe"])
    rows = evaluate.evaluate_pairs(
        directory,
        recipe,
        arguments.pairs,
        arguments.output,
        arguments.resume,
        arguments.jobs,
        arguments.backend,
        arguments.scheduler,
    )
    facts, truth, predicted = evaluate.summed(_print_errors(rows))
    if arguments.scatter:
        evaluate.scatter(facts, truth, predicted, recipe.name, arguments.scatter)
    _print_agreement(evaluate.report(facts, truth, predicted))


def _print_errors(rows):
    """The same rows, their errors printed to stderr as they come."""
    for row in rows:
        if row.error:
            tqdm.write(f"zoo: {row.error}", file=sys.stderr)
        yield row


def _print_agreement(results):
    for group, facts in results.items():
        figures = "  ".join(f"{key} {facts[key][0]:.3f}" for key in ("pearson", "spearman", "rmse", "mae"))
        print(f"{group:21} n {facts['n']:5}  failed {facts['n_failed']:3}  {figures}")
