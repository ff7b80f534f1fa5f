"""Evaluate checkpoints: `zoo evaluate`, as the cards name it.

python tools/evaluate.py quality-net --checkpoint quality-net-lite-pesq-wb-16k
python tools/evaluate.py --help
"""

import sys

from zoo import cli

if __name__ == "__main__":
    sys.exit(cli.main(["evaluate", *sys.argv[1:]]))
