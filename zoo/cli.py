"""The `zoo` command: list and describe checkpoints, score recordings. Loads a backend only to run a model."""

import argparse
import csv
import json
import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import zoo
from zoo import registry
from zoo.audio import pairs
from zoo.errors import InputError

DEFAULT_METRIC = "quality-net-lite-pesq-wb-16k"
TRUE_METRICS = ("pesq-wb", "pesq-nb", "stoi", "estoi", "si-sdr")

_EXAMPLES = """examples:
  zoo list 'quality-net*'
  zoo info quality-net-lite-pesq-wb-16k
  zoo score clean.wav noisy.wav
  zoo score clean.wav noisy.wav --metric pesq-wb --metric stoi
  zoo score clean/ enhanced/ --resample --csv scores.csv
  zoo score pairs.csv --json - | jq .summary
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
        arguments = _parser().parse_args(argv)
        return arguments.run(arguments)
    except BrokenPipeError:  # `zoo list | head`; nothing is left to say, at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (InputError, OSError) as error:
        print(f"zoo: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("zoo: stopped; nothing was written", file=sys.stderr)
        return 130


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise InputError(f"{message}; see {self.prog} --help")


def _parser():
    plain = argparse.RawDescriptionHelpFormatter
    parser = _Parser("zoo", description="Learned audio metrics.", epilog=_EXAMPLES, formatter_class=plain)
    parser.add_argument("--version", action="version", version=f"zoo {zoo.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("list", help="name the checkpoints")
    command.add_argument("pattern", nargs="?", default="*", help="shell pattern, such as 'quality-net*'")
    command.set_defaults(run=_list)

    command = commands.add_parser("info", help="print a checkpoint's card as JSON")
    command.add_argument("name", help="a name that `zoo list` shows, or a directory with a slash")
    command.set_defaults(run=_info)

    command = commands.add_parser(
        "score",
        help="score degraded recordings against their references",
        epilog=_EXAMPLES,
        formatter_class=plain,
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
    return parser


def _list(arguments):
    names = registry.names(arguments.pattern)
    if not names:
        raise InputError(f"no checkpoint matches {arguments.pattern!r}; `zoo list` names them all")
    cards = [registry.info(name) for name in names]
    columns = ("name", "family", "sample_rate", "parameters", "description")
    print(_table(columns, [[str(card[column]) for column in columns] for card in cards]))
    return 0


def _info(arguments):
    print(json.dumps(registry.info(arguments.name), indent=2, ensure_ascii=False))
    return 0


@dataclass
class _Row:
    """A pair's scores by metric, NaN where there is none, and what went wrong."""

    pair: pairs.Pair
    scores: dict
    error: str


def _score(arguments):
    if arguments.csv == "-" and arguments.json == "-":
        raise InputError("--csv - and --json - would mix on stdout; write one of them to a file")
    for output in (arguments.csv, arguments.json):
        if output not in (None, "-") and not Path(output).absolute().parent.is_dir():
            raise InputError(f"{output}: its folder does not exist; make it first")
        if output and Path(output).is_dir():
            raise InputError(f"{output}: is a folder; name a file in it")
    found = pairs.find(arguments.reference, arguments.degraded)
    scorers = {name: _scorer(name) for name in arguments.metric or [DEFAULT_METRIC]}
    from tqdm import tqdm

    # None shows the bar on a terminal only.
    bar = tqdm(found, unit="pair", disable=None if len(found) > 1 else True)
    rows = [_score_pair(pair, scorers, arguments) for pair in bar]
    if len(rows) == 1 and all(math.isnan(score) for score in rows[0].scores.values()):
        raise InputError(rows[0].error)
    _write_scores(rows, list(scorers), arguments)
    failed = sum(bool(row.error) for row in rows)
    if failed:
        print(f"zoo: {failed} of {len(rows)} pairs have an error; their rows say what to do", file=sys.stderr)
    return 2 if failed else 0


def _scorer(name):
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


def _score_pair(pair, scorers, arguments):
    scores, errors = dict.fromkeys(scorers, math.nan), [pair.error] if pair.error else []
    for name, (rates, function) in {} if errors else scorers.items():
        try:
            recordings = pairs.read(pair, rates, arguments.resample, arguments.downmix)
        except InputError as error:
            errors.append(str(error))
            continue
        try:
            scores[name] = function(*recordings)
        except InputError as error:
            errors.append(f"{name}: {error}")
    # Two metrics that need one rate make one complaint.
    return _Row(pair, scores, "; ".join(dict.fromkeys(errors)))


def _summary(rows, name):
    scores = [row.scores[name] for row in rows if not math.isnan(row.scores[name])]
    mean = sum(scores) / len(scores) if scores else math.nan
    return {"mean": mean, "n": len(scores), "n_failed": len(rows) - len(scores)}


def _write_scores(rows, metrics, arguments):
    summary = {name: _summary(rows, name) for name in metrics}
    if arguments.csv:
        _write_text(arguments.csv, lambda file: _write_csv(file, rows, metrics))
    if arguments.json:
        report = {"pairs": [_as_json(row) for row in rows], "summary": _null_nan(summary)}
        _write_text(arguments.json, lambda file: print(json.dumps(report, indent=2, ensure_ascii=False), file=file))
    if "-" not in (arguments.csv, arguments.json):
        print(_score_table(rows, metrics, summary))


def _write_text(output, write):
    if output == "-":
        return write(sys.stdout)
    from zoo.audio import io

    with io.replacing(output) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        write(file)


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


def _score_table(rows, metrics, summary):
    header = ["degraded", *metrics, "error"]
    lines = [[row.pair.name, *(_number(row.scores[name]) for name in metrics), row.error] for row in rows]
    if len(rows) > 1:
        lines.append(["mean", *(_number(summary[name]["mean"]) for name in metrics), ""])
        lines.append(["scored", *(str(summary[name]["n"]) for name in metrics), ""])
        lines.append(["failed", *(str(summary[name]["n_failed"]) for name in metrics), ""])
    if not any(row.error for row in rows):
        header, lines = header[:-1], [line[:-1] for line in lines]
    return _table(header, lines)


def _number(score):
    return "-" if math.isnan(score) else f"{score:.3f}"


def _table(header, rows):
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    rows = [header, ["-" * width for width in widths], *rows]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


if __name__ == "__main__":
    sys.exit(main())
