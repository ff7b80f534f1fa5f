"""What every recipe keeps while it trains: its folder, its log, its best weights, the state to go on from; when it ends.

And the training itself of classifiers of sounds, which is the same in two rooms.
"""

import csv
import json
import math
import shutil
import time
import tomllib
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np

from zoo.errors import InputError
from zoo.files import atomic_write

_NEVER = 10**12  # batches


def read_facts(path):
    """What a recipe's TOML file says, without its [card] table, whose words are for the checkpoint's card.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        facts = tomllib.loads(Path(path).read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"cannot read the recipe {path}: {error}") from None
    facts.pop("card", None)
    return facts


def read_recipe(cls, path, **changes):
    """A recipe, a dataclass `cls`, from a TOML file; `changes` that are not None take the place of what it says.

    Raises:
        InputError: the file cannot be read, or says what `cls` does not know.
    """
    try:
        return cls(**read_facts(path) | {key: value for key, value in changes.items() if value is not None})
    except TypeError as error:
        raise InputError(f"cannot read the recipe {path}: {error}") from None


def read_words(config):
    """The [card] table of a recipe's TOML file: what it is, its data, licences, departures and limits, in words."""
    words = tomllib.loads(Path(config).read_text()).get("card", {})
    unsaid = {"description": "not stated", "data": "not stated", "departures": [], "limits": []}
    return unsaid | {"licence": dict.fromkeys(("code", "weights", "data"), "not stated")} | words


def open_run(folder, recipe, **data):
    """Make the folder of a run; one that another recipe has begun, or on other `data`, is refused, not continued."""
    folder.mkdir(parents=True, exist_ok=True)
    facts, path = json.dumps(asdict(recipe) | data, indent=1), folder / "recipe.json"
    if path.exists() and path.read_text() != facts:
        raise InputError(
            f"{folder} holds the run of another recipe, or one on other data: delete it, or give another --name"
        )
    if not path.exists():
        with atomic_write(path) as part:
            part.write_text(facts)


def read_log(log):
    """The epochs of a training log, a dict of strings each; of an epoch that was done twice, the last."""
    if not log.exists():
        return []
    with open(log, newline="") as file:
        return list({row["epoch"]: row for row in csv.DictReader(file)}.values())


class Epoch(keras.callbacks.Callback):
    """Ties what is drawn to the epoch's number, so that a resumed training sees what an uninterrupted one would.

    That is the batches, and the masks of dropout, whose seeds Keras does not keep in the state to resume from. Also
    adds the epoch's `seconds` to the log.

    Args:
        batches: a dataset with `shuffle(epoch)`. Keras's own order of batches would not survive an interruption.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.monotonic()
        self.batches.shuffle(epoch)
        for variable in self.model.variables:
            if variable.name == "seed_generator_state":
                seed, _ = keras.ops.convert_to_numpy(variable)
                variable.assign([seed, epoch * len(self.batches)])

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = time.monotonic() - self.start


def checkpoint_callbacks(folder, begun, monitor, mode, start=(), leads=True):
    """Callbacks that keep the best weights (best.weights.h5), the log (log.csv), and the state to resume from (state/).

    Args:
        folder: of the run.
        begun: the log so far, as `read_log` gives it.
        monitor: column of the log that says which epoch is best.
        mode: "min" or "max" of it.
        start: its value before the first epoch, in a list, where best.weights.h5 holds those weights.
        leads: whether this process writes; another one only reads the state to go on from.
    """
    if not leads:
        return [keras.callbacks.BackupAndRestore(folder / "state", save_freq=_NEVER, delete_checkpoint=False)]
    values = [*start, *(float(row[monitor]) for row in begun)]
    return [
        keras.callbacks.ModelCheckpoint(
            folder / "best.weights.h5",
            monitor=monitor,
            mode=mode,
            save_best_only=True,
            save_weights_only=True,
            initial_value_threshold=(min if mode == "min" else max)(values, default=None),
        ),
        keras.callbacks.CSVLogger(folder / "log.csv", append=bool(begun)),
        keras.callbacks.BackupAndRestore(folder / "state", delete_checkpoint=False),
    ]


class StopWhenNoBetter(keras.callbacks.Callback):
    """Ends the training when the best epoch lies `patience` epochs back, counting those before an interruption.

    Keras's EarlyStopping forgets what it has seen when a training is resumed.

    Args:
        monitor: column of the log.
        mode: "min" or "max" of it.
        patience: epochs.
        begun: values of the epochs before.

    Raises:
        InputError: the loss is no longer finite.
    """

    def __init__(self, monitor, mode, patience, begun=()):
        super().__init__()
        self.monitor, self.sign, self.patience = monitor, -1 if mode == "min" else 1, patience
        self.values = list(begun)

    def ended(self):
        """Whether `patience` epochs have passed since the best one."""
        if not self.values:
            return False
        return len(self.values) - 1 - int(np.nanargmax(self.sign * np.array(self.values))) >= self.patience

    def on_epoch_end(self, epoch, logs=None):
        if not np.isfinite(logs["loss"]):
            raise InputError(f"the loss is {logs['loss']} after epoch {epoch + 1}: lower the learning rate")
        self.values.append(logs[self.monitor])
        self.model.stop_training = self.ended()


class Held(keras.utils.PyDataset):
    """Arrays in memory in batches, in their order: what validation is done on.

    Args:
        arrays: one, or several of one length, of which a batch has a tuple.
        batch_size: examples in a batch; the last may be smaller.

    Example:
        >>> [len(x) for x in Held((np.zeros(5),), 2)]
        [1, 1, 1]
    """

    def __init__(self, arrays, batch_size):
        super().__init__()
        self.arrays, self.batch_size = arrays, batch_size

    def __len__(self):
        return math.ceil(len(self.arrays[0]) / self.batch_size)

    def __getitem__(self, index):
        chosen = slice(index * self.batch_size, (index + 1) * self.batch_size)
        return tuple(array[chosen] for array in self.arrays)


def fit_classifier(model, recipe, clips, held, folder, from_logits, distribution, verbose="auto"):
    """Train a classifier of clips, or go on with it; it ends with the weights of its best epoch.

    Categorical cross-entropy; Adam, whose rate falls to 0 by a cosine, with gradients clipped at a norm of 1.

    Args:
        model: keras.Model, waveform (batch, samples) -> (batch, classes), made in the scope of the distribution.
        recipe: with `learning_rate`, `batch_size`, `steps` and `epochs`.
        clips: the batches of an epoch, a `zoo.data.clips.Clips`.
        held: clips and targets that say which epoch is best.
        folder: of the run.
        from_logits: whether the model gives log-odds, not probabilities.
        distribution: over which devices, a `zoo.training.distribution.Distribution`.
        verbose: as for `keras.Model.fit`.

    Returns:
        facts: {"best_epoch", "val_accuracy", "curve"}; accuracies are shares 0..1.
        minutes: spent in the epochs, those before an interruption too.
    """
    schedule = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, recipe.epochs * recipe.steps)
    begun = read_log(folder / "log.csv")
    with distribution.scope():
        model.compile(
            keras.optimizers.Adam(schedule, global_clipnorm=1.0),
            loss=keras.losses.CategoricalCrossentropy(from_logits=from_logits),
            metrics=["accuracy"],
            jit_compile=keras.backend.backend() == "jax",  # XLA's convolutions are slow on a CPU
        )
        model(np.zeros((2, clips.samples), "float32"))
        model.optimizer.build(model.trainable_variables)  # a resumed training restores only a built one
    if len(begun) < recipe.epochs:
        callbacks = [
            Epoch(clips),
            *checkpoint_callbacks(folder, begun, "val_accuracy", "max", leads=distribution.leads),
        ]
        distribution.fit(model, clips, Held(held, recipe.batch_size), callbacks, recipe.epochs, verbose)
    model.load_weights(folder / "best.weights.h5")
    rows = read_log(folder / "log.csv")
    shutil.rmtree(folder / "state", ignore_errors=True)
    return _accuracy_curve(rows), sum(float(row["seconds"]) for row in rows) / 60


def _accuracy_curve(rows):
    curve = {"epoch": list(range(1, len(rows) + 1))}
    columns = ("loss", "accuracy", "val_accuracy")
    curve |= {name: [round(float(row[name]), 4) for row in rows] for name in columns}
    best = int(np.argmax([float(row["val_accuracy"]) for row in rows]))
    return {"best_epoch": curve["epoch"][best], "val_accuracy": curve["val_accuracy"][best], "curve": curve}
