"""The `zoo` command, one module a command.

Checkpoints are listed, described, evaluated, exported, published; audio is scored, compared, enhanced, separated,
synthesised; listeners are asked. A backend is loaded only to run a model.
"""

import argparse
import contextlib
import functools
import importlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator

from zoo import __version__
from zoo.base.signals import ENDING
from zoo.errors import InputError, InputWarning, extras

# In the order of the help; a module is called as its command is, with underscores.
COMMANDS = (
    "list",
    "info",
    "score",
    "distance",
    "enhance",
    "separate",
    "texture",
    "listen",
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
  zoo listen preference pairs.csv --study study.db
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
        Exit status: 0, or 2 where something could not be done, with a line on stderr that says what to do; after a
        signal 128 and its number, and temporary files are gone.

    Example:
        >>> main(["list", "jnd-22k"])
        name     family  sample_rate  parameters  description...
        0
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow is imported
    _escape(sys.stdout, sys.stderr)
    try:
        with _ended_by_signals(), warnings.catch_warnings(), extras():
            show_warnings()
            arguments = parser().parse_args(argv)
            status = arguments.run(arguments)
            sys.stdout.flush()  # here, since a pipe that breaks at the interpreter's exit is an error nobody catches
            return status
    except BrokenPipeError:  # `zoo list | head`: nobody reads what else would be printed, at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (InputError, OSError) as error:
        print(f"zoo: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, _Ended) as stop:
        print("zoo: stopped; no file is half written", file=sys.stderr)
        return 128 + getattr(stop, "number", signal.SIGINT)


def _escape(*streams):
    """Let streams write what their encoding lacks as an escape: a name must not cost the results of hours."""
    for stream in streams:
        if getattr(stream, "errors", None) == "strict" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


class _Ended(BaseException):
    """A signal ends the process: no error, so that `finally` blocks alone see it on its way to `main`."""

    def __init__(self, number):
        self.number = number


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let signals that end a process raise in the block; one that is ignored (nohup) or handled stays so."""

    def end(number, frame):
        raise _Ended(number)

    numbers = [getattr(signal, name) for name in ENDING if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():  # where Python allows no handler
        numbers = []
    default = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    try:
        for number in default:
            signal.signal(number, end)
        yield
    finally:
        for number in default:
            signal.signal(number, signal.SIG_DFL)


def show_warnings() -> None:
    """Show warnings of input in one line, as errors are, in this process: that of the command or one that works for it.

    Example:
        >>> with warnings.catch_warnings():
        ...     show_warnings()
    """
    if getattr(warnings.showwarning, "func", None) is not _show:
        warnings.showwarning = functools.partial(_show, warnings.showwarning)


def _show(show, message, category, *place):
    """Show a warning: of input in one line, like an error; another as ever, by the function `show`."""
    if issubclass(category, InputWarning):
        print(f"zoo: {message}", file=sys.stderr)
    else:
        show(message, category, *place)


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
