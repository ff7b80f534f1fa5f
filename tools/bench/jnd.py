"""How fast the JND metrics score, beside other perceptual distances; into results/jnd.json.

    .venv-peers/bin/python tools/bench/jnd.py

Pairs are 2.5 s of the bundled speech in noise. `jnd-fin-22k` is the paper's network, set beside the same network in
PyTorch with the same weights, run by operation and compiled, each at its best number of pairs at a time; `jnd-22k` is
the smaller one that this zoo recommends. CDPAM takes seconds for a pair: it is given few. Calls take turns; at each,
the last of two or more counts.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import torch

import zoo
from tools.bench import common, peers

PAPER, OURS, RATE, SECONDS, FEW = "jnd-fin-22k", "jnd-22k", 22050, 2.5, 2
AT_ONCE, VISQOL = (1, 2, 4, 16), "visqol-python, one core"


def best(network, pair):
    """The fastest way to score a batch with a network, of a few numbers of pairs at a time."""
    calls = {size: lambda size=size: peers.scorer(network, size)(*pair) for size in AT_ONCE}
    took = common.in_turns(calls, repeats=2)
    return calls[min(took, key=lambda size: took[size].min())]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="rounds (default: 7)")
    parser.add_argument("--pairs", type=int, default=64, help="in a call (default: 64)")
    given = parser.parse_args()
    pair, narrow = (common.pairs(given.pairs, SECONDS, rate) for rate in (RATE, 16000))
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
        VISQOL: lambda: visqol(*narrow),
    }
    took = common.in_turns(calls, given.repeats)
    job = f"distance of {given.pairs} pairs of {SECONDS} s"
    results = [common.compare(job, took, PAPER, name, 1 / 1.5) for name in calls if "same" in name]
    results += [common.compare(job, took, name, VISQOL, 1) for name in (PAPER, OURS)]
    calls = {name: lambda model=model: model.distance(*few, RATE) for name, model in ((PAPER, paper), (OURS, ours))}
    took = common.in_turns(calls | {"cdpam": lambda: cdpam(*few)}, min(given.repeats, 3))
    job = f"distance of {FEW} pairs of {SECONDS} s"
    results += [common.compare(job, took, name, "cdpam", 1 / 30) for name in calls]
    common.write("jnd", results)


if __name__ == "__main__":
    main()
