"""Time the Gram loss and its gradient at the paper's size, against plain convolutions in the same run.

    python tools/bench/texture.py
    python tools/bench/texture.py --seconds 7 --repeats 9

The plain way is six banks of the backend's convolution and F' F of each, by automatic differentiation; both ways take
turns. Noise stands for the sound: it takes as long for any. The first call, which compiles, is not counted.
"""

import argparse
import os
import resource
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from keras import ops

from zoo import provenance
from zoo.texture import optimize, spectrum, terms
from zoo.texture.loss import AutocorrelationLoss, GramLoss
from zoo.texture.model import RandomConvEnsemble

PEAK_SIZE = 2048  # of the square matrices whose product gives the machine's peak


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=7.0, help="of the target (default: 7)")
    parser.add_argument("--repeats", type=int, default=9, help="median of so many (default: 9)")
    return parser.parse_args()


def plain_gram(features):
    """Gram matrices as one would write them down."""
    return [ops.matmul(ops.transpose(x, (0, 2, 1)), x) / x.shape[1] for x in features]


def contestants(target):
    """{name: compiled value-and-gradient of (frames, bins)}: plain, ours, and ours with the autocorrelation."""
    plain, ours = RandomConvEnsemble(method="plain"), RandomConvEnsemble()
    gram, rhythm = GramLoss(ours), AutocorrelationLoss(ours)
    features = ours(target)
    kept = gram.targets(features), rhythm.targets(features)
    plain_kept = plain_gram(plain(target))

    def straight(x):
        return terms.relative_error(plain_kept, plain_gram(plain(x[None])))[0], ()

    def with_rhythm(x):
        seen = ours(x[None])
        return gram.compare(kept[0], seen)[0] + 1e3 * rhythm.compare(kept[1], seen)[0], ()

    return {
        "plain convolutions": optimize.value_and_gradient(straight),
        "blocks": optimize.value_and_gradient(lambda x: (gram.compare(kept[0], ours(x[None]))[0], ())),
        "blocks, with autocorrelation": optimize.value_and_gradient(with_rhythm),
    }


def take_turns(functions, x, repeats):
    """Median seconds of each, and what each gave last; the turns even out what else the machine does."""
    found = {name: np.asarray(function(x)[1]) for name, function in functions.items()}
    spent = {name: [] for name in functions}
    for _ in range(repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            (value, _), gradient = function(x)
            float(value), np.asarray(gradient)
            spent[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in spent.items()}, found


def peak(repeats):
    """Multiply-adds a second of a large matrix product."""
    a = ops.convert_to_tensor(np.random.default_rng(0).random((PEAK_SIZE, PEAK_SIZE)).astype("float32"))
    spent = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        np.asarray(ops.matmul(a, a)[0, 0])
        spent.append(time.perf_counter() - start)
    return PEAK_SIZE**3 / statistics.median(spent[1:])


def main():
    given = arguments()
    rng = np.random.default_rng(0)
    audio = 0.1 * rng.standard_normal((2, int(given.seconds * spectrum.SAMPLE_RATE))).astype("float32")
    target, start = (ops.convert_to_numpy(spectrum.log_spectrogram(clip[None])) for clip in audio)
    seconds, gradients = take_turns(contestants(target), start[0], given.repeats)
    plain, ours = seconds["plain convolutions"], seconds["blocks"]
    difference = np.linalg.norm(gradients["blocks"] - gradients["plain convolutions"])
    relative = difference / np.linalg.norm(gradients["plain convolutions"])
    frames, filters = target.shape[1], 512
    # Forward and the gradient of the input; the Gram matrices forward, and F' F twice back.
    needed = sum(2 * w * spectrum.BINS * filters * (frames - w + 1) for w in (2, 4, 8, 16, 32, 64))
    needed += 6 * 3 * filters**2 * frames
    rate = peak(given.repeats)
    print(f"{given.seconds:g} s, {frames} frames, on {provenance.machine()}, {keras.backend.backend()}")
    for name, value in seconds.items():
        print(f"{name}: {1e3 * value:.0f} ms a value and gradient, {2000 * value / 60:.1f} minutes for 2000")
    print(f"blocks are {plain / ours:.2f} times faster; relative difference of the gradients {relative:.1e}")
    print(f"peak {rate / 1e9:.0f} GMAC/s; share: plain {needed / plain / rate:.2f}, blocks {needed / ours / rate:.2f}", end="")
    print(" of the plain way's products")
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB")


if __name__ == "__main__":
    main()
