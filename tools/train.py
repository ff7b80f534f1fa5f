"""Train a checkpoint of any family: what its TOML file says, then save it, evaluate it, and write its card.

    python tools/train.py tools/configs/quality-net-lite-pesq-wb-16k.toml
    python tools/train.py tools/configs/jnd-22k.toml --seeds 0 1 2
    python tools/train.py tools/configs/blstm-mse-16k.toml --voice-bank DIR --name my-blstm --output my/
    python tools/train.py tools/configs/texture-classifier-16k.toml --help

The same command goes on after an interruption. KERAS_BACKEND=jax trains on JAX (and on its accelerator).
"""

import argparse
import dataclasses
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from zoo.errors import InputError
from zoo.families import FAMILIES
from zoo.training import distribution
from zoo.training.checkpoint import train_checkpoint
from zoo.training.config import read_config

CHECKPOINTS = Path(__file__).resolve().parent.parent / "checkpoints"
RECIPE_OPTIONS = {  # of the families whose recipe has such a field; they take the place of the config's
    "name": {"help": "of the checkpoint"},
    "start": {"help": "checkpoint to start from"},
    "epochs": {"type": int, "help": "most epochs"},
    "steps": {"type": int, "help": "batches in an epoch"},
    "learning_rate": {"type": float},
    "seed": {"type": int},
}


def parser_of(recipe, add_arguments):
    """The parser of a family's options: common ones, those of its recipe, and its own."""
    first_line, _, text = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        description=first_line, epilog=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", help="TOML file: family, the fields of its recipe, and a [card] table of words")
    data = os.environ.get("ZOO_DATA", "../shared/data")
    parser.add_argument("--data", default=data, help="folder of recordings (ZOO_DATA, default: %(default)s)")
    parser.add_argument("--runs", default="runs", help="prepared data and training states (default: %(default)s)")
    parser.add_argument("--output", default=CHECKPOINTS, help="where the checkpoint goes (default: checkpoints)")
    parser.add_argument("--jobs", type=int, default=-1, help="processes, -1 for one a core (default: -1)")
    distribution.add_argument(parser)
    names = {field.name for field in dataclasses.fields(recipe)}
    group = parser.add_argument_group("instead of what the config says")
    for name, settings in RECIPE_OPTIONS.items():
        if name in names:
            group.add_argument(f"--{name.replace('_', '-')}", **settings)
    add_arguments(parser)
    parser.set_defaults(verbose=1 if sys.stdout.isatty() else 2)
    return parser


def main():
    first = argparse.ArgumentParser(
        usage="%(prog)s CONFIG [options]", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    first.add_argument("config", metavar="CONFIG", help="TOML file; CONFIG --help shows the options of its family")
    config = read_config(first.parse_args(sys.argv[1:2]).config)
    family = FAMILIES[config.family].module("train")
    options = parser_of(family.Recipe, family.add_arguments).parse_args()
    train_checkpoint(config, options, " ".join(["python", *sys.argv]))


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"train: {error}")
