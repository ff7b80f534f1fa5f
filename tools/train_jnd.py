"""Train a JND metric on listeners' answers, or the features it starts from: render, train, save.

    python tools/train_jnd.py tools/configs/jnd-22k.toml --seeds 0 1 2
    python tools/train_jnd.py tools/configs/jnd-pre-22k.toml
    python tools/train_jnd.py tools/configs/jnd-pre-22k.toml --dcase TUT-acoustic-scenes/ --name my-pre --output my/

A recipe without a network is one of features: trained on environmental sounds, with a head on the answers. Of several
seeds the one with the lowest cross-entropy on the validation's answers is kept; the card tells of all. The
same command goes on after an interruption. KERAS_BACKEND=jax trains on JAX (and on its accelerator).
"""

import argparse
import dataclasses
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from zoo.checkpoint import golden, preset, provenance
from zoo.data.environment import SPLITS
from zoo.errors import InputError
from zoo.jnd import batches, pretrain, train
from zoo.jnd.judgments import read_judgments
from zoo.training import distribution
from zoo.training.run import read_facts, read_words

ROOT = Path(__file__).resolve().parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", help="TOML file: a recipe, and a [card] table with its words")
    parser.add_argument("--data", default=os.environ.get("ZOO_DATA", "../shared/data"), help="recordings (ZOO_DATA)")
    parser.add_argument("--judgments", metavar="DIR", help="tables of answers (default: jnd_judgments in --data)")
    parser.add_argument("--dcase", metavar="DIR", help="DCASE 2016 recordings for the features, instead of --data")
    parser.add_argument("--runs", default="runs", help="rendered pairs and training states (default: runs)")
    parser.add_argument(
        "--output", default=ROOT / "checkpoints", help="where the checkpoint goes (default: checkpoints)"
    )
    parser.add_argument("--name", help="of the checkpoint, instead of the config's")
    parser.add_argument("--start", help="checkpoint to start from, instead of the config's")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--seeds", type=int, nargs="+", help="one training each (default: the config's)")
    parser.add_argument("--jobs", type=int, default=-1, help="processes for rendering (default: all cores)")
    distribution.add_argument(parser)
    return parser.parse_args()


def rendered_answers(given, renders):
    """The training's and the validation's judged pairs."""
    judgments, dropped = read_judgments(given.judgments or Path(given.data) / "jnd_judgments")
    for (table, reason), rows in dropped.items():
        print(f"{table}: {rows} rows are left out: each {reason}")
    return [
        batches.prepare(judgments, given.data, given.runs, split, count, given.jobs)
        for split, count in (("train", renders), ("validation", 1))
    ]


def train_metric(given, recipe, verbose, spread):
    """The best of the seeds: its recipe, model and facts; and the minutes of all."""
    if given.dcase:
        raise InputError("--dcase is for recipes of features; this one trains a metric")
    with spread.leader_first():
        answers = rendered_answers(given, recipe.renders)
        ladders = batches.prepare_ladders(recipe, given.data, given.runs, given.jobs)
    seeded = {seed: dataclasses.replace(recipe, seed=seed) for seed in given.seeds or [recipe.seed]}
    trained = {seed: train.train(one, *answers, ladders, given.runs, verbose, spread) for seed, one in seeded.items()}
    losses = {seed: min(facts["curve"]["val_loss"]) for seed, (_, facts, _) in trained.items()}
    best = min(losses, key=losses.get)
    model, facts, _ = trained[best]
    facts["seeds"] = [{"seed": seed, "cross_entropy": loss} for seed, loss in losses.items()]
    return seeded[best], model, facts, sum(minutes for _, _, minutes in trained.values())


def train_features(given, recipe, verbose, spread):
    """Features: their recipe, model and facts; and the minutes."""
    seed, *more = given.seeds or [recipe.seed]
    if more or given.start:
        raise InputError("features are trained from one seed and from nothing: give one of --seeds, and no --start")
    recipe = dataclasses.replace(recipe, seed=seed)
    sounds = [pretrain.read_sounds(given.data, split, given.dcase) for split in SPLITS]
    return recipe, *pretrain.pretrain(recipe, *sounds, given.runs, verbose, spread)


def main():
    given = arguments()
    spread = distribution.distribute(given.distribution)
    of_metric = "network" in read_facts(given.config)
    changes = {key: getattr(given, key) for key in ("name", "epochs", "learning_rate")}
    changes |= {"start": given.start} if of_metric else {}
    recipe = (train if of_metric else pretrain).Recipe.read(given.config, **changes)
    command, start = " ".join(["python", *sys.argv]), provenance.commit()
    recipe, model, facts, minutes = (train_metric if of_metric else train_features)(
        given, recipe, 1 if sys.stdout.isatty() else 2, spread
    )
    if not spread.disband():
        return
    if not of_metric:  # a head on the answers; the distance has no part in features
        facts |= {"head": train.fit_head(model, *rendered_answers(given, 1), recipe.seed)}
    about = provenance.training_card("jnd", recipe, model, facts, minutes, command, start)
    inputs = golden.voices_in_noise(model.sample_rate, (10, 30))
    preset.save(model, Path(given.output) / recipe.name, card=read_words(given.config) | about, golden=inputs)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"train_jnd: {error}")
