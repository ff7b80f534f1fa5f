"""The `zoo` command, one module a command.

Checkpoints are listed, described, evaluated, exported, published; audio is scored, compared, enhanced, separated,
synthesised. A backend is loaded only to run a model.
"""

import argparse
import importlib
import os
import sys

from zoo import __version__
from zoo.errors import InputError

# In the order of the help; a module is called as its command is, with underscores.
COMMANDS = (
    "list",
    "info",
    "score",
    "distance",
    "enhance",
    "separate",
    "texture",
    "evaluate",
    "export",
    "serve-config",
    "push",
)
_EXAMPLES = """examples:
  zoo list 'quality-net*'
  zoo info quality-net-lite-pesq-wb-16k
  zoo score clean.wav noisy.wav
  zoo distance original.wav coded.wav
  zoo enhance noisy.wav enhanced.wav
  zoo separate song.mp3 stems/
  zoo texture rain.wav more-rain.wav --seconds 10
  zoo evaluate jnd jnd-22k
  zoo export jnd-22k models/jnd
  zoo push my-metric/ my-lab/my-metric --dry-run
  zoo COMMAND --help
"""


def main(argv: list[str] | None = None) -> int:
    """Run the `zoo` command.

    Args:
        argv: arguments without the program's name; None takes them from the command line.

    Returns:
        Exit status: 0, or 2 where something could not be done, with a line on stderr that says what to do.

    Example:
        >>> main(["list", "jnd-22k"])
        name     family  sample_rate  parameters  description...
        0
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported
    try:
        arguments = parser().parse_args(argv)
        return arguments.run(arguments)
    except BrokenPipeError:  # `zoo list | head`: nobody reads what else would be printed, at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (InputError, OSError) as error:
        print(f"zoo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("zoo: stopped; no file is half written", file=sys.stderr)
        return 130


class Parser(argparse.ArgumentParser):
    """A parser whose errors are `InputError`s."""

    def error(self, message):
        raise InputError(f"{message}; see {self.prog} --help")


def parser() -> Parser:
    """The parser of `zoo`; parsed arguments have `run`, the function of their command."""
    description = "Learned audio metrics, and networks trained with them."
    plain = argparse.RawDescriptionHelpFormatter
    zoo_parser = Parser("zoo", description=description, epilog=_EXAMPLES, formatter_class=plain)
    zoo_parser.add_argument("--version", action="version", version=f"zoo {__version__}")
    subparsers = zoo_parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        importlib.import_module(f"zoo.cli.{command.replace('-', '_')}").add(subparsers)
    return zoo_parser


if __name__ == "__main__":
    sys.exit(main())
