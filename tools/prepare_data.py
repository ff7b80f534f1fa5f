"""Make the data folder that the checkpoints are trained on, from public repositories.

    python tools/prepare_data.py DIR

After an interruption the same command continues. It needs the programs git and ffmpeg. `export ZOO_DATA=DIR` lets the
recipes find the folder; docs/data.md says what is in it.
"""

import argparse
import sys

from zoo.data import inventory, measures
from zoo.data.manifest import KINDS, VERSION, recordings
from zoo.data.prepare import prepare
from zoo.errors import InputError


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", metavar="DIR", help="folder to make")
    parser.add_argument("--only", metavar="KIND", help=f"make one kind: {', '.join(KINDS)}")
    parser.add_argument("--repositories", metavar="DIR", help="folder of clones to read instead of the network")
    parser.add_argument("--keep", action="store_true", help="keep the clones that are made, in DIR/.repositories")
    parser.add_argument(
        "--manifest", type=int, default=VERSION, metavar="N", help="version of the manifest (default: %(default)s)"
    )
    parser.add_argument("--table", action="store_true", help="print the tables of docs/data.md and stop")
    parser.add_argument("--inspect", metavar="DIR", help="print measures of the recordings in a folder and stop")
    return parser.parse_args()


def main():
    options = arguments()
    rows = recordings(options.only, options.manifest)
    if options.table:
        print(f"{inventory.kinds_table(rows)}\n\n{inventory.sources_table(rows)}")
        return 0
    if options.inspect:
        print(measures.table(options.inspect))
        return 0
    if options.folder is None:
        raise InputError("name the folder to make: python tools/prepare_data.py DIR")
    outcome = prepare(options.folder, rows, options.manifest, options.repositories, options.keep)
    for (kind, state), number in sorted(outcome.counts.items()):
        print(f"{kind:10} {number:5} {_STATES[state]}")
    return 1 if outcome.missing else 0


_STATES = {
    "equal": "as in the manifest, sample for sample",
    "close": "as in the manifest but for rounding, by another version of a decoder or encoder",
    "missing": "missing: see the lines above",
}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except InputError as error:
        sys.exit(f"prepare_data: {error}")
    except KeyboardInterrupt:
        sys.exit("prepare_data: interrupted; the same command continues")
