"""Time of a loss and its gradient to the waveform, compared with PyTorch's; writes results/gradients.json.

    .venv-peers/bin/python tools/bench/gradients.py
    KERAS_BACKEND=torch .venv-peers/bin/python tools/bench/gradients.py

Pairs are 2.5 s of the bundled speech in noise, at 16 kHz, or 22.05 kHz for the JND loss. Each loss is called as its
users do: ours is one compiled function, on the backend PyTorch an ordinary call. PyTorch's losses run eagerly, and the
JND network in PyTorch, with the same weights, is timed both ways. Calls are timed in turns, each after a warm-up.
"""

import argparse
import functools
import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import torch

import zoo
from tools.bench import common, peers
from zoo.texture.optimize import value_and_gradient

LITE, TINY = "quality-net-lite-pesq-wb-16k", "quality-net-tiny-pesq-wb-16k"
PMSQE, PEERS_PMSQE = "our PMSQE", "asteroid's PMSQE"
JND, SECONDS = "jnd-fin-22k", 2.5
SAME = "the same network in PyTorch"


def ours(name: str) -> Callable:
    """Function (reference, estimate) -> gradient of a checkpoint's loss to the estimate."""
    loss = zoo.loss(name)
    compiled = value_and_gradient(lambda estimate, reference: (loss(reference, estimate), ()))
    return lambda reference, estimate: keras.ops.convert_to_numpy(compiled(estimate, reference)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9, help="rounds (default: 9)")
    parser.add_argument("--pairs", type=int, default=16, help="in a batch (default: 16)")
    options = parser.parse_args()
    pair, pair_22k = (common.pairs(options.pairs, SECONDS, rate) for rate in (16000, 22050))
    theirs = {
        "MetricGAN+'s discriminator": peers.gradient(peers.metricgan_discriminator()),
        PEERS_PMSQE: peers.gradient(peers.pmsqe()),
        "torch-pesq": peers.gradient(peers.torch_pesq()),
    }
    losses = {LITE: ours(LITE), TINY: ours(TINY), PMSQE: ours("pmsqe"), **theirs}
    network = peers.JND(zoo.load(JND)).requires_grad_(False)
    jnd_losses = {JND: ours(JND), SAME: peers.gradient(network)}
    jnd_losses[f"{SAME}, compiled"] = peers.gradient(torch.compile(network, dynamic=False))
    gradient, expected = (jnd_losses[name](*pair_22k) for name in (JND, SAME))
    # The derivative of |x| is not defined at 0, so a few samples differ by more than rounding.
    assert np.linalg.norm(gradient - expected) < 1e-3 * np.linalg.norm(expected), "the PyTorch network is another one"
    calls = {name: functools.partial(compute, *pair) for name, compute in losses.items()}
    calls |= {name: functools.partial(compute, *pair_22k) for name, compute in jnd_losses.items()}
    times = common.in_turns(calls, options.repeats)
    job = f"loss and its gradient, {options.pairs} pairs of {SECONDS} s"
    results = [common.compare(job, times, name, peer, 1) for name in (LITE, TINY) for peer in theirs]
    results += [common.compare(job, times, PMSQE, PEERS_PMSQE, 1)]
    results += [common.compare(job, times, JND, name, 1 / 1.5) for name in jnd_losses if name != JND]
    common.write("gradients", results)


if __name__ == "__main__":
    main()
