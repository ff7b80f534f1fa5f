"""How long a loss and its gradient to the waveform take, beside PyTorch's; into results/gradients.json.

    .venv-peers/bin/python tools/bench/gradients.py

Pairs are 2.5 s of the bundled speech in noise, at 16 kHz, or 22.05 kHz for the JND loss. Each loss is compiled or not,
as its users call it: ours is one function of the backend, PyTorch's losses run by operation; the JND network in
PyTorch, with the same weights, both ways. Calls take turns; at each, the last of two or more counts.
"""

import argparse
import functools
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import torch

import zoo
from tools.bench import common, peers
from zoo.texture.optimize import value_and_gradient

LITE, TINY = "quality-net-lite-pesq-wb-16k", "quality-net-tiny-pesq-wb-16k"
JND, SECONDS = "jnd-fin-22k", 2.5
SAME = "the same network in PyTorch"


def ours(name):
    """(reference, estimate) -> the gradient of a checkpoint's loss in the estimate."""
    loss = zoo.loss(name)
    compiled = value_and_gradient(lambda estimate, reference: (loss(reference, estimate), ()))
    return lambda reference, estimate: np.asarray(compiled(estimate, reference)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9, help="rounds (default: 9)")
    parser.add_argument("--pairs", type=int, default=16, help="in a batch (default: 16)")
    given = parser.parse_args()
    pair, wide = (common.pairs(given.pairs, SECONDS, rate) for rate in (16000, 22050))
    losses = {
        LITE: ours(LITE),
        TINY: ours(TINY),
        "MetricGAN+'s discriminator": peers.gradient(peers.metricgan_discriminator()),
        "asteroid's PMSQE": peers.gradient(peers.pmsqe()),
        "torch-pesq": peers.gradient(peers.torch_pesq()),
    }
    network = peers.JND(zoo.load(JND)).requires_grad_(False)
    twins = {JND: ours(JND), SAME: peers.gradient(network)}
    twins[f"{SAME}, compiled"] = peers.gradient(torch.compile(network, dynamic=False))
    found, expected = (twins[name](*wide) for name in (JND, SAME))
    # |x| has two slopes at 0, so a few samples differ by more than rounding.
    assert np.linalg.norm(found - expected) < 1e-3 * np.linalg.norm(expected), "another network"
    calls = {name: functools.partial(compute, *pair) for name, compute in losses.items()}
    calls |= {name: functools.partial(compute, *wide) for name, compute in twins.items()}
    took = common.in_turns(calls, given.repeats)
    job = f"loss and its gradient, {given.pairs} pairs of {SECONDS} s"
    results = [common.compare(job, took, name, peer, 1) for name in (LITE, TINY) for peer in list(losses)[2:]]
    results += [common.compare(job, took, JND, name, 1 / 1.5) for name in twins if name != JND]
    common.write("gradients", results)


if __name__ == "__main__":
    main()
