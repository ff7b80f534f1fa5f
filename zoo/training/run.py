"""The run of a training: its folder, where it goes on after an interruption, and what its log says in the end."""

import csv
import json
import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.base.files import atomic_write
from zoo.errors import InputError
from zoo.training.callbacks import Epoch, StopWhenNoBetter, checkpoint_callbacks
from zoo.training.distribution import ONE_DEVICE, Distribution


class Run:
    """A training's folder: recipe.json, log.csv, best.weights.h5, and state/, from which Keras resumes.

    A folder that holds the run of another recipe, or one on other data, is refused.

    Args:
        folder: made where it is not there.
        recipe: a dataclass with `epochs`, the most that there may be.
        monitor: column of the log that says which epoch is best.
        mode: "min" or "max" of it.
        patience: epochs without a better one after which it ends; None for all the epochs.
        distribution: over which devices.
        data: {name: value} that tells the data from others, such as a digest of the first batch.

    Attributes:
        start: values of the log's columns before the first epoch; empty unless `measure_start` was called.

    Raises:
        InputError: the folder holds another run.

    Example:
        >>> import dataclasses, tempfile
        >>> Recipe = dataclasses.make_dataclass("Recipe", ["name", "epochs"])
        >>> run = Run(tempfile.mkdtemp(), Recipe("mine", 3), "val_loss")
        >>> run.finished(), run.log()
        (False, [])
    """

    def __init__(
        self,
        folder: Path | str,
        recipe: Any,
        monitor: str,
        mode: str = "min",
        patience: int | None = None,
        distribution: Distribution = ONE_DEVICE,
        data: dict | None = None,
    ):
        self.folder, self.recipe, self.monitor, self.mode = Path(folder), recipe, monitor, mode
        self.patience, self.distribution, self.start = patience, distribution, {}
        with distribution.leader_first():
            open_run(self.folder, recipe, data)

    def measure_start(self, model: keras.Model, measure: Callable[[], dict]) -> None:
        """Measure before the first epoch; the weights at hand are then the best ones until an epoch is better."""
        path = self.folder / "start.json"
        if not self.log():
            path.write_text(json.dumps(measure()))
            model.save_weights(self.folder / "best.weights.h5")
        self.start = json.loads(path.read_text())

    def log(self) -> list[dict[str, str]]:
        """The epochs so far, a dict each; of an epoch that was done twice, the last."""
        return read_log(self.folder / "log.csv")

    def values(self) -> list[float]:
        """The monitor's values so far, that of the start first, if it has one."""
        rows = [row for row in (self.start, *self.log()) if row.get(self.monitor) is not None]
        return [float(row[self.monitor]) for row in rows]

    def finished(self) -> bool:
        """Whether all epochs are done, or no better one has come for long enough."""
        return len(self.log()) >= self.recipe.epochs or any(stop.ended() for stop in self._stops())

    def fit(
        self,
        model: keras.Model,
        batches: keras.utils.PyDataset,
        held_back: keras.utils.PyDataset | None,
        callbacks: Sequence[keras.callbacks.Callback] | None = None,
        verbose: int | str = "auto",
    ) -> None:
        """Train a model, or go on with it, unless it is finished.

        Args:
            model: compiled, made in the scope of the distribution, with a built optimizer: Keras restores no other.
            batches: with `shuffle(epoch)`.
            held_back: what the monitor's validation is done on, if it needs any.
            callbacks: to go before those that write; among them an `Epoch`. None for `Epoch` alone.
            verbose: as for `keras.Model.fit`.
        """
        if self.finished():
            return
        if callbacks is None:
            callbacks = [Epoch(batches)]
        leads = self.distribution.leads
        callbacks = [
            *callbacks,
            *checkpoint_callbacks(self.folder, self.monitor, self.mode, self.values(), leads),
            *self._stops(),
        ]
        self.distribution.fit(model, batches, held_back, callbacks, self.recipe.epochs, verbose)

    def restore_best(self, model: keras.Model) -> None:
        """Give a model the weights of the best epoch, and delete the state to resume from.

        Raises:
            InputError: no epoch has a value of the monitor.
        """
        path = self.folder / "best.weights.h5"
        if not path.exists():
            raise InputError(f"no epoch has a {self.monitor} that is a number: lower the learning rate")
        model.load_weights(path)
        shutil.rmtree(self.folder / "state", ignore_errors=True)

    def best(self) -> int:
        """The best epoch, counted from 1."""
        values = np.array([float(row[self.monitor]) for row in self.log()])
        return 1 + int(np.nanargmin(values) if self.mode == "min" else np.nanargmax(values))

    def curve(self, columns: Sequence[str], digits: int = 4) -> dict[str, list]:
        """The log as a card has it: {"epoch": [1, 2, ...], column: [value, ...]}."""
        rows = self.log()
        values = {name: [round(float(row[name]), digits) for row in rows] for name in columns}
        return {"epoch": list(range(1, len(rows) + 1))} | values

    def minutes(self) -> float:
        """Time spent in the epochs, those before an interruption too."""
        return sum(float(row["seconds"]) for row in self.log()) / 60

    def _stops(self):
        if self.patience is None:
            return []
        return [StopWhenNoBetter(self.monitor, self.mode, self.patience, self.values())]


def without_optimizer(fresh: keras.Model, trained: keras.Model) -> keras.Model:
    """The fresh network with the weights of the trained one, whose optimizer would treble a checkpoint."""
    fresh.set_weights(trained.get_weights())
    return fresh


def open_run(folder: Path, recipe: Any, data: dict | None = None) -> None:
    """Make the folder of a run; that of another recipe, or of one on other `data`, is refused.

    Raises:
        InputError: the folder holds another run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text, path = json.dumps(asdict(recipe) | (data or {}), indent=1), folder / "recipe.json"
    if path.exists() and path.read_text() != text:
        raise InputError(
            f"{folder} holds the run of another recipe, or one on other data: delete it, or give another --name"
        )
    if not path.exists():
        with atomic_write(path) as temporary:
            temporary.write_text(text)


def read_log(path: Path) -> list[dict[str, str]]:
    """The epochs of a training log, a dict each; of an epoch that was done twice, the last."""
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list({row["epoch"]: row for row in csv.DictReader(file)}.values())


class ArrayBatches(keras.utils.PyDataset):
    """Batches of arrays in memory, in their order: what validation is done on.

    Args:
        arrays: one or several arrays of one length; a batch is a tuple of their parts.
        batch_size: examples in a batch; the last may be smaller.

    Example:
        >>> [len(x) for (x,) in ArrayBatches((np.zeros(5),), 2)]
        [2, 2, 1]
    """

    def __init__(self, arrays: Sequence[np.ndarray], batch_size: int):
        super().__init__()
        self.arrays, self.batch_size = arrays, batch_size

    def __len__(self):
        return math.ceil(len(self.arrays[0]) / self.batch_size)

    def __getitem__(self, index):
        rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
        return tuple(array[rows] for array in self.arrays)
