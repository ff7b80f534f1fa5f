"""`zoo evaluate`: checkpoints of a family on its test set, which renews their cards, or on any recordings."""

import argparse
import os

from zoo import scoring
from zoo.families import FAMILIES

_FAMILIES = {name.replace("_", "-"): family for name, family in FAMILIES.items()}
_DESCRIPTION = """Evaluate checkpoints of a family on the test set and renew their cards, or evaluate
them on any recordings. `zoo evaluate FAMILY --help` names a family's options.

families:
""" + "\n".join(f"  {name:13} {family.title}" for name, family in _FAMILIES.items())
_EXAMPLES = """examples:
  zoo evaluate quality-net --checkpoint quality-net-lite-pesq-wb-16k
  zoo evaluate quality-net --checkpoint quality-net-lite-pesq-wb-16k --pairs pairs.csv
  zoo evaluate quality-net --checkpoint my-metric/ --pairs corpus.csv --output scores.csv --resume
  zoo evaluate enhancement
  zoo evaluate enhancement --checkpoint blstm-mse-16k --speech clean/ --noise noise/ --output scores/
  zoo evaluate enhancement --speech clean/ --noise noise/ --system dtln=dtln/ --output scores/
  zoo evaluate enhancement --listen page.html
  zoo evaluate jnd jnd-22k --metric dpam/
  zoo evaluate jnd jnd-22k --judgments tables/ --speech clean/ --mos ratings.csv --output scores/
  zoo evaluate texture --few 3
  zoo evaluate separation --tracks MUSDB18-HQ

A pairs CSV has the columns reference and degraded, recordings at the checkpoint's rate,
relative to its folder, and optionally kind (noisy, enhanced, clean) and snr_db, which split
the table. Folders of speech and of noise may hold recordings of any rate; one of speech has
a folder for each talker, or just files. A CSV of ratings has the columns file and
reference, relative to its folder, mos, and optionally speaker, whose mean is then taken.
The words of a bundled checkpoint's card (description, data, licences, departures, limits)
come from tools/configs/<name>.toml.
"""


def add(commands):
    """Add the command to the subparsers of `zoo`."""
    command = commands.add_parser(
        "evaluate",
        help="evaluate checkpoints on their family's test set, or on any recordings",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("family", metavar="FAMILY", choices=_FAMILIES, help="one of those above")
    command.add_argument("options", metavar="...", nargs=argparse.REMAINDER, help="of the family")
    # The options of a family stand in its report, which loads a backend, so they are parsed once it is chosen.
    command.set_defaults(run=lambda arguments: _evaluate(arguments, type(command)))


def _evaluate(arguments, parser_class):
    name = arguments.family
    report = _FAMILIES[name].module("report")
    parser = parser_class(f"zoo evaluate {name}", description=f"{report.SUMMARY[0].upper()}{report.SUMMARY[1:]}.")
    data = os.environ.get("ZOO_DATA", "../shared/data")
    parser.add_argument("--data", default=data, help="recordings (ZOO_DATA)")
    parser.add_argument(
        "--jobs", type=scoring.processes, default=-1, help="processes, -1 for one a core (default: %(default)s)"
    )
    report.add_arguments(parser)
    report.run(parser.parse_args(arguments.options))
    return 0
