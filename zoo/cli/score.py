"""`zoo score`: degraded recordings against their references, by checkpoints and by true metrics."""

import math
from dataclasses import dataclass

from zoo.cli import measure
from zoo.errors import InputError
from zoo.metrics.pesq_scale import PESQ_RATES

DEFAULT_METRIC = "quality-net-lite-pesq-wb-16k"
TRUE_METRICS = ("pesq-wb", "pesq-nb", "stoi", "estoi", "si-sdr")
EXAMPLES = """examples:
  zoo score clean.wav noisy.wav
  zoo score clean.wav noisy.wav --metric pesq-wb --metric stoi
  zoo score clean/ enhanced/ --resample --csv scores.csv
  zoo score pairs.csv --json - | jq .summary
  zoo score corpus.csv --csv scores.csv --jobs -1 --resume
"""


def add(commands):
    """Add the command to the subparsers of `zoo`."""
    command = measure.add(
        commands,
        "score",
        "score degraded recordings against their references",
        EXAMPLES,
        f"repeatable: a checkpoint (default {DEFAULT_METRIC}) or one of {', '.join(TRUE_METRICS)}",
        "scores",
    )
    command.set_defaults(run=_score)


def _score(arguments):
    return measure.run(arguments, arguments.metric or [DEFAULT_METRIC], Scorer(arguments.runtime))


@dataclass(frozen=True)
class Scorer:
    """Makes the meter of a checkpoint or a true metric, with one column of its name.

    Attributes:
        runtime: of checkpoints, as for `zoo.cli.models.Checkpoint`.
    """

    runtime: str | None = None

    def __call__(self, name: str) -> measure.Meter:
        return scorer(name, self.runtime)


def scorer(name: str, runtime: str | None = None) -> measure.Meter:
    """The meter of a checkpoint or a true metric, with one column of its name."""
    return _true_metric(name) if name in TRUE_METRICS else _learned_metric(name, runtime)


def _true_metric(name):
    def score(*recordings):
        from zoo.metrics import speech  # late: what is wrong with recordings is said before

        return (speech.score_pair(name, *recordings),)

    kind = name.removeprefix("pesq-")
    return measure.Meter(PESQ_RATES.get(kind), (name,), score, aligns=name.startswith("pesq"))


def _learned_metric(name, runtime):
    checkpoint = measure.checkpoint(name, runtime, "score", TRUE_METRICS)

    def score(reference, degraded, sample_rate):
        value = float(checkpoint.model.score(reference, degraded, sample_rate=sample_rate)[0])
        if math.isnan(value):
            raise InputError("the pair is too short or too quiet for the model; use a longer or louder recording")
        return (value,)

    return measure.Meter((checkpoint.sample_rate,), (name,), score)
