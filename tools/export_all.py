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
    parser.add_argument("directory", metavar="DIR", help="created where missing; models in it are not replaced")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these checkpoints")
    arguments = parser.parse_args()
    for name in arguments.names or registry.names():
        folder = Path(arguments.directory) / name
        if not any(folder.glob("*/saved_model.pb")) and (failed := cli.main(["export", name, str(folder)])):
            sys.exit(failed)
    sys.exit(cli.main(["serve-config", arguments.directory]))


if __name__ == "__main__":
    main()
