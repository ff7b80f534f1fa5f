"""Scores of recordings before and after `zoo enhance`, and how much better they are."""

import csv
import math
from dataclasses import dataclass

from zoo import scoring
from zoo.audio import pairs
from zoo.base import files, tables
from zoo.cli import measure, score

METRICS = ("pesq-wb", "pesq-nb", "stoi", "si-sdr")


@dataclass(frozen=True)
class Report:
    """A recording's scores before and after."""

    name: str
    noisy: scoring.Row
    enhanced: scoring.Row

    def gain(self, metric: str) -> float:
        """Score after minus score before; NaN where either has none."""
        return self.enhanced.scores[metric] - self.noisy.scores[metric]


def meters() -> dict[str, measure.Meter]:
    """{metric: its meter} of `METRICS`."""
    return {name: score.scorer(name) for name in METRICS}


def measure_gain(name, reference, recordings, meters, resample, error):
    """`Report` of a recording.

    Args:
        name: to show.
        reference: path of the clean recording.
        recordings: paths before and after.
        meters: of `meters`.
        resample: whether to resample to the rates that the metrics need.
        error: why there is nothing to score, or "".
    """
    rows = (
        measure.score_pair(pairs.Pair(name, reference, path, error), meters, resample, downmix=True)
        for path in recordings
    )
    return Report(name, *rows)


def write(reports, output):
    """Print the reports as a table, with means where there are several; and write a CSV unless `output` is "-"."""
    if output != "-":
        files.write_text(output, lambda file: _write_csv(file, reports))
    header = ["recording", "audio", *METRICS, "error"]
    lines = [line for report in reports for line in _lines(report)]
    if len(reports) > 1:
        lines += _summary(reports)
    if not any(line[-1] for line in lines):
        header, lines = header[:-1], [line[:-1] for line in lines]
    print(tables.table(header, lines))


def _lines(report):
    """Three lines of the table: before, after, and how much better."""
    gains = ("-" if math.isnan(gain) else f"{gain:+.3f}" for gain in map(report.gain, METRICS))
    return [
        [report.name, "noisy", *(tables.number(report.noisy.scores[name]) for name in METRICS), report.noisy.error],
        ["", "enhanced", *(tables.number(report.enhanced.scores[name]) for name in METRICS), report.enhanced.error],
        ["", "gain", *gains, ""],
    ]


def _summary(reports):
    """Means over the recordings that have both scores, and their number."""
    scored = {name: [report for report in reports if not math.isnan(report.gain(name))] for name in METRICS}
    means = []
    for audio in ("noisy", "enhanced"):
        results = measure.Results(METRICS, keep_all=False)
        for name, chosen in scored.items():
            for report in chosen:
                results.add(scoring.Row(None, {name: getattr(report, audio).scores[name]}, ""))
        by_metric = {name: summary["mean"] for name, summary in results.summaries().items()}
        means.append(scoring.Row(None, by_metric, ""))
    return [
        *_lines(Report("mean", *means)),
        ["scored", "", *(str(len(scored[name])) for name in METRICS), ""],
        ["failed", "", *(str(len(reports) - len(scored[name])) for name in METRICS), ""],
    ]


def _write_csv(file, reports):
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["recording", "audio", *METRICS, "error"])
    for report in reports:
        for audio, row in (("noisy", report.noisy), ("enhanced", report.enhanced)):
            writer.writerow([report.name, audio, *(row.scores[name] for name in METRICS), row.error])
        writer.writerow([report.name, "gain", *map(report.gain, METRICS), ""])
