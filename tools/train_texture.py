"""Train the classifier of environmental sounds that the texture scores use: train, measure, save.

    python tools/train_texture.py tools/configs/texture-classifier-16k.toml

The same command goes on after an interruption. KERAS_BACKEND=jax trains on JAX (and on its accelerator).
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from zoo.checkpoint import golden, preset, provenance
from zoo.data.environment import SPLITS
from zoo.errors import InputError
from zoo.texture import train
from zoo.training import distribution
from zoo.training.run import read_words

ROOT = Path(__file__).resolve().parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", help="TOML file: a recipe, and a [card] table with its words")
    parser.add_argument("--data", default=os.environ.get("ZOO_DATA", "../shared/data"), help="recordings (ZOO_DATA)")
    parser.add_argument("--runs", default="runs", help="training states (default: runs)")
    parser.add_argument(
        "--output", default=ROOT / "checkpoints", help="where the checkpoint goes (default: checkpoints)"
    )
    parser.add_argument("--name", help="of the checkpoint, instead of the config's")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--steps", type=int, help="batches in an epoch")
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--seed", type=int)
    distribution.add_argument(parser)
    return parser.parse_args()


def evaluation(model, validation, recipe, command, commit):
    """The card's `evaluation`: the accuracy on the validation's clips."""
    data = (
        f"{recipe.n_validation} clips of {recipe.seconds:g} s of each class, from sources that training does not have, "
        f"seed {recipe.seed}; the epoch was chosen on the same clips"
    )
    found = train.evaluate(model, validation, recipe)
    return {"command": command, "commit": commit, "data": data} | found


def main():
    given = arguments()
    spread = distribution.distribute(given.distribution)
    changes = {key: getattr(given, key) for key in ("name", "epochs", "steps", "learning_rate", "seed")}
    recipe = train.Recipe.read(given.config, **changes)
    command, start = " ".join(["python", *sys.argv]), provenance.commit()
    sounds, validation = (train.read_sounds(given.data, split) for split in SPLITS)
    verbose = 1 if sys.stdout.isatty() else 2
    model, facts, minutes = train.train(recipe, sounds, validation, given.runs, verbose, spread)
    if not spread.disband():
        return
    found = evaluation(model, validation, recipe, command, start)
    value, low, high = found["accuracy"]
    print(f"accuracy {value:.3f} [{low:.3f}, {high:.3f}] on {found['n']} clips of {found['n_sources']} sources")
    about = provenance.training_card(
        "texture", recipe, model, facts, minutes, command, start, classes=list(model.classes), evaluation=found
    )
    _, noisy = golden.voices_in_noise(model.sample_rate, (10, 30))
    preset.save(model, Path(given.output) / recipe.name, card=read_words(given.config) | about, golden=[noisy])


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"train_texture: {error}")
