"""Train a JND metric on listeners' answers, or the features it starts from: render, train, save.

    python tools/train_jnd.py tools/configs/jnd-22k.toml --seeds 0 1 2
    python tools/train_jnd.py tools/configs/jnd-pre-22k.toml

Of several seeds the one with the lowest cross-entropy on the validation's answers is kept; the card tells of all. The
same command goes on after an interruption. KERAS_BACKEND=jax trains on JAX (and on its accelerator).
"""

import argparse
import dataclasses
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from zoo import preset, provenance
from zoo.errors import InputError
from zoo.jnd import card, train
from zoo.jnd.judgments import read_judgments
from zoo.training import read_words

ROOT = Path(__file__).resolve().parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", help="TOML file: a recipe, and a [card] table with its words")
    parser.add_argument("--data", default=os.environ.get("ZOO_DATA", "../shared/data"), help="recordings (ZOO_DATA)")
    parser.add_argument("--judgments", metavar="DIR", help="tables of answers (default: jnd_judgments in --data)")
    parser.add_argument("--runs", default="runs", help="rendered pairs and training states (default: runs)")
    parser.add_argument(
        "--output", default=ROOT / "checkpoints", help="where the checkpoint goes (default: checkpoints)"
    )
    parser.add_argument("--name", help="of the checkpoint, instead of the config's")
    parser.add_argument("--start", help="checkpoint to start from, instead of the config's")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="one training each (default: 0)")
    parser.add_argument("--jobs", type=int, default=-1, help="processes for rendering (default: all cores)")
    return parser.parse_args()


def main():
    given = arguments()
    changes = {key: getattr(given, key) for key in ("name", "start", "epochs", "learning_rate")}
    recipe = train.Recipe.read(given.config, **changes)
    command, start = " ".join(["python", *sys.argv]), provenance.commit()
    judgments, dropped = read_judgments(given.judgments or Path(given.data) / "jnd_judgments")
    for (table, reason), rows in dropped.items():
        print(f"{table}: {rows} rows are left out: each {reason}")
    rendered = [
        train.prepare(judgments, given.data, given.runs, split, renders, given.jobs)
        for split, renders in (("train", recipe.renders), ("validation", 1))
    ]
    ladders = train.prepare_ladders(recipe, given.data, given.runs, given.jobs)
    verbose = 1 if sys.stdout.isatty() else 2
    trained = {}
    for seed in given.seeds:
        seeded = dataclasses.replace(recipe, seed=seed)
        trained[seed] = train.train(seeded, *rendered, ladders, given.runs, verbose)
    losses = {seed: min(facts["curve"]["val_loss"]) for seed, (_, facts, _) in trained.items()}
    best = min(losses, key=losses.get)
    model, facts, minutes = trained[best]
    facts["seeds"] = [{"seed": seed, "cross_entropy": loss} for seed, loss in losses.items()]
    recipe = dataclasses.replace(recipe, seed=best)
    about = read_words(given.config) | card.training_card(recipe, model, facts, minutes, command, start)
    preset.save(model, Path(given.output) / recipe.name, card=about, golden=card.golden_inputs(model.sample_rate))


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"train_jnd: {error}")
