"""Networks on onnxruntime compared with the same on Keras; writes results/runtimes.json.

    python tools/bench/runtimes.py

Recordings are 2.5 s of the bundled speech in noise, many for a metric and an enhancer, and 10 s of stereo to separate.
Calls are timed in turns, each after a warm-up. `zoo score` of one pair is a process of its own, whose peak of memory is
printed and stored too.
"""

import argparse
import functools
import os
import subprocess
import sys
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

import zoo
from tools.bench import common

NAMES = (
    "quality-net-lite-pesq-wb-16k",
    "quality-net-pesq-wb-16k",
    "jnd-22k",
    "blstm-quality-net-refresh-16k",
    "can-jnd-16k",
    "chandna-4stem-44k",
)
# Of a small process: what a child of this one had at its peak would be no less than this one's memory.
MEASURE = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""
RUNTIMES = {"onnx": ", on onnxruntime", "keras": ", on Keras"}  # the first is ours


def job(name: str, runtime: str, count: int) -> Callable:
    """Call that a user makes of a checkpoint on a runtime, with `count` recordings."""
    model = zoo.load(name, runtime=runtime)
    rate = model.sample_rate
    if hasattr(model, "separate"):
        song = np.stack([common.speech(10, rate)] * 2, axis=1)
        return lambda: model.separate(song, rate)
    pair = common.pairs(count, 2.5, rate)
    if hasattr(model, "enhance"):
        return lambda: model.enhance(pair[1], rate)
    measure = model.distance if hasattr(model, "distance") else model.score
    return lambda: measure(*pair, rate)


def score(runtime: str) -> tuple[float, float]:
    """Score the bundled pair by `zoo score` in a process of its own; its seconds, and its peak of memory in MB."""
    files = zoo.examples()
    pair = [str(files[name]) for name in ("reference", "degraded")]
    command = [sys.executable, "-m", "zoo", "score", *pair, "--runtime", runtime]
    outer = [sys.executable, "-c", MEASURE, *command]
    done = subprocess.run(outer, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="rounds (default: 7)")
    parser.add_argument("--recordings", type=int, default=64, help="in a call (default: 64)")
    options = parser.parse_args()
    results, megabytes = [], {}
    for name in NAMES:
        calls = {name + ending: job(name, runtime, options.recordings) for runtime, ending in RUNTIMES.items()}
        times = common.in_turns(calls, options.repeats)
        what = "separate 10 s of stereo" if "stem" in name else f"{options.recordings} recordings of 2.5 s"
        results.append(common.compare(what, times, *calls, 1))

    def process(runtime):
        seconds, megabytes[runtime] = score(runtime)
        return seconds

    calls = {f"zoo score --runtime {runtime}": functools.partial(process, runtime) for runtime in RUNTIMES}
    times = common.in_turns(calls, options.repeats, timed=calls)
    results.append(common.compare("score one pair, a whole process", times, *calls, None))
    common.write("runtimes", results, megabytes=megabytes)
    print("memory of zoo score:", ", ".join(f"{runtime} {size:.0f} MB" for runtime, size in megabytes.items()))


if __name__ == "__main__":
    main()
