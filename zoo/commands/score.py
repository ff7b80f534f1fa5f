"""`zoo score`: degraded recordings against their references, by checkpoints and by true metrics."""

import argparse
import csv
import json
import math
import sys
from dataclasses import dataclass

import zoo
from zoo import registry
from zoo.audio import pairs
from zoo.commands import tables
from zoo.errors import InputError

DEFAULT_METRIC = "quality-net-lite-pesq-wb-16k"
TRUE_METRICS = ("pesq-wb", "pesq-nb", "stoi", "estoi", "si-sdr")
EXAMPLES = """examples:
  zoo score clean.wav noisy.wav
  zoo score clean.wav noisy.wav --metric pesq-wb --metric stoi
  zoo score clean/ enhanced/ --resample --csv scores.csv
  zoo score pairs.csv --json - | jq .summary
"""


def add(commands):
    """Add the command to the subparsers of `zoo`."""
    command = commands.add_parser(
        "score",
        help="score degraded recordings against their references",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("reference", help="recording, folder, or CSV with the columns reference and degraded")
    command.add_argument("degraded", nargs="?", help="recording, or folder with files of the same names")
    command.add_argument(
        "--metric",
        action="append",
        help=f"repeatable: a checkpoint (default {DEFAULT_METRIC}) or one of {', '.join(TRUE_METRICS)}",
    )
    command.add_argument("--resample", action="store_true", help="resample to the rate that the metric needs")
    command.add_argument("--downmix", action="store_true", help="average the channels to mono")
    command.add_argument("--csv", metavar="OUT", help="write the scores as CSV, '-' to stdout instead of the table")
    command.add_argument("--json", metavar="OUT", help="write the scores as JSON, '-' to stdout instead of the table")
    command.set_defaults(run=_score)


@dataclass
class Row:
    """A pair's scores by metric, NaN where there is none, and what went wrong."""

    pair: pairs.Pair
    scores: dict
    error: str


def _score(arguments):
    if arguments.csv == "-" and arguments.json == "-":
        raise InputError("--csv - and --json - would mix on stdout; write one of them to a file")
    for output in (arguments.csv, arguments.json):
        if output not in (None, "-"):
            tables.check_output(output)
    found = pairs.find(arguments.reference, arguments.degraded)
    scorers = {name: scorer(name) for name in arguments.metric or [DEFAULT_METRIC]}
    from tqdm import tqdm

    # None shows the bar on a terminal only.
    bar = tqdm(found, unit="pair", disable=None if len(found) > 1 else True)
    rows = [score_pair(pair, scorers, arguments.resample, arguments.downmix) for pair in bar]
    if len(rows) == 1 and all(math.isnan(score) for score in rows[0].scores.values()):
        raise InputError(rows[0].error)
    _write_scores(rows, list(scorers), arguments)
    failed = sum(bool(row.error) for row in rows)
    if failed:
        print(f"zoo: {failed} of {len(rows)} pairs have an error; their rows say what to do", file=sys.stderr)
    return 2 if failed else 0


def scorer(name):
    """(rates, function) of a metric: the rates in Hz that it takes, None for any, and its score of a pair."""
    if name in TRUE_METRICS:
        from functools import partial

        from zoo.metrics import speech

        rates = speech.PESQ_RATES[name.removeprefix("pesq-")] if name.startswith("pesq") else None
        return rates, partial(speech.score_pair, name)
    if "/" not in name and name not in registry.names():
        raise InputError(_unknown(name))
    model = zoo.load(name)
    if not hasattr(model, "score"):
        raise InputError(f"{name} is a {type(model).__name__}, which scores nothing; `zoo list` names the metrics")

    def score(reference, degraded, sample_rate):
        value = float(model.score(reference, degraded, sample_rate=sample_rate)[0])
        if math.isnan(value):
            raise InputError("the pair is too short or too quiet; use a longer recording")
        return value

    return (model.sample_rate,), score


def _unknown(name):
    import difflib

    close = difflib.get_close_matches(name.lower(), [*registry.names(), *TRUE_METRICS])
    hint = f"did you mean {' or '.join(close)}?" if close else f"`zoo list` names them, or {', '.join(TRUE_METRICS)}"
    return f"unknown metric {name}; {hint}"


def score_pair(pair, scorers, resample=False, downmix=False):
    """Row of a pair: a score of each of `scorers`, {metric: what `scorer` gave}; the rest as for `pairs.read`."""
    scores, errors = dict.fromkeys(scorers, math.nan), [pair.error] if pair.error else []
    for name, (rates, function) in {} if errors else scorers.items():
        try:
            recordings = pairs.read(pair, rates, resample, downmix)
        except InputError as error:
            errors.append(str(error))
            continue
        try:
            scores[name] = function(*recordings)
        except InputError as error:
            errors.append(f"{name}: {error}")
    # Two metrics that need one rate make one complaint.
    return Row(pair, scores, "; ".join(dict.fromkeys(errors)))


def summary(rows, name):
    """A metric's mean over the rows that have it, and how many have it and have not."""
    scores = [row.scores[name] for row in rows if not math.isnan(row.scores[name])]
    mean = sum(scores) / len(scores) if scores else math.nan
    return {"mean": mean, "n": len(scores), "n_failed": len(rows) - len(scores)}


def _write_scores(rows, metrics, arguments):
    summaries = {name: summary(rows, name) for name in metrics}
    if arguments.csv:
        tables.write_text(arguments.csv, lambda file: _write_csv(file, rows, metrics))
    if arguments.json:
        report = {"pairs": [_as_json(row) for row in rows], "summary": _null_nan(summaries)}
        text = json.dumps(report, indent=2, ensure_ascii=False)
        tables.write_text(arguments.json, lambda file: print(text, file=file))
    if "-" not in (arguments.csv, arguments.json):
        print(_score_table(rows, metrics, summaries))


def _write_csv(file, rows, metrics):
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["reference", "degraded", *metrics, "error"])
    for row in rows:
        scores = (row.scores[name] for name in metrics)
        writer.writerow([row.pair.reference, row.pair.degraded, *scores, row.error])


def _as_json(row):
    paths = {"reference": str(row.pair.reference), "degraded": str(row.pair.degraded)}
    return {**paths, "scores": _null_nan(row.scores), "error": row.error or None}


def _null_nan(value):
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _null_nan(item) for key, item in value.items()}
    return None if math.isnan(value) else value


def _score_table(rows, metrics, summaries):
    header = ["degraded", *metrics, "error"]
    lines = [[row.pair.name, *(tables.number(row.scores[name]) for name in metrics), row.error] for row in rows]
    if len(rows) > 1:
        lines.append(["mean", *(tables.number(summaries[name]["mean"]) for name in metrics), ""])
        lines.append(["scored", *(str(summaries[name]["n"]) for name in metrics), ""])
        lines.append(["failed", *(str(summaries[name]["n_failed"]) for name in metrics), ""])
    if not any(row.error for row in rows):
        header, lines = header[:-1], [line[:-1] for line in lines]
    return tables.table(header, lines)
