"""The `zoo` command: checkpoints listed, described, exported, published; audio scored, compared, enhanced, separated, made.

Loads a backend only to run a model.
"""

import argparse
import json
import os
import sys

import zoo
from zoo.checkpoint import registry
from zoo.cli import distance, enhance, evaluate, export, push, score, separate, serve_config, tables, texture
from zoo.errors import InputError

_EXAMPLES = """examples:
  zoo list 'quality-net*'
  zoo info quality-net-lite-pesq-wb-16k
  zoo score clean.wav noisy.wav
  zoo distance original.wav coded.wav
  zoo enhance noisy.wav enhanced.wav
  zoo separate song.mp3 stems/
  zoo texture rain.wav more-rain.wav --seconds 10
  zoo export jnd-22k models/jnd
  zoo push my-metric/ my-lab/my-metric --dry-run
  zoo COMMAND --help
"""


def main(argv=None):
    """Run the `zoo` command.

    Args:
        argv: arguments without the program's name; None takes them from the command line.

    Returns:
        Exit status: 0, or 2 where something could not be done, with a line on stderr that says what to do.

    Example:
        >>> main(["score", "clean.wav", "noisy.wav", "--metric", "stoi"])
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported
    try:
        arguments = parser().parse_args(argv)
        return arguments.run(arguments)
    except BrokenPipeError:  # `zoo list | head`; nothing is left to say, at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (InputError, OSError) as error:
        print(f"zoo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("zoo: stopped; no file is half written", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise InputError(f"{message}; see {self.prog} --help")


def parser():
    description = "Learned audio metrics, and networks trained with them."
    plain = argparse.RawDescriptionHelpFormatter
    parser = _Parser("zoo", description=description, epilog=_EXAMPLES, formatter_class=plain)
    parser.add_argument("--version", action="version", version=f"zoo {zoo.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("list", help="name the checkpoints")
    command.add_argument("pattern", nargs="?", default="*", help="shell pattern, such as 'quality-net*'")
    command.set_defaults(run=_list)

    command = commands.add_parser("info", help="print a checkpoint's card as JSON")
    command.add_argument("name", help="a name that `zoo list` shows, hf://org/name, or a directory with a slash")
    command.set_defaults(run=_info)

    score.add(commands)
    distance.add(commands)
    enhance.add(commands)
    separate.add(commands)
    texture.add(commands)
    evaluate.add(commands)
    export.add(commands)
    serve_config.add(commands)
    push.add(commands)
    return parser


def _list(arguments):
    names = registry.names(arguments.pattern)
    if not names:
        raise InputError(f"no checkpoint matches {arguments.pattern!r}; `zoo list` names them all")
    cards = [registry.info(name) for name in names]
    columns = ("name", "family", "sample_rate", "parameters", "description")
    print(tables.table(columns, [[str(card[column]) for column in columns] for card in cards]))
    return 0


def _info(arguments):
    print(json.dumps(registry.info(arguments.name), indent=2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
