"""Evaluate checkpoints on the test set and renew their cards, or on any recordings.

    python tools/evaluate.py quality-net --checkpoint quality-net-lite-pesq-wb-16k
    python tools/evaluate.py quality-net --checkpoint quality-net-lite-pesq-wb-16k --pairs pairs.csv
    python tools/evaluate.py quality-net --checkpoint my-metric/ --pairs corpus.csv --output scores.csv --resume
    python tools/evaluate.py enhancement
    python tools/evaluate.py enhancement --checkpoint blstm-mse-16k --speech clean/ --noise noise/ --output scores/
    python tools/evaluate.py jnd jnd-22k --metric dpam/
    python tools/evaluate.py jnd jnd-22k --judgments tables/ --speech clean/ --mos ratings.csv --output scores/
    python tools/evaluate.py texture --few 3
    python tools/evaluate.py separation --tracks MUSDB18-HQ

A pairs CSV has the columns reference and degraded, recordings at the checkpoint's rate, relative to its folder; and if
you like kind (noisy, enhanced, clean) and snr_db, which split the table. Folders of speech and of noise may hold
recordings of any rate; one of speech has a folder a talker, or just files. A CSV of ratings has the columns file and
reference, relative to its folder, mos, and if you like speaker, whose mean is then taken. The words of a bundled
checkpoint's card (description, data, licences, departures, limits) come from tools/configs/<name>.toml.
"""

import argparse
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from zoo.cli import measure
from zoo.enhancement import report as enhancement
from zoo.errors import InputError
from zoo.jnd import report as jnd
from zoo.quality_net import report as quality_net
from zoo.separation import report as separation
from zoo.texture import report as texture

FAMILIES = (quality_net, enhancement, jnd, texture, separation)


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], epilog=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--data", default=os.environ.get("ZOO_DATA", "../shared/data"), help="recordings (ZOO_DATA)")
    shared.add_argument("--jobs", type=measure.jobs, default=-1, help="processes, -1 for one a core (default -1)")
    families = parser.add_subparsers(required=True, metavar="family")
    for family in FAMILIES:
        family.add(families, shared)
    return parser.parse_args()


def main():
    given = arguments()
    given.run(given)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(f"evaluate: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
