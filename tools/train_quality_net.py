"""Train a Quality-Net checkpoint: draw pairs, label them, fit, save, evaluate.

    python tools/train_quality_net.py tools/configs/quality-net-lite-pesq-wb-16k.toml

The same command goes on after an interruption. KERAS_BACKEND=jax trains on JAX (and on its accelerator).
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from zoo.checkpoint import golden, preset, provenance
from zoo.errors import InputError
from zoo.quality_net import evaluated as card
from zoo.quality_net.train import Recipe, train
from zoo.training import distribution
from zoo.training.run import read_words

ROOT = Path(__file__).resolve().parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", help="TOML file: a recipe, and a [card] table with its words")
    parser.add_argument("--data", default=os.environ.get("ZOO_DATA", "../shared/data"), help="recordings (ZOO_DATA)")
    parser.add_argument("--runs", default="runs", help="pairs, labels and training states (default: runs)")
    parser.add_argument(
        "--output", default=ROOT / "checkpoints", help="where the checkpoint goes (default: checkpoints)"
    )
    parser.add_argument("--name", help="of the checkpoint, instead of the config's")
    parser.add_argument(
        "--metric", help="pesq-wb, pesq-nb, stoi, or package.module:function(reference, degraded, rate)"
    )
    parser.add_argument("--metric-range", type=float, nargs=2, help="scores of a function that become 0 and 1")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--n-train", type=int, help="pairs")
    parser.add_argument("--n-validation", type=int, help="pairs")
    parser.add_argument("--n-test", type=int, help="pairs")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--jobs", type=int, default=-1, help="processes for pairs and labels (default: all cores)")
    distribution.add_argument(parser)
    return parser.parse_args()


def main():
    given = vars(arguments())
    config, data, runs = given.pop("config"), given.pop("data"), given.pop("runs")
    output, jobs = Path(given.pop("output")), given.pop("jobs")
    spread = distribution.distribute(given.pop("distribution"))
    recipe = Recipe.read(config, **given)
    words = read_words(config)
    command, start = " ".join(["python", *sys.argv]), provenance.commit()
    model, facts, minutes = train(recipe, data, runs, jobs, distribution=spread)
    if not spread.disband():
        return
    directory = output / recipe.name
    about = words | provenance.training_card(
        "quality_net", recipe, model, facts, minutes, command, start, metric=recipe.target().metric
    )
    preset.save(model, directory, card=about, golden=golden.voices_in_noise(model.sample_rate, (5, 20)))
    bundled = directory.resolve().parent == ROOT / "checkpoints"
    again = f"python tools/evaluate.py quality-net --checkpoint {recipe.name if bundled else f'{directory}/'}"
    preset.write_card(directory, card.evaluated_card(directory, about, recipe, data, runs, again, jobs))


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"train_quality_net: {error}")
