"""The recipe: squared error on noise of known levels."""

from dataclasses import asdict, dataclass

import keras
import numpy as np

from zoo.backend import jit
from zoo.toy.model import LevelMetric, noise_pairs
from zoo.training.checkpoint import Trained
from zoo.training.run import Run, without_optimizer


@dataclass(frozen=True)
class Recipe:
    """Everything that a training depends on."""

    name: str
    n_train: int = 64
    epochs: int = 200
    learning_rate: float = 0.5
    seed: int = 0

    def model(self):
        """A fresh network."""
        keras.utils.set_random_seed(self.seed)
        return LevelMetric()


class Pairs(keras.utils.PyDataset):
    """One batch of all pairs."""

    def __init__(self, count, seed):
        super().__init__()
        reference, degraded, self.gains = noise_pairs(count, seed)
        self.pair = (reference, degraded)

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.pair, self.gains

    def shuffle(self, epoch):
        """The order stays."""


def add_arguments(parser):
    """Add the family's own options to tools/train.py."""
    parser.add_argument("--n-train", type=int, help="pairs")


def train_config(config, options, distribution):
    """Train as a config and the options of tools/train.py say."""
    recipe = config.recipe(Recipe, vars(options))
    run = Run(f"{options.runs}/{recipe.name}", recipe, "val_loss", distribution=distribution)
    pairs, held_back = Pairs(recipe.n_train, recipe.seed), Pairs(32, recipe.seed + 1)
    with distribution.scope():
        model = recipe.model()
        model.compile(keras.optimizers.Adam(recipe.learning_rate), loss="mse", jit_compile=jit())
        model.optimizer.build(model.trainable_variables)
    run.fit(model, pairs, held_back, verbose=options.verbose)
    run.restore_best(model)
    facts = {"recipe": asdict(recipe), "best_epoch": run.best(), "curve": run.curve(("loss", "val_loss"))}
    golden = [np.asarray(x[:2]) for x in held_back.pair]
    return Trained(recipe, without_optimizer(recipe.model(), model), facts, run.minutes(), golden)
