"""`zoo score`: degraded recordings against their references, by checkpoints and by true metrics."""

import math

from zoo.cli import measure
from zoo.errors import InputError

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
    return measure.run(arguments, arguments.metric or [DEFAULT_METRIC], scorer)


def scorer(name: str) -> measure.Meter:
    """The meter of a checkpoint or a true metric, with one column of its name."""
    if name in TRUE_METRICS:
        from zoo.metrics import speech

        rates = speech.PESQ_RATES[name.removeprefix("pesq-")] if name.startswith("pesq") else None
        return measure.Meter(
            rates, (name,), lambda *recordings: (speech.score_pair(name, *recordings),), aligns=name.startswith("pesq")
        )
    model = measure.load(name, "score", TRUE_METRICS)

    def score(reference, degraded, sample_rate):
        value = float(model.score(reference, degraded, sample_rate=sample_rate)[0])
        if math.isnan(value):
            raise InputError("the pair is too short or too quiet for the model; use a longer or louder recording")
        return (value,)

    return measure.Meter((model.sample_rate,), (name,), score)
