"""`zoo listen`: listening tests in a browser, and their results."""

import argparse
import contextlib
import importlib.util
from pathlib import Path

from zoo.errors import InputError, first_line

_NEEDED = ("alembic", "choix", "limits", "matplotlib", "sqlalchemy", "starlette", "statsmodels", "uvicorn")
_DESCRIPTION = """Ask people in a browser, and work with what they say. A study is one file, or the URL of a
database; the same command goes on with it after a restart, and no answer is lost."""
_EXAMPLES = """examples:
  zoo listen preference pairs.csv --study study.db
  zoo listen preference pairs.csv --study study.db --settings study.toml --port 8080
  zoo listen jnd clean/ --noise noise/ --study jnd.db --settings conditions.toml
  zoo listen rate systems.csv --study mushra.db --settings mushra.toml
  zoo listen serve --study study.db
  zoo listen results study.db --report report/
  zoo listen forget study.db WORKER
"""
_JND = """Same or different? Each listener judges three blocks of ten pairs of a clip, perturbed by strengths that follow
the answers to the listener's threshold (Manocha et al. 2020). [[condition]] tables of the settings name what is
perturbed; without one it is drawn at random, as in the paper."""
_RATE = """How good does it sound? The CSV has the columns file, system and item, and optionally group and reference. Ratings
are 1 to 5 (ACR, ITU-T P.800), or with scale = "mushra" in the settings 0 to 100 beside each other, with the hidden
reference and anchors (ITU-R BS.1534), which needs a reference."""
_PREFERENCE = """Which of two sounds better? The CSV has the columns a and b, recordings of two systems on one item,
and optionally reference, item, group (such as the SNR), system_a and system_b. Paths are relative to its folder."""


def add(commands):
    """Add the command to the subparsers of `zoo`."""
    plain = argparse.RawDescriptionHelpFormatter
    command = commands.add_parser(
        "listen",
        help="listening tests in a browser, and their results",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=plain,
    )
    subcommands = command.add_subparsers(required=True, metavar="KIND")
    preference = subcommands.add_parser("preference", help="which of two sounds better?", description=_PREFERENCE)
    preference.add_argument("table", metavar="CSV", help="pairs to compare")
    _add_server(preference, makes=True)
    preference.set_defaults(run=_with_packages(_preference))
    jnd = subcommands.add_parser("jnd", help="same or different? just noticeable differences", description=_JND)
    jnd.add_argument("clean", metavar="DIR", help="clean recordings, of each of which the loudest 2.5 s are taken")
    jnd.add_argument("--noise", metavar="DIR", help="folders of recorded noises: applause, water_drops, crickets, room")
    _add_server(jnd, makes=True)
    jnd.set_defaults(run=_with_packages(_jnd))
    rate = subcommands.add_parser("rate", help="how good does it sound? 1 to 5, or MUSHRA", description=_RATE)
    rate.add_argument("table", metavar="CSV", help="recordings to rate")
    _add_server(rate, makes=True)
    rate.set_defaults(run=_with_packages(_rate))
    serve = subcommands.add_parser("serve", help="serve a study that is there", description="Serve a study again.")
    _add_server(serve, makes=False)
    serve.set_defaults(run=_with_packages(_serve))
    results = subcommands.add_parser("results", help="what was answered: tables, figures, exports")
    results.add_argument("study", metavar="DB", help="as for --study")
    results.add_argument("--report", required=True, metavar="DIR", help="folder to write: index.html, answers.csv, ...")
    results.add_argument("--everyone", action="store_true", help="count answers of marked sessions too")
    results.set_defaults(run=_with_packages(_results))
    forget = subcommands.add_parser("forget", help="delete a listener with all their answers")
    forget.add_argument("study", metavar="DB", help="as for --study")
    forget.add_argument("listener", metavar="ID", help="worker's id, completion code, or number in listeners.csv")
    forget.set_defaults(run=_with_packages(_forget))


def _add_server(parser, makes):
    parser.add_argument("--study", required=True, metavar="DB", help="SQLite file, or URL such as postgresql://host/db")
    if makes:
        parser.add_argument("--settings", metavar="TOML", help="title, texts, numbers and rules of the study")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="0 for a free one (default: %(default)s)")
    parser.add_argument("--base-url", metavar="URL", help="that listeners open, where a proxy stands before")


def _with_packages(run):
    """The function of a command, after a check that the extra is installed."""

    def checked(arguments):
        missing = [package for package in _NEEDED if not _is_installed(package)]
        if missing:
            raise InputError(f'zoo listen needs {", ".join(missing)}: pip install "audio-zoo[listen]"')
        from sqlalchemy.exc import SQLAlchemyError

        try:
            return run(arguments)
        except SQLAlchemyError as error:
            reason = first_line(getattr(error, "orig", None) or error)
            raise InputError(f"{arguments.study}: the database refuses ({reason}); nothing was half written") from error

    return checked


def _is_installed(package):
    """Whether a package is there, which need not be imported for that."""
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:
        return False


def _preference(arguments):
    from zoo.listening import preference

    def read(session, settings):
        return preference.read_items(arguments.table, session), settings

    return _make(arguments, preference.Preference, read)


def _jnd(arguments):
    from zoo.listening import jnd

    def read(session, settings):
        return jnd.read_items(arguments.clean, session), jnd.with_noises(settings, arguments.noise, session)

    return _make(arguments, jnd.JND, read)


def _rate(arguments):
    from zoo.listening import rate

    def read(session, settings):
        return rate.read_items(arguments.table, settings, session), settings

    return _make(arguments, rate.Rating, read)


def _make(arguments, kind, read):
    """Make a study, or go on with it, and serve it; `read` gives its items and its settings."""
    from zoo.listening import study
    from zoo.listening.store import Store

    settings = kind.settings_class.read(arguments.settings)
    store = Store(arguments.study, create=True)
    try:
        with store.write() as session:
            items, settings = read(session, settings)
            study.make(store, kind.name, settings, items, session)
    except BaseException:
        store.discard()
        raise
    store.close()
    return _serve(arguments)


def _serve(arguments):
    from zoo.listening import serve, study
    from zoo.listening.store import Store

    with contextlib.closing(Store(arguments.study)) as store:
        kind = study.open_kind(store)
        with store.read() as session:
            numbers = ", ".join(f"{count} {name}" for name, count in study.counts(session).items())
        print(f"{arguments.study}: {kind.name}, {numbers}")
        serve.serve(store, kind, arguments.host, arguments.port, arguments.base_url)
    return 0


def _results(arguments):
    from zoo.listening import report, study
    from zoo.listening.store import Store

    with contextlib.closing(Store(arguments.study)) as store:
        print(report.write(store, study.open_kind(store), Path(arguments.report), arguments.everyone).text)
    print(f"\nwrote {Path(arguments.report) / 'index.html'}")
    return 0


def _forget(arguments):
    from zoo.listening import results
    from zoo.listening.store import Store

    with contextlib.closing(Store(arguments.study)) as store:
        count = results.forget(store, arguments.listener)
    print(f"{arguments.study}: {arguments.listener} and {count} answers are deleted")
    return 0
