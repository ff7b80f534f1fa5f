"""The recipe of the bundled sound classifier: the environmental sounds of the data, told apart.

Each step is one `tf.function` on TensorFlow and one jitted function on JAX; the same command goes on after an
interruption.
"""

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from zoo.checkpoint import golden
from zoo.data.clips import held_back
from zoo.data.environment import SPLITS, LabelledRecording, read_noise_classes
from zoo.metrics.agreement import grouped_mean
from zoo.texture.classifier import SoundClassifier
from zoo.training.checkpoint import Trained
from zoo.training.classifier import train_classifier
from zoo.training.config import Config, read_recipe
from zoo.training.distribution import ONE_DEVICE, Distribution
from zoo.training.run import without_optimizer

SAMPLE_RATE = 16000


@dataclass(frozen=True)
class Recipe:
    """Everything that a training depends on, besides the data.

    Attributes:
        name: of the checkpoint.
        options: of the network, `zoo.texture.classifier.SoundClassifier`, besides its classes.
        seconds: length of a clip.
        batch_size, steps, epochs: clips in a batch, batches in an epoch, epochs.
        learning_rate: of Adam at the start; it falls to 0 by a cosine.
        mixed: share of the clips that are mixtures of two.
        speed: (slowest, fastest) at which a clip is played.
        n_validation: clips of each class that the accuracy is measured on.
        seed: of the clips, the first weights and the dropout.
    """

    name: str
    options: dict = field(default_factory=dict)
    seconds: float = 2.0
    batch_size: int = 32
    steps: int = 100
    epochs: int = 20
    learning_rate: float = 1e-3
    mixed: float = 0.5
    speed: tuple = (0.8, 1.25)
    n_validation: int = 16
    seed: int = 0

    read = classmethod(read_recipe)

    def model(self, classes):
        """A fresh classifier of these classes, with this recipe's seed."""
        keras.utils.set_random_seed(self.seed)
        return SoundClassifier(classes, **{**self.options, "sample_rate": SAMPLE_RATE})


def read_sounds(data: str | Path, split: str) -> list[LabelledRecording]:
    """The recordings of a split, "train" or "validation", at 16 kHz; see `zoo.data.environment.read_noise_classes`."""
    return read_noise_classes(data, split, SAMPLE_RATE)


def train(
    recipe: Recipe,
    sounds: list[LabelledRecording],
    validation: list[LabelledRecording],
    runs: str | Path,
    verbose: int | str = "auto",
    distribution: Distribution = ONE_DEVICE,
) -> tuple[keras.Model, dict, float]:
    """Train a recipe's classifier, or go on with it.

    Args:
        recipe: a `Recipe`.
        sounds, validation: lists of `zoo.data.environment.LabelledRecording` at 16 kHz, of the same classes.
        runs: folder for training states.
        verbose: as for `keras.Model.fit`.
        distribution: over which devices, a `zoo.training.distribution.Distribution`.

    Returns:
        model: `SoundClassifier` with the weights of the epoch that was best on the validation clips.
        facts: {"recipe", "classes", "n_train", "n_validation", "best_epoch", "val_accuracy", "curve"}; n_ are
            recordings, accuracies shares 0..1 of clips, evenly over classes; those of training are on mixtures too.
        minutes: spent in the epochs, those before an interruption too.

    Raises:
        InputError: a class is in one list only, or the run is another recipe's.

    Example:
        >>> sounds = [read_sounds(data, split) for split in SPLITS]  # needs the recordings  # doctest: +SKIP
        >>> model, facts, minutes = train(Recipe("my-classifier"), *sounds, "runs")  # takes minutes  # doctest: +SKIP
    """
    trained, facts, minutes = train_classifier(
        recipe, recipe.model, sounds, validation, runs, SAMPLE_RATE, False, verbose, distribution
    )
    return without_optimizer(recipe.model(facts["classes"]), trained), facts, minutes


def add_arguments(parser: ArgumentParser) -> None:
    """This family has no options of its own for tools/train.py."""


def train_config(config: Config, options: Namespace, distribution: Distribution) -> Trained:
    """Train the classifier as a config and the options of tools/train.py say; gives `Trained`."""
    recipe = config.recipe(Recipe, vars(options))
    sounds, validation = (read_sounds(options.data, split) for split in SPLITS)
    model, facts, minutes = train(recipe, sounds, validation, options.runs, options.verbose, distribution)
    _, noisy = golden.voices_in_noise(model.sample_rate, (10, 30))
    return Trained(recipe, model, facts, minutes, [noisy], {"classes": list(model.classes)})


def evaluate(model: SoundClassifier, validation: list[LabelledRecording], recipe: Recipe) -> dict:
    """How often a classifier names the class of a clip of the validation.

    The clips are those of `zoo.data.clips.held_back`. Clips of a source rise and fall together, so the intervals
    resample whole sources. The same clips chose the epoch that was kept, which makes the figures a little too good.

    Args:
        model: a `SoundClassifier`.
        validation: list of `zoo.data.environment.LabelledRecording` at the model's rate.
        recipe: the `Recipe`: `seconds`, `n_validation` and `seed` of the clips.

    Returns:
        {"accuracy": [share, low, high] with a 95 % bootstrap interval, higher is better; "chance", of a guess; "n",
        clips; "n_failed", silent ones beside them; "n_sources"; "by_class": {name: share}}; a share is 0..1.

    Example:
        >>> sounds = read_sounds(data, "validation")  # needs the recordings  # doctest: +SKIP
        >>> evaluate(model, sounds, Recipe("mine"))["accuracy"]  # needs the recordings  # doctest: +SKIP
    """
    classes = list(model.classes)
    clips, targets, sources = held_back(validation, classes, recipe, model.sample_rate)
    probabilities = model.probabilities(clips, model.sample_rate)
    failed = np.isnan(probabilities).any(axis=1)
    hits = np.where(failed, np.nan, probabilities.argmax(axis=1) == targets.argmax(axis=1))
    by_class = {
        name: None if failed[of].all() else round(float(np.nanmean(hits[of])), 4)
        for name, of in zip(classes, targets.T > 0, strict=True)
    }
    return {
        "accuracy": list(grouped_mean(hits, sources)),
        "chance": 1 / len(classes),
        "n": int((~failed).sum()),
        "n_failed": int(failed.sum()),
        "n_sources": len(set(sources)),
        "by_class": by_class,
    }
