"""The evaluation: error on noise of known levels."""

from pathlib import Path

import numpy as np

from zoo.checkpoint import preset, provenance, registry
from zoo.checkpoint.card import evaluated_card, write_card
from zoo.toy.model import noise_pairs

SUMMARY = "error of a predicted level"
COMMAND = "python tools/evaluate.py toy {}"  # of a checkpoint's source


def add_arguments(parser):
    """Add the options of `zoo evaluate toy` to a parser."""
    parser.add_argument("checkpoint", help="a bundled name or a directory with a slash")


def run(arguments):
    """`zoo evaluate toy`: renews the card."""
    directory, command = registry.resolve(arguments.checkpoint), COMMAND.format(arguments.checkpoint)
    evaluate_checkpoint(directory, arguments.data, "runs", arguments.jobs, command)


def evaluate_checkpoint(directory, data, runs, n_jobs, command):
    """Measure the error of a saved checkpoint, and complete its card."""
    model, (reference, degraded, gains) = preset.load(Path(directory)), noise_pairs(100, 7)
    errors = model.score(reference, degraded, model.sample_rate) - gains
    figures = {"rmse": float(np.sqrt(np.mean(errors**2))), "n": len(errors), "n_failed": 0}
    card = evaluated_card(registry.info(Path(directory)), command, provenance.commit(), "100 pairs of noise", figures)
    write_card(directory, card)
    print(f"RMSE {figures['rmse']:.3f} dB")
