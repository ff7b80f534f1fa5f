"""Speed of labelling pairs, compared with a loop and the batches of the package pesq; writes results/labels.json.

    python tools/bench/labels.py

Pairs are 2.5 s of the bundled speech in noise. A cached label is read from the file in which the recipes store them. Calls
are timed in turns, each after a warm-up.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pesq

from tools.bench import common
from zoo.quality_net import labels

RATE, SECONDS, CHUNK = 16000, 2.5, 8  # pairs in a chunk, the work of one task


def calls_of(target: labels.Target, chunks: list[np.ndarray], cache: Path, cores: int) -> dict[str, Callable]:
    """Calls that label chunks of pairs with a target, {name: call}; `cache` is a file that has the labels."""
    pairs = np.concatenate(chunks).astype("float32") / 32768

    def label():
        with tempfile.TemporaryDirectory() as fresh:
            return labels.label(chunks, target, Path(fresh) / "labels.sqlite", RATE)

    calls = {
        f"{target.name}, in a loop": lambda: [target.function(*pair, RATE) for pair in pairs],
        "labels, all cores": label,
        "labels, cached": lambda: labels.label(chunks, target, cache, RATE),
    }
    if target.name == "pesq-wb":
        on_error = pesq.PesqError.RETURN_VALUES
        calls["pesq_batch, all cores"] = lambda: pesq.pesq_batch(
            RATE, pairs[:, 0], pairs[:, 1], "wb", cores, on_error=on_error
        )
    return calls


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3, help="rounds (default: 3)")
    parser.add_argument("--pairs", type=int, default=2000, help="in a call (default: 2000)")
    options = parser.parse_args()
    cores, results = len(os.sched_getaffinity(0)), []
    stored = np.round(32767 * np.clip(np.stack(common.pairs(options.pairs, SECONDS, RATE), axis=1), -1, 1)).astype(
        "int16"
    )
    chunks = np.array_split(stored, max(options.pairs // CHUNK, 1))
    for target in (labels.TARGETS[name] for name in ("pesq-wb", "stoi")):
        with tempfile.TemporaryDirectory() as folder:
            cache = Path(folder) / "cached.sqlite"
            expected = labels.label(chunks, target, cache, RATE)[: len(chunks[0])]
            for call in calls_of(target, chunks[:1], cache, cores).values():
                np.testing.assert_allclose(call(), expected, atol=1e-5)
            calls = calls_of(target, chunks, cache, cores)
            times = common.in_turns(calls, options.repeats)
        loop, ours, cached, *batch = calls
        job = f"label {options.pairs} pairs by {target.name}"
        results.append(common.compare(job, times, ours, loop, 1 / (0.9 * cores)))
        results += [common.compare(job, times, ours, other, 1) for other in batch]
        results.append(common.compare(f"{job} again", times, cached, ours, 0.01))
    common.write("labels", results)


if __name__ == "__main__":
    main()
