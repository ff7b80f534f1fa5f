"""Time to start the zoo, compared with TensorFlow alone; writes results/startup.json.

    python tools/bench/startup.py

Every call is a new Python process. They are timed in turns, each after a warm-up that reads the files into memory.
"""

import argparse
import functools
import os
import subprocess
import sys

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}

from tools.bench import common

NAME = "quality-net-pesq-wb-16k"
CODE = {
    "zoo.list()": "import zoo; zoo.list()",
    "import tensorflow": "import tensorflow",
    "zoo.load": f"import zoo; zoo.load({NAME!r})",
    "TensorFlow and the network unloaded": "import tensorflow; from zoo.quality_net.model import QualityNet; QualityNet()",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="rounds (default: 7)")
    options = parser.parse_args()
    calls = {
        name: functools.partial(subprocess.run, [sys.executable, "-c", code], check=True, stderr=subprocess.DEVNULL)
        for name, code in CODE.items()
    }
    times = common.in_turns(calls, options.repeats)
    results = [
        common.compare("list the checkpoints", times, "zoo.list()", "import tensorflow", 0.05),
        common.compare(f"load `{NAME}`", times, "zoo.load", "TensorFlow and the network unloaded", 1.2),
    ]
    common.write("startup", results)


if __name__ == "__main__":
    main()
