"""Shows what the bundled checkpoints do: prints a table and writes one self-contained page, report.html.

python -m examples.demo
python -m examples.demo --reference clean.wav --degraded noisy.wav --output my-demo/
"""

import argparse
import os
import time
from html import escape
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow: its start-up notes are not the demo's

import numpy as np
from examples.demo.page import SAMPLE_RATE, Recording, card, number, scale, spectrograms, text_table, write_page
from examples.demo.separation import separation_section
from examples.demo.texture import texture_section

import zoo
from zoo.audio import io
from zoo.errors import InputError
from zoo.metrics import speech

DATA = Path(zoo.__file__).resolve().parent / "data" / "audio"
ENHANCER = "blstm-quality-net-refresh-16k"
SURROGATE = "quality-net-lite-pesq-wb-16k"  # predicts the PESQ of enhanced speech
BUNDLED = {
    "speech_degraded.flac": "Pink noise and babble at 5 dB SNR.",
    "speech_enhanced.flac": "The 5 dB recording after spectral gating: less noise, damaged speech.",
    "speech_mild.flac": "The same noise at 30 dB SNR.",
}
MEASURED = {  # metric: how it is measured, and the ends of its scale on the page
    "PESQ wb": (lambda *pair: speech.pesq(*pair, SAMPLE_RATE, mode="wb"), (1.0, 4.64)),
    "PESQ nb": (lambda *pair: speech.pesq(*pair, SAMPLE_RATE, mode="nb"), (1.0, 4.55)),
    "STOI": (lambda *pair: speech.stoi(*pair, SAMPLE_RATE), (0.0, 1.0)),
}
SNIPPET = """\
import zoo
from zoo.audio import io
from zoo.metrics import speech
reference, rate = io.read("zoo/data/audio/speech_reference.flac")
degraded, rate = io.read("zoo/data/audio/speech_degraded.flac")
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


class Gain(NamedTuple):
    metric: str
    note: str
    before: float
    after: float
    ends: tuple  # of the metric's scale on the page


# --- Quality-Net: speech quality ------------------------------------------------------------------


def quality_section(arguments):
    """Scores recordings against their reference: predicted by each Quality-Net, and measured."""
    reference, degraded = recordings(arguments)
    scores = score_all(reference, degraded)
    print(score_table(scores))
    pictures = spectrograms([reference, *degraded])
    cards = "".join(card(recording, picture) for recording, picture in pictures)
    return f"""
<h2>Quality-Net: how good does this speech sound?</h2>
<p>Each recording is scored against the reference: <b>predicted</b> by a network, which is differentiable and
can be a loss, and <b>measured</b> by the algorithm that the network learned from. Times are of the second
call on this machine, for one recording of {len(reference.audio) / SAMPLE_RATE:.1f} s.</p>
<div class="card wide">{html_table(scores)}</div>
<div class="grid">{cards}</div>
<h2>The same in eight lines</h2>
<pre class="card">{escape(SNIPPET)}</pre>"""


def recordings(arguments):
    """Returns the reference and the list of recordings to score against it."""
    if arguments.reference is None:
        reference, about = DATA / "speech_reference.flac", "A synthetic talker, clean."
        degraded = {DATA / name: caption for name, caption in BUNDLED.items()}
    else:
        reference, about, degraded = arguments.reference, "", {arguments.degraded: ""}
    scored = [Recording(path.name, caption, read(path)) for path, caption in degraded.items()]
    return Recording(f"{reference.name} (reference)", about, read(reference)), scored


def read(path):
    return io.read(path, SAMPLE_RATE, resample=True, downmix=True)[0]


def score_all(reference, degraded):
    """Returns a Score for each recording, metric and checkpoint that predicts the metric."""
    models = {}
    for name in zoo.list():
        if zoo.info(name)["family"] == "quality_net":
            metric = zoo.info(name)["metric"]
            label = f"{metric['name'].upper()} {metric.get('mode') or ''}".strip()
            models.setdefault(label, {})[name] = zoo.load(name)
    scores = []
    for recording in degraded:
        pair = reference.audio, recording.audio
        for metric, (measure, _) in MEASURED.items():
            (measured,), milliseconds = timed(measure, *pair)
            row = Score(recording.name, metric, measured, milliseconds)
            predictions = []
            for name, model in models.get(metric, {}).items():
                (predicted,), milliseconds = timed(model.score, *pair, SAMPLE_RATE)
                predictions.append(Score(*row[:4], name, predicted, milliseconds))
            scores.extend(predictions or [row])
    return scores


def timed(function, *arguments):
    """Returns the result, and the milliseconds of the second call: the first may compile."""
    function(*arguments)
    start = time.perf_counter()
    result = function(*arguments)
    return result, 1000 * (time.perf_counter() - start)


def score_table(scores):
    """Returns the scores as lines of text."""
    header = ("recording", "metric", "predicted", "measured", "ms", "ms to measure", "checkpoint")
    rows = []
    for score in scores:
        values = number(score.predicted, 3), number(score.measured, 3)
        times = number(score.predicted_ms, 1), number(score.measured_ms, 1)
        rows.append((score.recording, score.metric, *values, *times, score.checkpoint or "-"))
    return text_table(header, rows)


def html_table(scores):
    names = list(dict.fromkeys(score.recording for score in scores))
    bodies = "".join(
        f"<tbody><tr><th colspan=6>{escape(name)}</th></tr>"
        + "".join(html_row(score) for score in scores if score.recording == name)
        + "</tbody>"
        for name in names
    )
    return f"""<table><thead><tr><th>Metric <small>and checkpoint</small></th>
<th class="number">Predicted</th><th class="number">Measured</th>
<th><i class="dot"></i> predicted <i class="bar"></i> measured</th>
<th class="number">Time</th><th class="number">Time to measure</th></tr></thead>{bodies}</table>"""


def html_row(score):
    marks = scale(MEASURED[score.metric][1], bar=score.measured, dot=score.predicted)
    cells = [number(score.predicted, 3), number(score.measured, 3)]
    times = [number(score.predicted_ms, 0), number(score.measured_ms, 0)]
    return (
        f"<tr><td>{score.metric} <small>{escape(score.checkpoint) or 'no checkpoint'}</small></td>"
        + "".join(f'<td class="number">{cell}</td>' for cell in cells)
        + f"<td>{marks}</td>"
        + "".join(f'<td class="number quiet">{cell} ms</td>' for cell in times)
        + "</tr>"
    )


# --- enhancement: the noise taken out -------------------------------------------------------------


def enhancement_section(arguments):
    """Enhances the noisy recording and scores it before and after."""
    reference, (noisy, *_) = recordings(arguments)
    samples, milliseconds = timed(zoo.load(ENHANCER).enhance, noisy.audio, SAMPLE_RATE)
    enhanced = Recording(f"{noisy.name}, enhanced", f"By {ENHANCER}.", np.clip(samples, -1, 1))
    gains = before_after(reference, noisy, enhanced)
    header = ("metric", "noisy", "enhanced", "gain", "")
    print(f"\n{noisy.name}, enhanced by {ENHANCER} in {milliseconds:.0f} ms")
    print(text_table(header, [(g.metric, *gain_cells(g), g.note) for g in gains]))
    cards = "".join(card(recording, picture) for recording, picture in spectrograms([noisy, enhanced]))
    return f"""
<h2>Enhancement: the noise taken out</h2>
<p><b>{escape(noisy.name)}</b>, before and after {ENHANCER}: {len(noisy.audio) / SAMPLE_RATE:.1f} s of audio in
{milliseconds:.0f} ms on this machine (the second call). The network never saw the reference, which only the
scores need.</p>
<div class="card wide">{gain_table(gains)}</div>
<div class="grid">{cards}</div>"""


def before_after(reference, noisy, enhanced):
    """Returns a Gain for each true metric, and for PESQ as a surrogate predicts it."""
    predict = zoo.load(SURROGATE).score
    measures = [(metric, "", *how) for metric, how in MEASURED.items()]
    ends = MEASURED["PESQ wb"][1]
    measures.insert(1, ("PESQ wb", f"predicted by {SURROGATE}", lambda *pair: predict(*pair, SAMPLE_RATE), ends))
    measures.append(("SI-SDR (dB)", "", speech.si_sdr, (-10.0, 30.0)))
    return [
        Gain(metric, note, *(float(measure(reference.audio, each.audio)[0]) for each in (noisy, enhanced)), ends)
        for metric, note, measure, ends in measures
    ]


def gain_cells(gain):
    """Returns the scores before and after, and their difference, as text."""
    difference = gain.after - gain.before
    change = "-" if np.isnan(difference) else f"{difference:+.3f}"
    return number(gain.before, 3), number(gain.after, 3), change


def gain_table(gains):
    rows = ""
    for gain in gains:
        numbers = "".join(f'<td class="number">{cell}</td>' for cell in gain_cells(gain))
        marks = scale(gain.ends, bar=gain.before, dot=gain.after)
        rows += f"<tr><td>{gain.metric} <small>{escape(gain.note)}</small></td>{numbers}<td>{marks}</td></tr>"
    return f"""<table><thead><tr><th>Metric</th><th class="number">Noisy</th><th class="number">Enhanced</th>
<th class="number">Gain</th><th><i class="bar"></i> noisy <i class="dot"></i> enhanced</th></tr></thead>
<tbody>{rows}</tbody></table>"""


# Each takes the arguments, prints, returns HTML.
SECTIONS = [quality_section, enhancement_section, separation_section, texture_section]


def main(argv=None):
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("--output", type=Path, default=Path("demo"), metavar="DIR", help="default: demo/")
    parser.add_argument("--reference", type=Path, metavar="FILE", help="your own clean recording")
    parser.add_argument("--degraded", type=Path, metavar="FILE", help="and the one to score against it")
    arguments = parser.parse_args(argv)
    if (arguments.reference is None) != (arguments.degraded is None):
        parser.error("give both --reference and --degraded, or neither")
    try:
        sections = [section(arguments) for section in SECTIONS]
    except InputError as error:
        parser.exit(2, f"demo: {error}\n")
    write_page(arguments.output / "report.html", sections)
    print(f"\nwrote {arguments.output / 'report.html'}")


if __name__ == "__main__":
    main()
