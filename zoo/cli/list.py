"""`zoo list`: names of the bundled checkpoints, with what each is."""

from zoo.base import tables
from zoo.checkpoint import registry
from zoo.errors import InputError


def add(commands):
    """Add the command to the subparsers of `zoo`."""
    command = commands.add_parser("list", help="name the checkpoints")
    command.add_argument("pattern", nargs="?", default="*", help="shell pattern, such as 'quality-net*'")
    command.set_defaults(run=_list)


def _list(arguments):
    names = registry.names(arguments.pattern)
    if not names:
        raise InputError(f"no checkpoint matches {arguments.pattern!r}; `zoo list` names them all")
    cards = [registry.info(name) for name in names]
    columns = ("name", "family", "sample_rate", "parameters", "description")
    print(tables.table(columns, [[str(card[column]) for column in columns] for card in cards]))
    return 0
