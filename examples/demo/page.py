"""What every section of the demo shows its recordings with: pictures, players, and the page around them."""

import base64
import io as memory
from html import escape
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
import soundfile
from matplotlib.figure import Figure
from scipy import signal

from zoo.files import atomic_write
from zoo.audio import dsp, io

SAMPLE_RATE = 16000
STYLE = Path(__file__).resolve().parent / "demo.css"
THEMES = {"light": "#334155", "dark": "#cbd5e1"}  # a picture's ink on a page of that theme
N_FFT = 512
DB_RANGE = 80


class Recording(NamedTuple):
    name: str
    caption: str
    audio: np.ndarray


def number(value, decimals):
    return "-" if np.isnan(value) else f"{value:.{decimals}f}"


def text_table(header, rows):
    """Returns rows of text in aligned columns, numbers to the right."""
    lines = [header, *rows]
    sides = [">" if all(cell[:1] in "-+0123456789" for cell in column) else "<" for column in zip(*rows)]
    layout = [f"{{:{side}{max(map(len, column))}}}" for side, column in zip(sides, zip(*lines))]
    return "\n".join("  ".join(layout).format(*line).rstrip() for line in lines)


def scale(ends, bar, dot):
    """A line from one end of a scale to the other, with a bar and a dot at two values, where they are finite."""
    low, high = ends
    marks = ""
    for kind, value in (("bar", bar), ("dot", dot)):
        if not np.isnan(value):
            place = 100 * np.clip((value - low) / (high - low), 0, 1)
            marks += f'<i class="{kind}" style="left:{place:.1f}%"></i>'
    return f'<div class="scale" title="{low:g} to {high:g}">{marks}</div>'


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


def write_page(path, sections):
    """Writes the sections as one page that needs nothing outside itself."""
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Audio zoo: demo</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>{STYLE.read_text()}</style></head>
<body><main><h1>Audio zoo</h1>
<p>Learned audio metrics for Keras, enhancers trained with them, and textures, run on this machine with the bundled
checkpoints.</p>{"".join(sections)}
</main></body></html>
"""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
