"""What the input pipeline of each recipe costs, and what compiling its step saves; into results/training.json.

    .venv-peers/bin/python tools/bench/training.py
    .venv-peers/bin/python tools/bench/training.py chandna-4stem-44k

Each training tool runs as it does for its users up to the fit. There its first batches are fitted from the recipe's
pipeline; then the same batches as arrays that are ready; then those by operation, without compiling. Fits take turns;
at each, the second of two counts. A Quality-Net draws only its first pairs.
"""

import argparse
import functools
import os
import runpy
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import common
import keras

from zoo import distribution

TOOLS = Path(__file__).resolve().parents[1]
RECIPES = {  # configuration -> its tool, and what else that is given
    "quality-net-lite-pesq-wb-16k": ("quality_net", "--n-train", "1024", "--n-validation", "128"),
    "blstm-mse-16k": ("enhancement",),
    "can-l1-16k": ("enhancement",),
    "chandna-4stem-44k": ("separation",),
    "texture-classifier-16k": ("texture",),
    "jnd-22k": ("jnd",),
}


class Batches(keras.utils.PyDataset):
    """The first batches of a pipeline, each made when it is asked for."""

    def __init__(self, pipeline, count):
        super().__init__()
        self.pipeline, self.count = pipeline, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self.pipeline[index]


class Measured(Exception):
    """What was measured, on the way out of a training tool."""


@dataclass(frozen=True)
class Stopwatch(distribution.Distribution):
    """One device, on which a training ends where it would begin: `Measured`, with the seconds by way of fitting."""

    steps: int = 10
    repeats: int = 5

    def fit(self, model, batches, held, callbacks, epochs, verbose="auto"):
        made = Batches(batches, min(self.steps, len(batches)))
        ready = Batches([batches[i] for i in range(len(made))], len(made))
        few = Batches(ready, min(2, len(ready)))  # by operation takes long

        steps_by_way = {}
        for eagerly in (True, False):
            model.run_eagerly = eagerly
            model.make_train_function(force=True)
            steps_by_way[eagerly] = model.train_function

        def run(data, eagerly):
            model.run_eagerly, model.train_function = eagerly, steps_by_way[eagerly]
            model.fit(data, epochs=1, shuffle=False, verbose=0)

        took = common.in_turns(
            {"pipeline": functools.partial(run, made, False), "ready": functools.partial(run, ready, False)}, self.repeats
        )
        few_took = common.in_turns(
            {"compiled": functools.partial(run, few, False), "eager": functools.partial(run, few, True)}, min(self.repeats, 3)
        )
        raise Measured(took, few_took, len(made), len(few))


def measure(name, steps, repeats):
    """Results of a recipe."""
    tool, *more = RECIPES[name]
    with tempfile.TemporaryDirectory() as folder:
        sys.argv = [f"train_{tool}.py", str(TOOLS / "configs" / f"{name}.toml"), "--output", folder, *more]
        sys.argv += ["--name", f"bench-{name}"]
        distribution.distribute = lambda _: Stopwatch(steps=steps, repeats=repeats)
        try:
            runpy.run_path(str(TOOLS / f"train_{tool}.py"), run_name="bench")["main"]()
        except Measured as found:
            took, few_took, count, few = found.args
        finally:
            shutil.rmtree(Path("runs") / f"bench-{name}", ignore_errors=True)
    return [
        common.compare(f"{count} training steps of `{name}`", took, "pipeline", "ready", 1.1),
        common.compare(f"{few} training steps of `{name}`", few_took, "compiled", "eager", 1),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"recipes (default: {', '.join(RECIPES)})")
    parser.add_argument("--steps", type=int, default=10, help="of a fit (default: 10)")
    parser.add_argument("--repeats", type=int, default=5, help="rounds (default: 5)")
    given = parser.parse_args()
    command = list(sys.argv)
    results = [row for name in given.names or RECIPES for row in measure(name, given.steps, given.repeats)]
    sys.argv = command
    common.write("training", results)


if __name__ == "__main__":
    main()
