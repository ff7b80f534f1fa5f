"""Time to start the zoo, compared with the backend alone, and of a first call; writes results/startup.json.

    python tools/bench/startup.py
    KERAS_BACKEND=torch .venv-peers/bin/python tools/bench/startup.py

Every call is a new Python process. They are timed in turns, each after a warm-up that reads the files into memory. The
first call of an enhancer, which compiles it, is timed inside its process, and so is the next.
"""

import argparse
import functools
import os
import subprocess
import sys

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "tensorflow")}

from tools.bench import common

NAME, ENHANCER = "quality-net-pesq-wb-16k", "blstm-quality-net-refresh-16k"
BACKEND = os.environ["KERAS_BACKEND"]
UNLOADED = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}[BACKEND] + " and the network unloaded"
CODE = {
    "zoo.list()": "import zoo; zoo.list()",
    f"import {BACKEND}": f"import {BACKEND}",
    "zoo.load": f"import zoo; zoo.load({NAME!r})",
    UNLOADED: f"import {BACKEND}; from zoo.quality_net.model import QualityNet; QualityNet()",
}
CALLS = f"""
import time
import numpy as np
import zoo
enhancer, noisy = zoo.load({ENHANCER!r}), np.random.default_rng(0).normal(scale=0.1, size=32000)
for _ in range(2):
    start = time.perf_counter()
    enhancer.enhance(noisy, sample_rate=16000)
    print(time.perf_counter() - start)
"""


def run(code: str) -> list[str]:
    """Run code in a new process; what it prints, by lines."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout.splitlines()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="rounds (default: 7)")
    options = parser.parse_args()
    calls = {name: functools.partial(run, code) for name, code in CODE.items()}
    inside = {"first call": lambda: float(run(CALLS)[0]), "next call": lambda: float(run(CALLS)[1])}
    times = common.in_turns(calls | inside, options.repeats, timed=inside)
    results = [
        common.compare("list the checkpoints", times, "zoo.list()", f"import {BACKEND}", 0.05),
        common.compare(f"load `{NAME}`", times, "zoo.load", UNLOADED, 1.2),
        common.compare(f"enhance 2 s by `{ENHANCER}`", times, "first call", "next call", None),
    ]
    common.write("startup", results)


if __name__ == "__main__":
    main()
