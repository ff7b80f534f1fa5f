"""Quality-Net: how good does this speech sound?"""

from html import escape
from typing import NamedTuple

import numpy as np

import zoo
from examples.demo.cards import grid
from examples.demo.recordings import MEASURED, SAMPLE_RATE, read_recordings, timed
from examples.demo.tables import html_table, named, number, scale, text_table

SNIPPET = """\
import zoo
from zoo.audio import io
from zoo.metrics import speech
reference, rate = io.read(zoo.examples()["reference"])
degraded, rate = io.read(zoo.examples()["degraded"])
metric = zoo.load("quality-net-lite-pesq-wb-16k")
print("predicted", metric.score(reference, degraded, sample_rate=rate))
print("measured ", speech.pesq(reference, degraded, rate, mode="wb"))
"""


class Score(NamedTuple):
    recording: str
    metric: str
    measured: float
    measured_ms: float
    checkpoint: str = ""  # no checkpoint predicts this metric: the two below are NaN
    predicted: float = np.nan
    predicted_ms: float = np.nan


def section(arguments):
    """Score recordings against their reference: predicted by each Quality-Net, and measured."""
    reference, degraded = read_recordings(arguments)
    scores = _score_all(reference, degraded)
    print(_text(scores))
    return f"""
<h2>Quality-Net: how good does this speech sound?</h2>
<p>Each recording is scored against the reference: <b>predicted</b> by a network, which is differentiable and
can be a loss, and <b>measured</b> by the algorithm that the network learned from. Times are of the second
call on this machine, for one recording of {len(reference.audio) / SAMPLE_RATE:.1f} s.</p>
{_table(scores)}
{grid([reference, *degraded])}
<h2>The same in eight lines</h2>
<pre class="card">{escape(SNIPPET)}</pre>"""


def _score_all(reference, degraded):
    """A Score for each recording, metric and checkpoint that predicts the metric."""
    models = _models()
    scores = []
    for recording in degraded:
        pair = reference.audio, recording.audio
        for metric, (measure, _) in MEASURED.items():
            (measured,), milliseconds = timed(measure, *pair)
            row = Score(recording.name, metric, measured, milliseconds)
            predictions = []
            for name, model in models.get(metric, {}).items():
                (predicted,), milliseconds = timed(model.score, *model.of_pair(*pair), SAMPLE_RATE)
                predictions.append(Score(*row[:4], name, predicted, milliseconds))
            scores.extend(predictions or [row])
    return scores


def _models():
    """{metric: {name of a checkpoint: model}} of the family."""
    models = {}
    for name in zoo.list():
        card = zoo.info(name)
        if card["family"] == "quality_net":
            metric = f"{card['metric']['name'].upper()} {card['metric'].get('mode') or ''}".strip()
            models.setdefault(metric, {})[name] = zoo.load(name)
    return models


def _text(scores):
    header = ("recording", "metric", "predicted", "measured", "ms", "ms to measure", "checkpoint")
    rows = []
    for score in scores:
        values = number(score.predicted, 3), number(score.measured, 3)
        times = number(score.predicted_ms, 1), number(score.measured_ms, 1)
        rows.append((score.recording, score.metric, *values, *times, score.checkpoint or "-"))
    return text_table(header, rows)


def _table(scores):
    header = (
        "Metric",
        "Predicted",
        "Measured",
        '<span><i class="dot"></i> predicted</span> <span><i class="bar"></i> measured</span>',
    )
    rows, recording = [], None
    for score in scores:
        if score.recording != recording:
            recording = score.recording
            rows.append(recording)
        rows.append(
            [
                named(score.metric, score.checkpoint or "no checkpoint"),
                _timed_cell(score.predicted, score.predicted_ms),
                _timed_cell(score.measured, score.measured_ms),
                scale(MEASURED[score.metric][1], bar=score.measured, dot=score.predicted),
            ]
        )
    return html_table(header, rows)


def _timed_cell(value, milliseconds):
    return named(number(value, 3), f"{number(milliseconds, 0)} ms")
