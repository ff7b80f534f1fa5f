"""Train a separator on music in stems: remix, fit, keep the best epoch, save.

    python tools/prepare_music.py --output runs/music
    python tools/train_separation.py tools/configs/chandna-4stem-44k.toml
    python tools/train_separation.py tools/configs/chandna-4stem-44k.toml --tracks MUSDB18-HQ --name mine --output my/

The same command goes on after an interruption. KERAS_BACKEND=jax trains on JAX (and on its accelerator).
"""

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from zoo.checkpoint import preset, provenance
from zoo.errors import InputError
from zoo.separation.tracks import find_tracks, read_kinds
from zoo.separation.train import Recipe, train
from zoo.training import distribution
from zoo.training.run import read_words

ROOT = Path(__file__).resolve().parent.parent


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", help="TOML file: a recipe, and a [card] table with its words")
    parser.add_argument(
        "--tracks",
        default="runs/music",
        help="folder with train/ and validation/, as prepare_music.py and MUSDB18-HQ have them (default: runs/music)",
    )
    parser.add_argument("--runs", default="runs", help="training states (default: runs)")
    parser.add_argument(
        "--output", default=ROOT / "checkpoints", help="where the checkpoint goes (default: checkpoints)"
    )
    parser.add_argument("--name", help="of the checkpoint, instead of the config's")
    parser.add_argument("--epochs", type=int, help="most epochs")
    parser.add_argument("--steps", type=int, help="batches in an epoch")
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--seed", type=int)
    distribution.add_argument(parser)
    return parser.parse_args()


def read_splits(folder):
    """Training and validation tracks; of a folder without validation/, every tenth of the training's is held back."""
    tracks = find_tracks(folder, "train", partial=True)
    if (Path(folder) / "validation").is_dir():
        return tracks, find_tracks(folder, "validation")
    held = [track for track in tracks if len(track.sources) == 4][::10]
    return [track for track in tracks if track not in held], held


def golden(sample_rate):
    """Half a second of a chord with clicks, float32 (1, samples)."""
    time = np.arange(sample_rate // 2) / sample_rate
    chord = sum(np.sin(2 * np.pi * f * time) for f in (70, 220, 554, 1320)) / 8
    return (chord + 0.3 * (time % 0.125 < 1e-3))[None].astype("float32")


def main():
    given = arguments()
    spread = distribution.distribute(given.distribution)
    changes = {key: getattr(given, key) for key in ("name", "epochs", "steps", "learning_rate", "seed")}
    recipe = Recipe.read(given.config, **changes)
    command, start = " ".join(["python", *sys.argv]), provenance.commit()
    tracks, validation = read_splits(given.tracks)
    verbose = 1 if sys.stdout.isatty() else 2
    model, facts, minutes = train(recipe, tracks, validation, given.runs, read_kinds(given.tracks), verbose, spread)
    if not spread.disband():
        return
    own = {"sources": list(model.sources), "latency": round(model.latency, 4), "n_tracks": len(tracks)}
    about = provenance.training_card("separation", recipe, model, facts, minutes, command, start, **own)
    card = read_words(given.config) | about
    preset.save(model, Path(given.output) / recipe.name, card=card, golden=[golden(model.sample_rate)])


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"train_separation: {error}")
