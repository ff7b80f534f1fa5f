"""Time a perceptual distance: scoring a batch in one call, and a gradient step through it as a loss.

    python tools/bench/jnd.py jnd-22k

Noise stands for the recordings: the networks take as long for any. The first call, which compiles, is not counted.
"""

import argparse
import os
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import zoo
from zoo import provenance

SECONDS = 2.5


class Gain(keras.Model):
    """A gain in front of the metric: the cheapest thing that can be trained through it."""

    def __init__(self):
        super().__init__()
        self.gain = self.add_weight(shape=(), initializer="ones", name="gain")

    def call(self, waveform):
        return self.gain * waveform


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", help="a bundled name or a directory with a slash")
    parser.add_argument("--pairs", type=int, default=64, help="in a call (default: 64)")
    parser.add_argument("--batch", type=int, default=8, help="pairs in a gradient step (default: 8)")
    parser.add_argument("--repeats", type=int, default=5, help="median of so many (default: 5)")
    return parser.parse_args()


def median_seconds(function, repeats):
    function()
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def main():
    given = arguments()
    metric, rng = zoo.load(given.checkpoint), np.random.default_rng(0)
    reference = 0.1 * rng.standard_normal((given.pairs, int(SECONDS * metric.sample_rate))).astype("float32")
    degraded = reference + 0.01 * rng.standard_normal(reference.shape).astype("float32")
    scoring = median_seconds(lambda: metric.distance(reference, degraded, metric.sample_rate), given.repeats)
    trained = Gain()
    trained.compile("sgd", loss=zoo.loss(given.checkpoint), jit_compile=keras.backend.backend() == "jax")
    few = reference[: given.batch], degraded[: given.batch]
    step = median_seconds(lambda: trained.train_on_batch(few[1], few[0]), given.repeats)
    print(f"{given.checkpoint} on {provenance.machine()}, {keras.backend.backend()}")
    print(f"distance, {given.pairs} pairs of {SECONDS} s in one call: {scoring:.2f} s,", end=" ")
    print(f"{given.pairs * SECONDS / scoring:.0f} times faster than real time")
    print(f"gradient step, {given.batch} pairs: {1e3 * step:.0f} ms, {1e3 * step / given.batch:.0f} ms a pair")


if __name__ == "__main__":
    main()
