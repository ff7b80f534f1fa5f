"""Train a speech enhancer: mix, fit, watch true scores, save.

    python tools/train_enhancement.py tools/configs/blstm-mse-16k.toml
    python tools/train_enhancement.py tools/configs/blstm-mse-16k.toml --voice-bank DIR --name my-blstm --output my/

The same command goes on after an interruption. KERAS_BACKEND=jax trains on JAX (and on its accelerator).
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from zoo.checkpoint import golden, preset, provenance
from zoo.enhancement import sources
from zoo.enhancement.train import Recipe, train
from zoo.errors import InputError
from zoo.training import distribution
from zoo.training.run import read_words

ROOT = Path(__file__).resolve().parent.parent


def weighted(text):
    name, _, weight = text.partition("=")
    return name, float(weight or 1.0)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", help="TOML file: a recipe, and a [card] table with its words")
    parser.add_argument("--data", default=os.environ.get("ZOO_DATA", "../shared/data"), help="recordings (ZOO_DATA)")
    parser.add_argument("--voice-bank", metavar="DIR", help="train on Voice Bank-DEMAND instead of --data")
    parser.add_argument("--timit", metavar="DIR", help="train on TIMIT, with --noise, instead of --data")
    parser.add_argument("--noise", metavar="DIR", help="recordings of noise for --timit")
    parser.add_argument("--runs", default="runs", help="training states (default: runs)")
    parser.add_argument(
        "--output", default=ROOT / "checkpoints", help="where the checkpoint goes (default: checkpoints)"
    )
    parser.add_argument("--name", help="of the checkpoint, instead of the config's")
    parser.add_argument("--start", help="checkpoint to start from, instead of the config's")
    parser.add_argument("--loss", type=weighted, nargs="+", metavar="NAME=WEIGHT", help="instead of the config's loss")
    parser.add_argument("--snr-db", type=float, nargs=2, metavar=("LOW", "HIGH"), help="of the training mixtures")
    parser.add_argument("--epochs", type=int, help="most epochs")
    parser.add_argument("--steps", type=int, help="batches in an epoch")
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--jobs", type=int, default=-1, help="processes for true scores (default: all cores)")
    distribution.add_argument(parser)
    return parser.parse_args()


def read_examples(recipe, data, voice_bank, timit, noise):
    """The training source and the validation examples."""
    if bool(timit) != bool(noise) or (timit and voice_bank):
        raise InputError("give --voice-bank, or --timit with --noise, or none of them for --data")
    if voice_bank:
        return sources.train_on_voice_bank(voice_bank, recipe.n_validation)
    if timit:
        return sources.train_on_timit(timit, noise, recipe.snr_db, recipe.n_validation)
    return sources.train_on_data(data, recipe.snr_db, recipe.n_validation)


def main():
    given = vars(arguments())
    config, data, runs = given.pop("config"), given.pop("data"), given.pop("runs")
    output, jobs = Path(given.pop("output")), given.pop("jobs")
    spread = distribution.distribute(given.pop("distribution"))
    corpora = [given.pop(name) for name in ("voice_bank", "timit", "noise")]
    given["loss"] = dict(given["loss"]) if given["loss"] else None
    recipe = Recipe.read(config, **given)
    command, start = " ".join(["python", *sys.argv]), provenance.commit()
    source, validation = read_examples(recipe, data, *corpora)
    verbose = 1 if sys.stdout.isatty() else 2
    model, facts, minutes = train(recipe, source, validation, runs, jobs, verbose, spread)
    if not spread.disband():
        return
    words = read_words(config)
    if any(corpora):  # the config's words are of the data folder
        words |= {"data": f"{' with '.join(filter(None, corpora))}, by the command below", "limits": []}
        words["licence"] = {"code": "MIT", "weights": "not stated", "data": "not stated"}
    about = words | provenance.training_card(
        "enhancement", recipe, model, facts, minutes, command, start, lookahead=model.lookahead
    )
    _, noisy = golden.voices_in_noise(model.sample_rate, (0, 10))
    preset.save(model, output / recipe.name, card=about, golden=[noisy])


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"train_enhancement: {error}")
