"""Shows what the bundled checkpoints do: prints a table and writes one self-contained page, report.html.

python tools/demo.py
python tools/demo.py --reference clean.wav --degraded noisy.wav --output my-demo/
"""

import argparse
import base64
import io as memory
import os
import time
from html import escape
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow: its start-up notes are not the demo's

import matplotlib
import numpy as np
import soundfile
from matplotlib.figure import Figure
from scipy import signal

import zoo
from zoo.audio import dsp, io
from zoo.errors import InputError
from zoo.metrics import speech

TOOLS = Path(__file__).resolve().parent
DATA = TOOLS.parent / "tests" / "data"
SAMPLE_RATE = 16000
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
reference, rate = io.read("tests/data/speech_reference.flac")
degraded, rate = io.read("tests/data/speech_degraded.flac")
metric = zoo.load("quality-net-lite-pesq-wb-16k")
print("predicted", metric.score(reference, degraded, sample_rate=rate))
print("measured ", speech.pesq(reference, degraded, rate, mode="wb"))
"""
THEMES = {"light": "#334155", "dark": "#cbd5e1"}  # a picture's ink on a page of that theme
N_FFT = 512
DB_RANGE = 80


class Recording(NamedTuple):
    name: str
    caption: str
    audio: np.ndarray


class Score(NamedTuple):
    recording: str
    metric: str
    measured: float
    measured_ms: float
    checkpoint: str = ""  # no checkpoint predicts this metric: the two below are NaN
    predicted: float = np.nan
    predicted_ms: float = np.nan


# --- Quality-Net: speech quality ------------------------------------------------------------------


def quality_section(arguments):
    """Scores recordings against their reference: predicted by each Quality-Net, and measured."""
    reference, degraded = recordings(arguments)
    scores = score_all(reference, degraded)
    print(text_table(scores))
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
            row = Score(recording.name, metric, *timed(measure, *pair))
            predictions = [
                Score(*row[:4], name, *timed(model.score, *pair, SAMPLE_RATE))
                for name, model in models.get(metric, {}).items()
            ]
            scores.extend(predictions or [row])
    return scores


def timed(score, *arguments):
    """Returns the score of the one pair, and the milliseconds of the second call: the first may compile."""
    score(*arguments)
    start = time.perf_counter()
    value = score(*arguments)
    return float(value[0]), 1000 * (time.perf_counter() - start)


def number(value, decimals):
    return "-" if np.isnan(value) else f"{value:.{decimals}f}"


def text_table(scores):
    """Returns the scores as lines of text in aligned columns."""
    rows = [("recording", "metric", "predicted", "measured", "ms", "ms to measure", "checkpoint")]
    for score in scores:
        values = number(score.predicted, 3), number(score.measured, 3)
        times = number(score.predicted_ms, 1), number(score.measured_ms, 1)
        rows.append((score.recording, score.metric, *values, *times, score.checkpoint or "-"))
    layout = [f"{{:{side}{max(map(len, column))}}}" for side, column in zip("<<>>>><", zip(*rows))]
    return "\n".join("  ".join(layout).format(*row).rstrip() for row in rows)


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
    low, high = MEASURED[score.metric][1]
    marks = ""
    for kind, value in (("bar", score.measured), ("dot", score.predicted)):
        if not np.isnan(value):
            place = 100 * np.clip((value - low) / (high - low), 0, 1)
            marks += f'<i class="{kind}" style="left:{place:.1f}%"></i>'
    cells = [number(score.predicted, 3), number(score.measured, 3)]
    times = [number(score.predicted_ms, 0), number(score.measured_ms, 0)]
    return (
        f"<tr><td>{score.metric} <small>{escape(score.checkpoint) or 'no checkpoint'}</small></td>"
        + "".join(f'<td class="number">{cell}</td>' for cell in cells)
        + f'<td><div class="scale" title="{low:g} to {high:g}">{marks}</div></td>'
        + "".join(f'<td class="number quiet">{cell} ms</td>' for cell in times)
        + "</tr>"
    )


# --- what every section may use -------------------------------------------------------------------


def spectrograms(recordings):
    """Yields each recording with its pictures {theme: PNG bytes}, all on one scale of colours."""
    levels = [level_db(recording.audio) for recording in recordings]
    top = 10 * np.ceil(max(level.max() for level in levels) / 10)
    for recording, level in zip(recordings, levels):
        pictures = {theme: picture(recording.audio, level, top, ink) for theme, ink in THEMES.items()}
        yield recording, pictures


def level_db(audio):
    """Returns the spectrogram (bins, frames) that a network sees, in dB: 0 dB is a full-scale sine."""
    magnitude = np.asarray(dsp.magnitude(audio[None], N_FFT))[0].T
    full_scale = signal.get_window("hamming", N_FFT).sum() / 2
    return 20 * np.log10(magnitude / full_scale + 1e-10)


def picture(audio, level, top, ink):
    """Returns a PNG on a transparent ground: the waveform above the spectrogram."""
    inked = ["text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"]
    with matplotlib.rc_context({**dict.fromkeys(inked, ink), "font.size": 9}):
        figure = Figure(figsize=(6.4, 3.8), dpi=140, layout="constrained")
        wave, image = axes = figure.subplots(2, 1, sharex=True, height_ratios=[1, 2.6])
        seconds = len(audio) / SAMPLE_RATE
        wave.plot(np.arange(len(audio)) / SAMPLE_RATE, audio, linewidth=0.4, color="#159a93")
        wave.set(ylim=(-1, 1), yticks=[-1, 0, 1], ylabel="amplitude")
        wave.spines[["top", "right"]].set_visible(False)
        extent = (0, seconds, 0, SAMPLE_RATE / 2000)
        colours = {"cmap": "magma", "vmin": top - DB_RANGE, "vmax": top, "interpolation": "nearest"}
        drawn = image.imshow(level, origin="lower", aspect="auto", extent=extent, **colours)
        image.set(xlabel="time (s)", ylabel="frequency (kHz)")
        figure.colorbar(drawn, ax=axes, label="level (dB re full scale)", pad=0.02, aspect=30)
        png = memory.BytesIO()
        figure.savefig(png, format="png", transparent=True)
    return png.getvalue()


def card(recording, pictures):
    """Returns a recording's card: its name, pictures for both themes, and a player."""
    flac = memory.BytesIO()
    soundfile.write(flac, recording.audio, SAMPLE_RATE, format="FLAC")
    name = escape(recording.name)
    light, dark = (inline("image/png", pictures[theme]) for theme in THEMES)
    return f"""<figure class="card"><h3>{name}</h3><p>{escape(recording.caption)}</p>
<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">
<img src="{light}" alt="Waveform and spectrogram of {name}"></picture>
<audio controls preload="metadata" src="{inline("audio/flac", flac.getvalue())}" aria-label="{name}"></audio>
</figure>"""


def inline(kind, content):
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


SECTIONS = [quality_section]  # each takes the arguments, prints its table and returns its part of the page


def write_page(path, sections):
    """Writes the sections as one page that needs nothing outside itself."""
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Audio zoo: demo</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>{(TOOLS / "demo.css").read_text()}</style></head>
<body><main><h1>Audio zoo</h1>
<p>Learned audio metrics for Keras, run on this machine with the bundled checkpoints.</p>{"".join(sections)}
</main></body></html>
"""
    path.parent.mkdir(parents=True, exist_ok=True)
    with io.replacing(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")


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
