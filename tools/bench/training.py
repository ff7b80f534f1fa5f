"""What the input pipeline of each recipe costs, and what its compiled step saves and uses; into results/training.json.

    .venv-peers/bin/python tools/bench/training.py
    .venv-peers/bin/python tools/bench/training.py chandna-4stem-44k

tools/train.py runs as it does for its users up to the fit. There its first batches are fitted from the recipe's
pipeline; then the same batches as arrays that are ready; then those by operation, without compiling. Fits take turns;
at each, the last of two or more counts, and of it the epoch, not what a fit does once. Little is prepared: a
Quality-Net draws only its first pairs, a JND metric only the pairs of a few answers and ladders.

On TensorFlow the matrix products and convolutions of a step are counted, as they run, and compared with the speed of
one large matrix product: the step's share of that peak is the inverse of the share of time in the table.
"""

import argparse
import functools
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from keras import ops

from tools import train
from tools.bench import common
from zoo.training import distribution
from zoo.training.config import read_config

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
RECIPES = {  # configuration -> steps of a fit, and options of tools/train.py
    "quality-net-lite-pesq-wb-16k": (10, "--n-train", "1024", "--n-validation", "128"),
    "blstm-mse-16k": (10,),
    "can-l1-16k": (10,),
    "chandna-4stem-44k": (60,),
    "texture-classifier-16k": (60,),
    "jnd-22k": (10,),
}
EVERY, LADDERS = 16, 64  # one answer of so many, and so many ladders, are rendered
PEAK = 4096  # rows of the square matrices whose product is the machine's peak


class Batches(keras.utils.PyDataset):
    """The first batches of a pipeline, each drawn when it is read."""

    def __init__(self, pipeline, count):
        super().__init__()
        self.pipeline, self.count = pipeline, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self.pipeline[index]


class Clock(keras.callbacks.Callback):
    """Times an epoch, without what a fit does once: TensorFlow's pipeline may take as long to stop as it ran."""

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.perf_counter() - self.started


class Measured(Exception):
    """The results of a measurement, raised to leave the training tool."""


@dataclass(frozen=True, kw_only=True)
class Stopwatch(distribution.Distribution):
    """One device, on which a training ends where it would begin: `Measured`, with its results."""

    name: str
    steps: int
    repeats: int

    def fit(self, model, batches, held_back, callbacks, epochs, verbose="auto"):
        drawn = Batches(batches, min(self.steps, len(batches)))
        ready = Batches([batches[i] for i in range(len(drawn))], len(drawn))
        few = Batches(ready, min(2, len(ready)))  # by operation takes long

        steps_by_way = {}
        for eagerly in (True, False):
            model.run_eagerly = eagerly
            model.make_train_function(force=True)
            steps_by_way[eagerly] = model.train_function

        def run(data, eagerly):
            model.run_eagerly, model.train_function = eagerly, steps_by_way[eagerly]
            clock = Clock()
            distribution.Distribution.fit(self, model, data, None, [clock], 1, verbose=0)
            return clock.seconds

        ways = {"pipeline": drawn, "ready": ready}
        calls = {way: functools.partial(run, data, False) for way, data in ways.items()}
        took = common.in_turns(calls | {"product": product()}, self.repeats, timed=ways)
        ways = {"compiled": False, "eager": True}
        few_calls = {way: functools.partial(run, few, eagerly) for way, eagerly in ways.items()}
        few_took = common.in_turns(few_calls, min(self.repeats, 3), timed=ways)
        job, few_job = (f"{len(data)} training steps of `{self.name}`" for data in (ready, few))
        results = [
            common.compare(job, took, "pipeline", "ready", 1.1),
            common.compare(few_job, few_took, "compiled", "eager", 1),
        ]
        if keras.backend.backend() == "tensorflow":
            counted = common.count_operations(lambda: run(ready, True))
            took["its products at the machine's peak"] = took["product"] * counted / (2 * PEAK**3)
            results.append(common.compare(job, took, "ready", "its products at the machine's peak", None))
        raise Measured(results)


def product():
    """A call that multiplies two square matrices of PEAK rows."""
    matrix = ops.convert_to_tensor(np.random.default_rng(0).standard_normal((PEAK, PEAK), dtype="float32"))
    return lambda: np.asarray(ops.matmul(matrix, matrix)[0, 0])


def few_answers(config, folder):
    """A JND recipe's configuration and answers, less of both, in a folder; the arguments of tools/train.py for them."""
    little = folder / config.name
    lines = [line for line in config.read_text().splitlines() if not line.startswith("n_ladders")]
    little.write_text("\n".join([f"n_ladders = {LADDERS}", *lines]))
    for table in (Path(os.environ.get("ZOO_DATA", "../shared/data")) / "jnd_judgments").glob("*.tsv"):
        (folder / table.name).write_text("".join(table.read_text().splitlines(keepends=True)[::EVERY]))
    return [str(little), "--judgments", str(folder)]


def measure(name, steps, repeats):
    """Results of a recipe, of fits of so many steps, or of as many as its table says."""
    usual, *options = RECIPES[name]
    config = CONFIGS / f"{name}.toml"
    watch = Stopwatch(name=name, steps=usual if steps is None else steps, repeats=repeats)
    with tempfile.TemporaryDirectory() as folder:
        few = read_config(config).family == "jnd"
        arguments = few_answers(config, Path(folder)) if few else [str(config)]
        command = ["train.py", *arguments, *options, "--runs", folder, "--output", folder]
        with mock.patch.object(sys, "argv", command), mock.patch.object(distribution, "distribute", lambda _: watch):
            try:
                train.main()
            except Measured as measured:
                (results,) = measured.args
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"recipes (default: {', '.join(RECIPES)})")
    parser.add_argument("--steps", type=int, help="of a fit (default: 60 of quick recipes, 10 of others)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds (default: 5)")
    options = parser.parse_args()
    names = options.names or RECIPES
    common.write("training", [row for name in names for row in measure(name, options.steps, options.repeats)])


if __name__ == "__main__":
    main()
