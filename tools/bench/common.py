"""What the benchmarks share: calls timed side by side, in turns, and their results as a file."""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

from zoo import provenance
from zoo.audio import io

RESULTS = Path(__file__).resolve().parent / "results"


def in_turns(calls, repeats, warm_up=1):
    """Time calls one after the other, again and again, so that what else the machine does falls on all of them.

    Args:
        calls: {name: function without arguments}.
        repeats: rounds that count.
        warm_up: rounds before them that do not.

    Returns:
        {name: float64 (repeats,) seconds}.
    """
    took = {name: [] for name in calls}
    for _ in range(warm_up + repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            took[name].append(time.perf_counter() - start)
    return {name: np.array(seconds[warm_up:]) for name, seconds in took.items()}


def compare(job, took, ours, peer, reach):
    """A result: the seconds of both, and the share of the peer's time that ours takes.

    Args:
        job: what is done, in words.
        took: as `in_turns` gives it.
        ours, peer: names in it.
        reach: the largest share that is aimed at.

    Returns:
        {"job", "ours", "peer", "n", "seconds", "peer_seconds", "share", "reach"}; the numbers are the median and the
        lower and upper quartile of `n` rounds, the share that of each round.
    """
    found = {"seconds": took[ours], "peer_seconds": took[peer], "share": took[ours] / took[peer]}
    told = {key: [float(f"{x:.4g}") for x in np.percentile(values, (50, 25, 75))] for key, values in found.items()}
    return {"job": job, "ours": ours, "peer": peer, "n": len(took[ours]), **told, "reach": reach}


def write(name, results):
    """Write results/<name>.json, with what it was measured on, and print a line each."""
    threads = {key: value for key, value in os.environ.items() if key.endswith("_THREADS")}
    about = {"command": " ".join(["python", *sys.argv]), "commit": provenance.commit(), "machine": provenance.machine()}
    about |= {"processor": _processor(), "threads": threads or "as many as cores", "versions": provenance.versions()}
    with io.replacing(RESULTS / f"{name}.json") as part:
        part.write_text(json.dumps(about | {"results": results}, indent=1) + "\n")
    for one in results:
        share, low, high = one["share"]
        print(f"{one['job']}: {share:.3g} [{low:.3g}, {high:.3g}] of the time of {one['peer']}, aim {one['reach']:.3g}")


def _processor():
    """The processor's name, where Linux tells it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"
