"""`zoo score`: degraded recordings against their references or alone, by checkpoints and by true metrics."""

import math
from dataclasses import dataclass

from zoo import scoring
from zoo.cli import measure, over_time
from zoo.cli.over_time import FREE_METRIC
from zoo.errors import InputError
from zoo.metrics.pesq_scale import PESQ_RATES

DEFAULT_METRIC = "quality-net-lite-pesq-wb-16k"
TRUE_METRICS = ("pesq-wb", "pesq-nb", "stoi", "estoi", "si-sdr")
EXAMPLES = f"""examples:
  zoo score clean.wav noisy.wav
  zoo score clean.wav noisy.wav --metric pesq-wb --metric stoi
  zoo score clean/ enhanced/ --resample --csv scores.csv
  zoo score pairs.csv --json - | jq .summary
  zoo score clean/ enhanced/ --interval
  zoo score corpus.csv --csv scores.csv --jobs -1 --resume
  zoo score recordings/ --metric {FREE_METRIC}
  zoo score call.wav --metric {FREE_METRIC} --over-time call.png
"""


def add(commands):
    """Add the command to the subparsers of `zoo`."""
    command = measure.add(
        commands,
        "score",
        "score degraded recordings, against their references or alone",
        EXAMPLES,
        f"repeatable: a checkpoint (default {DEFAULT_METRIC}) or one of {', '.join(TRUE_METRICS)}",
        "scores",
    )
    command.add_argument(
        "--over-time",
        metavar="OUT",
        help="of one recording by metrics without a reference: draw the score of each moment, or write it as .csv",
    )
    command.add_argument(
        "--interval",
        action="store_true",
        help="two columns more of a checkpoint: the lowest and highest value that 9 of 10 true ones lie between",
    )
    command.set_defaults(run=_score)


def _score(arguments):
    if not (arguments.metric or arguments.degraded or arguments.reference.lower().endswith(".csv")):
        raise InputError(
            f"give a degraded recording or folder too, or one CSV file; or score it alone by --metric {FREE_METRIC}"
        )
    metrics, meter = arguments.metric or [DEFAULT_METRIC], Scorer(arguments.runtime, arguments.interval)
    if arguments.over_time:
        over_time.check(arguments, scoring.meters(meter, tuple(metrics)))
    status = measure.run(arguments, metrics, meter)
    if arguments.over_time:
        _write_over_time(arguments, metrics)
    return status


def _write_over_time(arguments, metrics):
    """The scores of each moment of the recording that was scored."""
    from zoo.audio import io  # late, as in `pairs.read`

    curves = {}
    for name in metrics:
        model = measure.checkpoint(name, arguments.runtime, "score_over_time").model
        recording, rate = io.read(arguments.reference, model.sample_rate, arguments.resample, arguments.downmix)
        curves[name] = model.score_over_time(recording, sample_rate=rate)
    over_time.write(arguments.over_time, recording, rate, curves)


@dataclass(frozen=True)
class Scorer:
    """Makes the meter of a checkpoint or a true metric, with one column of its name.

    Attributes:
        runtime: of checkpoints, as for `zoo.cli.models.Checkpoint`.
        interval: whether a checkpoint has two columns more, NAME low and NAME high.
    """

    runtime: str | None = None
    interval: bool = False

    def __call__(self, name: str) -> measure.Meter:
        return scorer(name, self.runtime, self.interval)


def scorer(name: str, runtime: str | None = None, interval: bool = False) -> measure.Meter:
    """The meter of a checkpoint or a true metric, as `Scorer` makes it."""
    return _true_metric(name) if name in TRUE_METRICS else _learned_metric(name, runtime, interval)


def _true_metric(name):
    def score(*recordings):
        from zoo.metrics import speech  # late: what is wrong with recordings is said before

        return (speech.score_pair(name, *recordings),)

    kind = name.removeprefix("pesq-")
    return measure.Meter(PESQ_RATES.get(kind), (name,), score, aligns=name.startswith("pesq"))


def _learned_metric(name, runtime, interval):
    checkpoint = measure.checkpoint(name, runtime, "score", TRUE_METRICS)
    _check_intervals(checkpoint, interval)

    def score(reference, degraded, sample_rate):
        recordings = checkpoint.model.of_pair(reference, degraded)
        if interval:
            (value,), (bounds,) = checkpoint.model.score(*recordings, sample_rate=sample_rate, interval=True)
            values = (float(value), *map(float, bounds))
        else:
            values = (float(checkpoint.model.score(*recordings, sample_rate=sample_rate)[0]),)
        if math.isnan(values[0]):
            raise InputError("the recording is too short or too quiet for the model; use a longer or louder one")
        return values

    columns = (name, f"{name} low", f"{name} high") if interval else (name,)
    return measure.Meter(
        (checkpoint.sample_rate,), columns, score, needs_reference=lambda: checkpoint.model.needs_reference
    )


def _check_intervals(checkpoint, interval):
    """Refuse --interval of a checkpoint without."""
    if interval and not checkpoint.has("intervals"):
        raise InputError(f"{checkpoint.name} has no intervals: leave out --interval, or score by {DEFAULT_METRIC}")
