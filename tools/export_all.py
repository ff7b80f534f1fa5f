"""Export every bundled checkpoint into a folder, with the configuration by which TF Serving serves them all.

python tools/export_all.py models/
"""

import argparse
import sys
from pathlib import Path

from zoo import cli
from zoo.checkpoint import registry


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", metavar="DIR", help="made where missing; a model that is there already stays")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these checkpoints")
    given = parser.parse_args()
    for name in given.names or registry.names():
        folder = Path(given.directory) / name
        if not any(folder.glob("*/saved_model.pb")) and (failed := cli.main(["export", name, str(folder)])):
            sys.exit(failed)
    sys.exit(cli.main(["serve-config", given.directory]))


if __name__ == "__main__":
    main()
