"""What every recipe keeps while it trains: its folder, its log, its best weights, the state to go on from."""

import csv
import json
import time
import tomllib
from dataclasses import asdict
from pathlib import Path

import keras

from zoo.errors import InputError


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


def claim(folder, recipe, **data):
    """Make the folder of a run; one that another recipe has begun, or on other `data`, is refused, not continued."""
    folder.mkdir(parents=True, exist_ok=True)
    facts, path = json.dumps(asdict(recipe) | data, indent=1), folder / "recipe.json"
    if path.exists() and path.read_text() != facts:
        raise InputError(
            f"{folder} holds the run of another recipe, or one on other data: delete it, or give another --name"
        )
    path.write_text(facts)


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


def keepers(folder, begun, monitor, mode, start=()):
    """Callbacks that keep the best weights (best.weights.h5), the log (log.csv), and the state to resume from (state/).

    Args:
        folder: of the run.
        begun: the log so far, as `read_log` gives it.
        monitor: column of the log that says which epoch is best.
        mode: "min" or "max" of it.
        start: its value before the first epoch, in a list, where best.weights.h5 holds those weights.
    """
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
