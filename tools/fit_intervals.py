"""Fit the intervals of a Quality-Net's scores, keep them in its configuration, and write on its card how often they hold.

    python tools/fit_intervals.py quality-net-lite-pesq-wb-16k

The weights and the scores stay as they are. Fitted on pairs of the validation split; measured on both test splits, and
on music and clicks in noise.
"""

import argparse
import os
import sys

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}

from zoo.checkpoint import registry
from zoo.errors import InputError
from zoo.quality_net.calibrate import calibrate
from zoo.quality_net.train import Recipe


def main():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint", help="a bundled name or a directory with a slash")
    parser.add_argument("--n-validation", type=int, default=2048, help="pairs to fit on (default: 2048)")
    parser.add_argument("--n-test", type=int, default=512, help="pairs of each test split (default: 512)")
    parser.add_argument("--data", default=os.environ.get("ZOO_DATA", "../shared/data"), help="recordings (ZOO_DATA)")
    parser.add_argument("--runs", default="runs", help="pairs and labels (default: runs)")
    parser.add_argument("--jobs", type=int, default=-1, help="processes (default: one a core)")
    options = parser.parse_args()
    sizes = {"n_train": options.n_validation, "n_validation": options.n_validation, "n_test": options.n_test}
    recipe = Recipe(**registry.info(options.checkpoint)["training"]["recipe"] | sizes)
    command = f"python tools/fit_intervals.py {options.checkpoint}"
    command += f" --n-validation {options.n_validation} --n-test {options.n_test}"
    calibrate(registry.resolve(options.checkpoint), recipe, options.data, options.runs, options.jobs, command)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"fit_intervals: {error}")
