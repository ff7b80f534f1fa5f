"""`zoo info`: the card of a checkpoint."""

from zoo.base import files
from zoo.checkpoint import registry


def add(commands):
    """Add the command to the subparsers of `zoo`."""
    command = commands.add_parser("info", help="print a checkpoint's card as JSON")
    command.add_argument("name", help="a name that `zoo list` shows, hf://org/name, or a directory with a slash")
    command.set_defaults(run=_info)


def _info(arguments):
    files.write_json("-", registry.info(arguments.name))
    return 0
