"""Speed of the JND metrics, compared with other perceptual distances; writes results/jnd.json.

    .venv-peers/bin/python tools/bench/jnd.py
    KERAS_BACKEND=torch .venv-peers/bin/python tools/bench/jnd.py

Pairs are 2.5 s of the bundled speech in noise. `jnd-fin-22k` is the paper's network, compared with the same network in
PyTorch with the same weights, eager and compiled, each at its fastest batch size; `jnd-22k` is the smaller one that
this zoo recommends. CDPAM takes seconds for a pair, so it scores only a few. Calls are timed in turns, each after a
warm-up.
"""

import argparse
import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import torch

import zoo
from tools.bench import common, peers

PAPER, OURS, RATE, SECONDS, FEW = "jnd-fin-22k", "jnd-22k", 22050, 2.5, 2
BATCH_SIZES, VISQOL = (1, 2, 4, 16), "visqol-python, one core"


def best(network: torch.nn.Module, pair: tuple[np.ndarray, np.ndarray]) -> Callable:
    """Call that scores a batch with a network, at the fastest of a few batch sizes."""
    calls = {size: lambda size=size: peers.scorer(network, size)(*pair) for size in BATCH_SIZES}
    times = common.in_turns(calls, repeats=2)
    return calls[min(times, key=lambda size: times[size].min())]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="rounds (default: 7)")
    parser.add_argument("--pairs", type=int, default=64, help="in a call (default: 64)")
    options = parser.parse_args()
    pair, pair_16k = (common.pairs(options.pairs, SECONDS, rate) for rate in (RATE, 16000))
    few = [x[:FEW] for x in pair]
    paper, ours = zoo.load(PAPER), zoo.load(OURS)
    network = peers.JND(paper).eval()
    np.testing.assert_allclose(peers.scorer(network, 4)(*pair), paper.distance(*pair, RATE), rtol=1e-4)
    visqol, cdpam = peers.visqol(), peers.cdpam()
    calls = {
        PAPER: lambda: paper.distance(*pair, RATE),
        OURS: lambda: ours.distance(*pair, RATE),
        "the same network in PyTorch": best(network, pair),
        "the same network in PyTorch, compiled": best(torch.compile(network, dynamic=False), pair),
        VISQOL: lambda: visqol(*pair_16k),
    }
    times = common.in_turns(calls, options.repeats)
    job = f"distance of {options.pairs} pairs of {SECONDS} s"
    results = [common.compare(job, times, PAPER, name, 1 / 1.5) for name in calls if "same" in name]
    results += [common.compare(job, times, name, VISQOL, 1) for name in (PAPER, OURS)]
    calls = {name: lambda model=model: model.distance(*few, RATE) for name, model in ((PAPER, paper), (OURS, ours))}
    times = common.in_turns(calls | {"cdpam": lambda: cdpam(*few)}, min(options.repeats, 3))
    job = f"distance of {FEW} pairs of {SECONDS} s"
    results += [common.compare(job, times, name, "cdpam", 1 / 30) for name in calls]
    common.write("jnd", results)


if __name__ == "__main__":
    main()
