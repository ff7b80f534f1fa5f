"""One training on several devices or machines: each has a copy of the network, and a part of every batch.

On TensorFlow it is `tf.distribute`, on JAX `keras.distribution`, which Keras has for JAX alone. Under TensorFlow's
strategy of several machines Keras 3 does not train (keras-team/keras#20585); JAX's does.
"""

import contextlib
import itertools
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import keras
import numpy as np

from zoo.errors import InputError

_LONGEST_WAIT_MS = 7 * 24 * 60 * 60 * 1000
_AHEAD = 3  # batches in memory beside the one that is trained on
_barriers = itertools.count()  # all processes meet at the same barriers, in the same order
_CHOICES = ("devices", "workers")
_HELP = (
    "devices: all GPUs of this machine (else its CPU devices), each a part of every batch; workers, on JAX: those of "
    "several processes, named by KERAS_DISTRIBUTION_JOB_ADDRESSES (of the first, host:port), "
    "KERAS_DISTRIBUTION_NUM_PROCESSES and KERAS_DISTRIBUTION_PROCESS_ID, with one --runs that all can read"
)


def add_argument(parser: ArgumentParser) -> None:
    """Add --distribution to the parser of a tool that trains.

    Example:
        >>> import argparse
        >>> parser = argparse.ArgumentParser()
        >>> add_argument(parser)
        >>> parser.parse_args(["--distribution", "devices"]).distribution
        'devices'
    """
    parser.add_argument("--distribution", choices=_CHOICES, help=_HELP)


@dataclass(frozen=True)
class Distribution:
    """How the batches of a training are shared between devices and processes; by default they are not.

    Attributes:
        strategy: `tf.distribute.Strategy` or `keras.distribution.DataParallel`; None on one device.
        replicas: devices of all processes together; each gets an equal part of every batch.
        shards: parts of a batch, each with the mean of its own losses: on TensorFlow one a replica, on JAX one in all.
        process, processes: number of this process, from 0, and how many there are; process 0 writes the files.
    """

    strategy: object = None
    replicas: int = 1
    shards: int = 1
    process: int = 0
    processes: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes the files of the training."""
        return self.process == 0

    def scope(self) -> contextlib.AbstractContextManager:
        """Context in which the model, its optimizer and its metrics are made."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    @contextlib.contextmanager
    def leader_first(self) -> Iterator[None]:
        """Context that the leading process goes through before the others, which then read the files it wrote there.

        No variable of the distributed model may be set in it: for that, the processes need each other.
        """
        if not self.leads:
            self._meet()
        try:
            yield
        finally:  # so that an error of the leading process is raised in the others too
            if self.leads:
                self._meet()

    def fit(
        self,
        model: keras.Model,
        batches: keras.utils.PyDataset,
        held_back: keras.utils.PyDataset | None,
        callbacks: Sequence[keras.callbacks.Callback],
        epochs: int,
        verbose: int | str = "auto",
    ) -> None:
        """Fit a model that was made in the scope, in the order of its batches; other threads draw the next ones ahead.

        Args:
            model: a compiled `keras.Model`.
            batches, held_back: `keras.utils.PyDataset` of nested arrays with the examples as their first axis, to train
                and to validate on; `held_back` may be None. Several threads may read `batches` at once. Examples at a
                batch's end that the replicas cannot share evenly are left out, in validation too; a batch of fewer
                examples than replicas repeats them.
            callbacks: run in each process on its own, outside of the distribution, when a training or an epoch begins
                or ends.
            epochs, verbose: as for `keras.Model.fit`.
        """
        held_back = None if held_back is None else self._share(held_back)
        if self.shards > 1:
            for layer in model._flatten_layers():
                if isinstance(layer, keras.layers.BatchNormalization):
                    layer.synchronized = True  # statistics of the batch, not of each shard
        # On JAX `fit` needs the scope; on TensorFlow the model knows its own.
        on_jax = isinstance(self.strategy, keras.distribution.DataParallel)
        with self.scope() if on_jax else contextlib.nullcontext(), _draw_ahead(self._share(batches)) as drawn:
            model.fit(
                drawn,
                validation_data=held_back,
                epochs=epochs,
                callbacks=[_LocalCallbacks(callbacks)],
                shuffle=False,
                verbose=verbose,
            )
        self._meet()

    def disband(self) -> bool:
        """Leave the other processes, when the training is over.

        Returns:
            whether this process is the one that saves and evaluates.
        """
        if self.processes > 1:
            import jax

            jax.distributed.shutdown()  # else it waits at its exit for the leading one, and gives up soon
        return self.leads

    def _meet(self):
        if self.processes > 1:
            # JAX's public barrier is a sum over the devices, which times out after minutes; preparing data takes hours.
            from jax._src.distributed import global_state

            global_state.client.wait_at_barrier(f"zoo {next(_barriers)}", _LONGEST_WAIT_MS)

    def _share(self, batches):
        return _Share(batches, self) if self.replicas > 1 else batches


ONE_DEVICE = Distribution()


def distribute(how: str | None) -> Distribution:
    """A `Distribution` over the devices or processes at hand.

    On TensorFlow a recipe that clips gradients clips that of each replica; on JAX that of the whole batch.

    Args:
        how: "devices" or "workers", as --help of the tools says; None for one device. Call it with "workers" before
            anything is computed.

    Raises:
        InputError: "workers" on TensorFlow or without the others' addresses, or Keras runs on neither of the two.

    Example:
        >>> distribute(None).replicas
        1
    """
    backend = keras.backend.backend()
    if how is None:
        return ONE_DEVICE
    if backend == "tensorflow" and how == "devices":
        import tensorflow as tf

        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        strategy = tf.distribute.MirroredStrategy([device.name for device in devices])
        return Distribution(strategy, replicas=len(devices), shards=len(devices))
    if backend != "jax":
        raise InputError(f"--distribution {how} does not work on {backend}: set KERAS_BACKEND=jax")
    if how == "workers":
        try:
            keras.distribution.initialize()
        except (RuntimeError, ValueError) as error:
            raise InputError(f"the workers do not find each other ({error}): see --distribution in --help") from None
    # Each process makes its own part of a batch.
    strategy = keras.distribution.DataParallel(auto_shard_dataset=False)
    devices, processes = len(keras.distribution.list_devices()), strategy.num_processes
    return Distribution(strategy, devices, process=strategy.data_shard_id, processes=processes)


class _LocalCallbacks(keras.callbacks.Callback):
    """Callbacks that run outside of the distribution."""

    def __init__(self, callbacks):
        super().__init__()
        self.callbacks = callbacks

    def set_model(self, model):
        super().set_model(model)
        for callback in self.callbacks:
            callback.set_model(model)

    def _each(self, hook, *arguments):
        current = keras.distribution.distribution()
        keras.distribution.set_distribution(None)
        try:
            for callback in self.callbacks:
                getattr(callback, hook)(*arguments)
        finally:
            keras.distribution.set_distribution(current)

    def on_train_begin(self, logs=None):
        self._each("on_train_begin", logs)

    def on_epoch_begin(self, epoch, logs=None):
        self._each("on_epoch_begin", epoch, logs)

    def on_epoch_end(self, epoch, logs=None):
        self._each("on_epoch_end", epoch, logs)

    def on_train_end(self, logs=None):
        self._each("on_train_end", logs)


class _Share(keras.utils.PyDataset):
    """This process's part of batches."""

    def __init__(self, batches, distribution):
        super().__init__()
        self.batches, self.distribution = batches, distribution
        self.on_epoch_begin, self.on_epoch_end = batches.on_epoch_begin, batches.on_epoch_end

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        batch, distribution = self.batches[index], self.distribution
        size = len(keras.tree.flatten(batch)[0])
        even = max(size // distribution.replicas, 1) * distribution.replicas
        part = even // distribution.processes
        rows = np.arange(distribution.process * part, (distribution.process + 1) * part) % size
        return keras.tree.map_structure(lambda x: x[rows], batch)


@contextlib.contextmanager
def _draw_ahead(batches):
    """Context of the same batches, of which the next are drawn while one is trained on.

    TensorFlow's pipeline draws ahead by itself. On JAX, Keras draws a batch when the step before it is over.
    """
    if keras.backend.backend() != "jax":
        yield batches
        return
    threads = ThreadPoolExecutor(_AHEAD, thread_name_prefix="batches")
    try:
        yield _Ahead(batches, threads)
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


class _Ahead(keras.utils.PyDataset):
    """Batches that threads draw ahead.

    Keras's own workers keep batches that they drew before an epoch is shuffled. Here the first batch of an epoch, and
    any out of turn, discards those drawn ahead.
    """

    def __init__(self, batches, threads):
        super().__init__()
        self.batches, self.threads, self.drawn = batches, threads, {}
        self.on_epoch_begin, self.on_epoch_end = batches.on_epoch_begin, batches.on_epoch_end

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        if index not in self.drawn:
            for waiting in self.drawn.values():
                waiting.cancel()
            self.drawn = {}
        for i in range(index, min(index + 1 + _AHEAD, len(self))):
            if i not in self.drawn:
                self.drawn[i] = self.threads.submit(self.batches.__getitem__, i)
        return self.drawn.pop(index).result()
