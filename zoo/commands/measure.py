"""What `zoo score` and `zoo distance` share: arguments, the loop over pairs, and the files and table of results."""

import argparse
import csv
import difflib
import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import zoo
from zoo import registry
from zoo.audio import pairs
from zoo.commands import tables
from zoo.errors import InputError

# Methods of a model that a command calls -> what a model without it does.
_LACKS = {"score": "scores nothing", "distance": "measures no distance"}


@dataclass(frozen=True)
class Meter:
    """A metric: the rates in Hz that it takes, None for any, its columns, and (reference, degraded, rate) -> values."""

    rates: tuple | None
    columns: tuple
    function: Callable


@dataclass
class Row:
    """A pair's scores by column, NaN where there is none, and what went wrong."""

    pair: pairs.Pair
    scores: dict
    error: str


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
    for form in ("csv", "json"):
        text = f"write the {results} as {form.upper()}, '-' to stdout instead of the table"
        command.add_argument(f"--{form}", metavar="OUT", help=text)
    return command


def run(arguments, metrics, meter, **reading):
    """Measure the pairs that the arguments name, then print and write the results.

    Args:
        arguments: as the parser of `add` gives them.
        metrics: names of metrics.
        meter: function, name -> `Meter`.
        reading: more arguments of `pairs.read`.

    Returns:
        Exit status: 0, or 2 where a pair has an error.

    Raises:
        InputError: nothing could be measured, or an output cannot be written.
    """
    if arguments.csv == "-" and arguments.json == "-":
        raise InputError("--csv - and --json - would mix on stdout; write one of them to a file")
    for output in (arguments.csv, arguments.json):
        if output not in (None, "-"):
            tables.check_output(output)
    found = pairs.find(arguments.reference, arguments.degraded)
    meters = {name: meter(name) for name in metrics}
    from tqdm import tqdm

    # None shows the bar on a terminal only.
    bar = tqdm(found, unit="pair", disable=None if len(found) > 1 else True)
    rows = [score_pair(pair, meters, arguments.resample, arguments.downmix, **reading) for pair in bar]
    if len(rows) == 1 and all(math.isnan(score) for score in rows[0].scores.values()):
        raise InputError(rows[0].error)
    _write(rows, _columns(meters), arguments)
    failed = sum(bool(row.error) for row in rows)
    if failed:
        print(f"zoo: {failed} of {len(rows)} pairs have an error; their rows say what to do", file=sys.stderr)
    return 2 if failed else 0


def load(name, command, others=()):
    """The model that a metric's name means.

    Args:
        name: a checkpoint, or a directory with a slash.
        command: "score" or "distance": the method that the model must have.
        others: names that are metrics of the command too, to suggest.

    Returns:
        keras.Model.

    Raises:
        InputError: no such metric, or it is one of the other command.
    """
    if "/" not in name and name not in registry.names():
        raise InputError(_unknown(name, others))
    model = zoo.load(name)
    if not hasattr(model, command):
        other = next((method for method in _LACKS if hasattr(model, method)), None)
        hint = f"use `zoo {other}`" if other else "`zoo list` names the metrics"
        raise InputError(f"{name} is a {type(model).__name__}, which {_LACKS[command]}; {hint}")
    return model


def _unknown(name, others):
    close = difflib.get_close_matches(name.lower(), [*registry.names(), *others])
    named = f", or {', '.join(others)}" if others else ""
    hint = f"did you mean {' or '.join(close)}?" if close else f"`zoo list` names them{named}"
    return f"unknown metric {name}; {hint}"


def score_pair(pair, meters, resample=False, downmix=False, **reading):
    """`Row` of a pair by each of `meters`, {metric: `Meter`}; the rest as for `pairs.read`."""
    scores, errors = dict.fromkeys(_columns(meters), math.nan), [pair.error] if pair.error else []
    for name, meter in {} if errors else meters.items():
        try:
            recordings = pairs.read(pair, meter.rates, resample, downmix, **reading)
        except InputError as error:
            errors.append(str(error))
            continue
        try:
            scores.update(zip(meter.columns, meter.function(*recordings), strict=True))
        except InputError as error:
            errors.append(f"{name}: {error}")
    # Two metrics that need one rate make one complaint.
    return Row(pair, scores, "; ".join(dict.fromkeys(errors)))


def summary(rows, column):
    """A column's mean over the rows that have it, and how many have it and have not."""
    scores = [row.scores[column] for row in rows if not math.isnan(row.scores[column])]
    mean = sum(scores) / len(scores) if scores else math.nan
    return {"mean": mean, "n": len(scores), "n_failed": len(rows) - len(scores)}


def _columns(meters):
    return [column for meter in meters.values() for column in meter.columns]


def _write(rows, columns, arguments):
    summaries = {column: summary(rows, column) for column in columns}
    if arguments.csv:
        tables.write_text(arguments.csv, lambda file: _write_csv(file, rows, columns))
    if arguments.json:
        report = {"pairs": [_as_json(row) for row in rows], "summary": _null_nan(summaries)}
        text = json.dumps(report, indent=2, ensure_ascii=False)
        tables.write_text(arguments.json, lambda file: print(text, file=file))
    if "-" not in (arguments.csv, arguments.json):
        print(_table(rows, columns, summaries))


def _write_csv(file, rows, columns):
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["reference", "degraded", *columns, "error"])
    for row in rows:
        scores = (row.scores[column] for column in columns)
        writer.writerow([row.pair.reference, row.pair.degraded, *scores, row.error])


def _as_json(row):
    paths = {"reference": str(row.pair.reference), "degraded": str(row.pair.degraded)}
    return {**paths, "scores": _null_nan(row.scores), "error": row.error or None}


def _null_nan(value):
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _null_nan(item) for key, item in value.items()}
    return None if math.isnan(value) else value


def _table(rows, columns, summaries):
    header = ["degraded", *columns, "error"]
    lines = [[row.pair.name, *(tables.number(row.scores[column]) for column in columns), row.error] for row in rows]
    if len(rows) > 1:
        lines.append(["mean", *(tables.number(summaries[column]["mean"]) for column in columns), ""])
        lines.append(["scored", *(str(summaries[column]["n"]) for column in columns), ""])
        lines.append(["failed", *(str(summaries[column]["n_failed"]) for column in columns), ""])
    if not any(row.error for row in rows):
        header, lines = header[:-1], [line[:-1] for line in lines]
    return tables.table(header, lines)
