"""Callbacks of every recipe: seeds of an epoch, what is written after it, and the end of the training."""

import time
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from zoo.errors import InputError

_NEVER = 10**12  # batches


class Epoch(keras.callbacks.Callback):
    """Seeds an epoch by its number, so that a resumed training sees what an uninterrupted one would.

    It seeds the batches, and the masks of dropout, whose seeds Keras does not keep in the state to resume from. It also
    adds the epoch's `seconds` to the log.

    Args:
        batches: a dataset with `shuffle(epoch)`. Keras's own order of batches would not survive an interruption.
    """

    def __init__(self, batches: keras.utils.PyDataset):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.monotonic()
        self.batches.shuffle(epoch)
        for variable in self.model.variables:
            if variable.name == "seed_generator_state":
                seed, _ = keras.ops.convert_to_numpy(variable)
                variable.assign([seed, epoch * len(self.batches)])
                _seed_dropout(int(seed) + epoch)

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = time.monotonic() - self.start


def _seed_dropout(seed):
    """Seed PyTorch's own generator, from which Keras's dropout draws there."""
    if keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(seed)


def checkpoint_callbacks(
    folder: Path, monitor: str, mode: str, values: Sequence[float] = (), leads: bool = True
) -> list[keras.callbacks.Callback]:
    """Callbacks that write the best weights (best.weights.h5), the log (log.csv), and the state to resume from (state/).

    Args:
        folder: of the run.
        monitor: column of the log that says which epoch is best.
        mode: "min" or "max" of it.
        values: of the monitor so far; best.weights.h5 holds the weights of the best of them.
        leads: whether this process writes; another one only reads the state to resume from.
    """
    if not leads:
        return [keras.callbacks.BackupAndRestore(folder / "state", save_freq=_NEVER, delete_checkpoint=False)]
    return [
        keras.callbacks.ModelCheckpoint(
            folder / "best.weights.h5",
            monitor=monitor,
            mode=mode,
            save_best_only=True,
            save_weights_only=True,
            initial_value_threshold=(min if mode == "min" else max)(values, default=None),
        ),
        keras.callbacks.CSVLogger(folder / "log.csv", append=True),
        keras.callbacks.BackupAndRestore(folder / "state", delete_checkpoint=False),
    ]


class StopWhenNoBetter(keras.callbacks.Callback):
    """Ends the training when the best epoch lies `patience` epochs back, counting those before an interruption.

    Keras's EarlyStopping forgets the epochs before an interruption.

    Args:
        monitor: column of the log.
        mode: "min" or "max" of it.
        patience: epochs.
        values: of the monitor in the epochs so far.

    Raises:
        InputError: the loss is no longer finite.

    Example:
        >>> StopWhenNoBetter("val_loss", "min", patience=2, values=[3.0, 1.0, 2.0, 2.0]).ended()
        True
    """

    def __init__(self, monitor: str, mode: str, patience: int, values: Sequence[float] = ()):
        super().__init__()
        self.monitor, self.sign, self.patience = monitor, -1 if mode == "min" else 1, patience
        self.values = list(values)

    def ended(self) -> bool:
        """Whether `patience` epochs have passed since the best one."""
        if not self.values:
            return False
        return len(self.values) - 1 - int(np.nanargmax(self.sign * np.array(self.values))) >= self.patience

    def on_epoch_end(self, epoch, logs=None):
        if not np.isfinite(logs["loss"]):
            raise InputError(f"the loss is {logs['loss']} after epoch {epoch + 1}: lower the learning rate")
        self.values.append(logs[self.monitor])
        self.model.stop_training = self.ended()
