"""Write the checkpoint of random networks for textures: a configuration and a seed, no weights.

    python tools/make_texture_ensemble.py tools/configs/texture-ensemble-16k.toml

A card that is there keeps its evaluation.
"""

import argparse
import os
import sys
from pathlib import Path
from types import SimpleNamespace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from zoo.checkpoint import preset, provenance, registry
from zoo.checkpoint.card import card_words, training_card
from zoo.errors import InputError
from zoo.texture.model import RandomConvEnsemble
from zoo.training.config import read_config

ROOT = Path(__file__).resolve().parent.parent
FRAMES = 70  # of the golden spectrogram


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("config", help="TOML file: name, seed, options of the networks, and a [card] with its words")
    parser.add_argument("--output", default=ROOT / "checkpoints", help="where it goes (default: checkpoints)")
    arguments = parser.parse_args()
    config = read_config(arguments.config)
    recipe = SimpleNamespace(**config.fields)
    command, target = " ".join(["python", *sys.argv]), Path(arguments.output) / recipe.name
    model = RandomConvEnsemble(seed=recipe.seed, **recipe.options)
    words = card_words(config.card)
    card = training_card(config.family, recipe, model, {}, 0.0, command, provenance.commit(), words)
    if (target / "card.json").exists():
        card |= {key: value for key, value in registry.info(target).items() if key == "evaluation"}
    golden = np.random.default_rng(0).random((1, FRAMES, model.bins)).astype("float32")
    preset.save(model, target, card=card, golden=[golden])


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"make_texture_ensemble: {error}")
