"""Time of the Gram loss and its gradient, compared with plain convolutions; writes results/texture.json.

    .venv-peers/bin/python tools/bench/texture.py

The networks have the paper's size. The plain method is six convolutions and F' F of each, with automatic
differentiation, in the operations of the backend and of PyTorch. The sound is the bundled speech in noise. Calls are
timed in turns, each after a warm-up.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from keras import ops

from tools.bench import common, peers
from zoo.texture import optimize, spectrum, terms
from zoo.texture.loss import GramLoss
from zoo.texture.model import RandomConvEnsemble

OURS, PLAIN, TORCH = "RandomConvEnsemble", "plain convolutions", "plain convolutions in PyTorch"


def plain_gram(features):
    """Gram matrices by their definition."""
    return [ops.matmul(ops.transpose(x, (0, 2, 1)), x) / x.shape[1] for x in features]


def contestants(target):
    """{name: (frames, bins) -> (loss, gradient)}, for a target (frames, bins)."""
    plain, ours = RandomConvEnsemble(method="plain"), RandomConvEnsemble()
    gram = GramLoss(ours)
    targets = gram.targets(ours(target[None]))
    plain_targets = plain_gram(plain(target[None]))

    def straight(x):
        return terms.relative_error(plain_targets, plain_gram(plain(x[None])))[0], ()

    compiled = {
        OURS: optimize.value_and_gradient(lambda x: (gram.compare(targets, ours(x[None]))[0], ())),
        PLAIN: optimize.value_and_gradient(straight),
    }
    kernels = [ops.convert_to_numpy(kernel) for kernel in plain.variables if len(kernel.shape) == 3]
    return {name: on_host(function) for name, function in compiled.items()} | {TORCH: peers.gram_loss(kernels, target)}


def on_host(function):
    """The loss as a float and its gradient as an array."""

    def compute(x):
        (value, _), gradient = function(x)
        return float(value), np.asarray(gradient)

    return compute


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=7.0, help="of the target (default: 7)")
    parser.add_argument("--repeats", type=int, default=9, help="rounds (default: 9)")
    options = parser.parse_args()
    pair = common.pairs(1, options.seconds, spectrum.SAMPLE_RATE)
    target, start = (ops.convert_to_numpy(spectrum.log_spectrogram(clip))[0] for clip in pair)
    functions = contestants(target)
    (_, expected), (_, gradient) = functions[OURS](start), functions[TORCH](start)
    np.testing.assert_allclose(gradient, expected, atol=1e-2 * np.abs(expected).max())
    times = common.in_turns({name: lambda f=f: f(start) for name, f in functions.items()}, options.repeats)
    job = f"Gram loss and its gradient, {options.seconds:g} s"
    results = [common.compare(job, times, OURS, name, 1 / 2.5) for name in (PLAIN, TORCH)]
    common.write("texture", results)


if __name__ == "__main__":
    main()
