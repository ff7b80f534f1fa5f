"""What `zoo score` and `zoo distance` share: arguments, the loop over pairs, and the files and table of results."""

import argparse
import difflib
import functools
import itertools
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

from zoo import cli, scoring
from zoo.audio import pairs
from zoo.base import files, tables
from zoo.checkpoint import registry
from zoo.cli import models
from zoo.errors import InputError, describe
from zoo.scoring import Row

_MOST_ROWS = 1000  # of a printed table; of more pairs it has their means alone
_MOST_WARNINGS = 3  # that are printed one by one


@dataclass(frozen=True)
class Meter:
    """A metric as the loop over pairs calls it.

    Attributes:
        rates: in Hz, that it takes, the preferred one first; None for any.
        columns: names of its values.
        function: (reference, degraded, sample_rate) -> a value for each column; raises InputError where there is none.
        aligns: whether it finds a delay by itself, as PESQ does; to another a delay is a degradation.
        needs_reference: function, () -> whether it does; of one that does not, the reference may be None.
    """

    rates: tuple | None
    columns: tuple
    function: Callable
    aligns: bool = False
    needs_reference: Callable = lambda: True


def add(commands, name, summary, examples, metric, results):
    """Add a command to the subparsers of `zoo`, with the arguments that both share.

    Args:
        commands: the subparsers.
        name, summary, examples: of the command, for its help.
        metric: help of --metric.
        results: what the command writes, in the help: "scores".

    Returns:
        The command's parser.
    """
    plain = argparse.RawDescriptionHelpFormatter
    command = commands.add_parser(name, help=summary, epilog=examples, formatter_class=plain)
    command.add_argument("reference", help="recording, folder, or CSV with the columns reference and degraded")
    command.add_argument("degraded", nargs="?", help="recording, or folder with files of the same names")
    command.add_argument("--metric", action="append", help=metric)
    command.add_argument("--resample", action="store_true", help="resample to the rate that the metric needs")
    command.add_argument("--downmix", action="store_true", help="average the channels to mono")
    command.add_argument(
        "--align",
        action="store_true",
        help="shift the degraded recording by its delay, at most 0.5 s, and cut both to what they share",
    )
    for form in ("csv", "json"):
        text = f"write the {results} as {form.upper()}, '-' to stdout instead of the table"
        command.add_argument(f"--{form}", metavar="OUT", help=text)
    models.add_argument(command)
    command.add_argument(
        "--jobs", type=scoring.processes, help="processes, -1 for one a core (default 1; all of a --backend)"
    )
    scoring.add_arguments(command)
    return command


def run(arguments, metrics, meter, **reading):
    """Measure the pairs that the arguments name, and print and write the results; the CSV as they come.

    Memory does not grow with the rows of a CSV, unless --json asks for all of them: a table of many pairs shows their
    means alone.

    Args:
        arguments: as the parser of `add` gives them.
        metrics: names of metrics.
        meter: function, name -> `Meter`, that equals another of the same settings: processes keep what it gives.
        reading: more arguments of `pairs.read`.

    Prints a line to stderr where a recording is late, with which metrics that compare moment by moment go wrong.

    Returns:
        Exit status: 0, or 2 where a pair has an error.

    Raises:
        InputError: nothing could be measured, or an output cannot be written.
    """
    _check_outputs(arguments)
    meters = scoring.meters(meter, tuple(metrics))
    results = Results(_columns(meters), keep_all=bool(arguments.json))
    pairs_to_score, alone = _pairs(arguments, meters)
    reading = {**reading, "align": arguments.align}
    score = functools.partial(
        _score, meter, tuple(metrics), arguments.resample, arguments.downmix, reading, must_score=alone
    )
    table = scoring.Table(arguments.csv, list(results.sums), arguments.resume) if arguments.csv else None
    # Other processes would take longer to start than one pair to score.
    jobs, backend = (None, None) if alone else (arguments.jobs, arguments.backend)
    scheduler = None if alone else arguments.scheduler
    for row in scoring.rows(score, pairs_to_score, table, jobs, backend, scheduler):
        results.add(row)
        if row.warning and results.n_late <= _MOST_WARNINGS:
            print(f"zoo: {tables.printable(row.warning)}", file=sys.stderr)
    _write(results, arguments)
    if results.n_late > _MOST_WARNINGS:
        print(f"zoo: {results.n_late} of {results.n} degraded recordings are not in time (--align)", file=sys.stderr)
    if results.n_failed:
        print(f"zoo: {results.n_failed} of {results.n} pairs have an error; their rows say what to do", file=sys.stderr)
    return 2 if results.n_failed else 0


def _check_outputs(arguments):
    """Refuse outputs that cannot be written, before anything is scored."""
    if arguments.csv == "-" and arguments.json == "-":
        raise InputError("--csv - and --json - would mix on stdout; write one of them to a file")
    if arguments.json not in (None, "-"):
        files.check_output(arguments.json)
    scoring.check_arguments(arguments, arguments.csv, "--csv")


def _pairs(arguments, meters):
    """The pairs that the arguments name, an iterator, and whether there is only one."""
    one = arguments.degraded is None
    references = not one or any(meter.needs_reference() for meter in meters.values())
    if one and str(arguments.reference).lower().endswith(".csv"):
        named = pairs.stream(arguments.reference, references=references)
    elif references:
        named = iter(pairs.find(arguments.reference, arguments.degraded))
    else:
        named = iter(pairs.find_alone(arguments.reference))
    first = list(itertools.islice(named, 2))
    return itertools.chain(first, named), len(first) == 1


def _score(meter, metrics, resample, downmix, reading, pair, must_score=False):
    """`Row` of a pair, in whatever process this is; of a pair that must have a score, its error is raised."""
    cli.show_warnings()
    row = score_pair(pair, scoring.meters(meter, metrics), resample, downmix, **reading)
    if must_score and all(map(math.isnan, row.scores.values())):
        raise InputError(row.error)
    return row


class Results:
    """Rows as they come: all where they are few or `keep_all` is true, else the first; and always their sums."""

    def __init__(self, columns, keep_all):
        self.rows, self.keep_all, self.n, self.n_failed, self.n_late = [], keep_all, 0, 0, 0
        self.sums = {column: [0.0, 0] for column in columns}

    def add(self, row):
        self.n, self.n_failed = self.n + 1, self.n_failed + bool(row.error)
        self.n_late += bool(row.warning)
        for column, value in row.scores.items():
            if not math.isnan(value):
                self.sums[column] = [self.sums[column][0] + value, self.sums[column][1] + 1]
        if self.keep_all or self.n <= _MOST_ROWS:
            self.rows.append(row)

    def summaries(self):
        """{column: mean over the rows that have it, and how many have it and have not}."""
        return {
            column: {"mean": total / n if n else math.nan, "n": n, "n_failed": self.n - n}
            for column, (total, n) in self.sums.items()
        }


def checkpoint(name, runtime, method, others=()):
    """`models.Checkpoint` that a metric's name means.

    Args:
        name: a checkpoint, or a directory with a slash.
        runtime, method: as for `models.Checkpoint`.
        others: names that are metrics of the command too, to suggest.

    Raises:
        InputError: no such metric.
    """
    if "/" not in name and name not in registry.names():
        raise InputError(_unknown(name, others))
    return models.Checkpoint(name, runtime, method)


def _unknown(name, others):
    close = difflib.get_close_matches(name.lower(), [*registry.names(), *others])
    named = f", or {', '.join(others)}" if others else ""
    hint = f"did you mean {' or '.join(close)}?" if close else f"`zoo list` names them{named}"
    return f"unknown metric {name}; {hint}"


def score_pair(pair, meters, resample=False, downmix=False, **reading):
    """`Row` of a pair by each of `meters`, {metric: `Meter`}; the rest as for `pairs.read`.

    Raises:
        models.UnusableModel: a meter's model cannot be used; any other error is the row's.
    """
    scores, errors, warning = dict.fromkeys(_columns(meters), math.nan), [pair.error] if pair.error else [], ""
    for name, meter in {} if errors else meters.items():
        try:
            recordings = pairs.read(pair, meter.rates, resample, downmix, **reading)
        except Exception as error:  # noqa: BLE001 - of whatever library; the other pairs go on
            errors.append(describe(error))
            continue
        try:
            scores.update(zip(meter.columns, meter.function(*recordings), strict=True))
            in_time = meter.aligns or not meter.needs_reference()
            warning = warning or ("" if in_time else _lateness(pair, *recordings))
        except models.UnusableModel:
            raise
        except Exception as error:  # noqa: BLE001
            errors.append(f"{name}: {describe(error)}")
    # Two metrics that need the same rate give the same error, which is told once.
    error = " ".join("; ".join(dict.fromkeys(errors)).split())  # one line, whatever a library says
    return Row(pair, scores, error, warning)


def _lateness(pair, reference, degraded, sample_rate):
    """What to say of a pair that is not in time; "" of one that is."""
    # Imports audio libraries, which the parser of a command line does without.
    from zoo.audio.align import find_lag_of_channels

    if not (lag := find_lag_of_channels(reference.T, degraded.T, sample_rate)):
        return ""
    way = "after" if lag > 0 else "before"
    return (
        f"{pair.degraded} is {abs(lag) / sample_rate * 1000:.1f} ms ({abs(lag)} samples) {way} its reference, which "
        "counts as a degradation; --align takes the delay out"
    )


def _columns(meters):
    return [column for meter in meters.values() for column in meter.columns]


def _write(results, arguments):
    """What the arguments ask for besides a CSV file."""
    columns, summaries = list(results.sums), results.summaries()
    if arguments.json:
        report = {"pairs": [_as_json(row) for row in results.rows], "summary": _null_nan(summaries)}
        files.write_json(arguments.json, report)
    if "-" not in (arguments.csv, arguments.json):
        print(_table(results.rows if results.n <= _MOST_ROWS else [], columns, summaries))


def _as_json(row):
    reference = row.pair.reference and tables.printable(row.pair.reference)
    paths = {"reference": reference, "degraded": tables.printable(row.pair.degraded)}
    return {**paths, "scores": _null_nan(row.scores), "error": tables.printable(row.error) or None}


def _null_nan(value):
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _null_nan(item) for key, item in value.items()}
    return None if math.isnan(value) else value


def _table(rows, columns, summaries):
    header = ["degraded", *columns, "error"]
    lines = [
        [
            row.pair.name,
            *(tables.number(row.scores[column]) for column in columns),
            row.error,
        ]
        for row in rows
    ]
    if len(rows) != 1:
        lines.append(["mean", *(tables.number(summaries[column]["mean"]) for column in columns), ""])
        lines.append(["scored", *(str(summaries[column]["n"]) for column in columns), ""])
        lines.append(["failed", *(str(summaries[column]["n_failed"]) for column in columns), ""])
    if not any(row.error for row in rows):
        header, lines = header[:-1], [line[:-1] for line in lines]
    return tables.table(header, lines)
