"""`zoo distance`: how different degraded recordings sound from their references, by checkpoints."""

import math
from dataclasses import dataclass

from zoo.checkpoint import registry
from zoo.cli import measure, score
from zoo.errors import InputError

DEFAULT_METRIC = "jnd-22k"
EXAMPLES = """examples:
  zoo distance original.wav coded.wav --resample
  zoo distance originals/ coded/ --resample --csv distances.csv
  zoo distance pairs.csv --metric my-model/ --json - | jq .summary

Channels are compared one after the other; --downmix averages them.
Each metric has two columns: the distance, 0 for identical recordings and up,
and P(different), the probability that a listener who is asked whether the two
are the same answers "different".
"""


def add(commands):
    """Add the command to the subparsers of `zoo`."""
    command = measure.add(
        commands,
        "distance",
        "measure how different recordings sound from their references",
        EXAMPLES,
        f"repeatable: a checkpoint, or directory with a slash (default {DEFAULT_METRIC})",
        "distances",
    )
    command.add_argument("--pad", action="store_true", help="let the shorter recording end in digital silence")
    command.set_defaults(run=_distance)


def _distance(arguments):
    meter = Meter(arguments.runtime)
    return measure.run(
        arguments, arguments.metric or [DEFAULT_METRIC], meter, pad=arguments.pad, silent=True, channels=True
    )


@dataclass(frozen=True)
class Meter:
    """Makes the `measure.Meter` of a checkpoint: its distance and its probability.

    Attributes:
        runtime: as for `zoo.cli.models.Checkpoint`.
    """

    runtime: str | None = None

    def __call__(self, name: str) -> measure.Meter:
        if name in score.TRUE_METRICS:
            raise InputError(f"{name} is a score, no distance; use `zoo score`")
        if name == DEFAULT_METRIC and name not in registry.names():
            raise InputError(
                f"{name}, the default metric, is not installed; name a checkpoint or directory by --metric"
            )
        checkpoint = measure.checkpoint(name, self.runtime, "distance")

        def distance(reference, degraded, sample_rate):
            judged = checkpoint.model.judge(reference[None], degraded[None], sample_rate=sample_rate)
            values = [batch[0] for batch in judged]
            if any(map(math.isnan, values)):
                raise InputError("the pair has no distance: a recording is empty or beyond full scale; mend it")
            return map(float, values)

        return measure.Meter((checkpoint.sample_rate,), (name, f"{name} P(different)"), distance)
