"""Speed of learned metrics, compared with the metric itself; writes results/scoring.json.

    python tools/bench/scoring.py

Pairs are 2.5 s of the bundled speech in noise. Calls are timed in turns, each after a warm-up. The straight Keras model
is the same network with its spectral normalisation folded into plain Keras layers, called by `predict_on_batch`, as
Keras compiles it (on a CPU without XLA) and with XLA.
"""

import argparse
import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

import zoo
from tools.bench import common
from zoo.metrics import speech
from zoo.nn.layers import fold_spectral_normalization

LITE, TINY = "quality-net-lite-pesq-wb-16k", "quality-net-tiny-pesq-wb-16k"
PAPER, RATE, SECONDS, BATCH = "quality-net-pesq-wb-16k", 16000, 2.5, 16


def straight(jit_compile: bool | str) -> Callable:
    """Function (references, degraded) -> scores (n,), of the paper's network with plain Keras layers."""
    model = zoo.load(PAPER)
    model.core = fold_spectral_normalization(model.core)
    model.compile(jit_compile=jit_compile)

    def score(*pair):
        starts = range(0, len(pair[0]), BATCH)
        return np.concatenate([model.predict_on_batch([x[start : start + BATCH] for x in pair]) for start in starts])

    return score


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="rounds (default: 7)")
    parser.add_argument("--pairs", type=int, default=128, help="in a call (default: 128)")
    options = parser.parse_args()
    pair = common.pairs(options.pairs, SECONDS, RATE)
    ours = {name: zoo.load(name) for name in (LITE, TINY, PAPER)}
    paper = ours[PAPER]
    plain = {"straight Keras model": straight("auto")}
    if keras.backend.backend() == "tensorflow":
        plain["straight Keras model, by XLA"] = straight(True)
    for score in plain.values():
        np.testing.assert_allclose(score(*pair), paper.score(*pair, RATE), atol=1e-3)
    calls = {
        **{name: lambda model=model: model.score(*pair, RATE) for name, model in ours.items()},
        **{name: lambda score=score: score(*pair) for name, score in plain.items()},
        "pesq, all cores": lambda: speech.pesq(*pair, RATE, n_jobs=-1),
    }
    times = common.in_turns(calls, options.repeats)
    job = f"score {options.pairs} pairs of {SECONDS} s"
    results = [common.compare(job, times, name, "pesq, all cores", 1 / 5) for name in (LITE, TINY)]
    results += [common.compare(job, times, PAPER, name, 1 / 1.5) for name in plain]
    common.write("scoring", results)


if __name__ == "__main__":
    main()
