"""The training of a classifier of sounds, which two families share."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.backend import jit
from zoo.data.clips import Clips, held_back, shared_classes
from zoo.data.environment import LabelledRecording
from zoo.training.distribution import ONE_DEVICE, Distribution
from zoo.training.run import ArrayBatches, Run


def train_classifier(
    recipe: Any,
    network: Callable[[list[str]], keras.Model],
    sounds: Sequence[LabelledRecording],
    validation: Sequence[LabelledRecording],
    runs: Path | str,
    sample_rate: int,
    from_logits: bool,
    verbose: int | str = "auto",
    distribution: Distribution = ONE_DEVICE,
) -> tuple[keras.Model, dict, float]:
    """Train a classifier of clips, or go on with it.

    Categorical cross-entropy; Adam, whose rate falls to 0 by a cosine, with gradients clipped at a norm of 1.

    Args:
        recipe: a dataclass with `name`, `learning_rate`, `batch_size`, `steps`, `epochs`, and what
            `zoo.data.clips.Clips` and `held_back` need.
        network: makes a fresh network of so many classes: waveform (batch, samples) -> (batch, classes).
        sounds, validation: recordings at `sample_rate`, of the same classes.
        runs: folder for training states.
        sample_rate: in Hz.
        from_logits: whether the network gives log-odds, not probabilities.
        verbose: as for `keras.Model.fit`.
        distribution: over which devices.

    Returns:
        model: with the weights of the epoch that was best on the validation clips.
        facts: {"recipe", "classes", "n_train", "n_validation", "best_epoch", "val_accuracy", "curve"}; n_ are
            recordings, accuracies shares 0..1 of clips, evenly over classes; those of training are on mixtures too.
        minutes: spent in the epochs, those before an interruption too.

    Raises:
        InputError: a class is in one list only, or the run is another recipe's.
    """
    classes = shared_classes(sounds, validation)
    clips = Clips(sounds, classes, recipe, sample_rate)
    data = {"first_batch": hashlib.sha256(clips[0][0]).hexdigest()[:16]}
    run = Run(Path(runs) / recipe.name, recipe, "val_accuracy", "max", distribution=distribution, data=data)
    with distribution.scope():
        model = network(classes)
        _compile(model, recipe, clips.samples, from_logits)
    *arrays, _ = held_back(validation, classes, recipe, sample_rate)
    run.fit(model, clips, ArrayBatches(arrays, recipe.batch_size), verbose=verbose)
    run.restore_best(model)
    facts = {"recipe": asdict(recipe), "classes": classes, "n_train": len(sounds), "n_validation": len(validation)}
    return model, facts | _accuracies(run), run.minutes()


def _compile(model, recipe, samples, from_logits):
    schedule = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, recipe.epochs * recipe.steps)
    model.compile(
        keras.optimizers.Adam(schedule, global_clipnorm=1.0),
        loss=keras.losses.CategoricalCrossentropy(from_logits=from_logits),
        metrics=["accuracy"],
        jit_compile=jit(),
    )
    model(np.zeros((2, samples), "float32"))
    model.optimizer.build(model.trainable_variables)  # a resumed training restores only a built one


def _accuracies(run):
    curve = run.curve(("loss", "accuracy", "val_accuracy"))
    return {"best_epoch": run.best(), "val_accuracy": curve["val_accuracy"][run.best() - 1], "curve": curve}
