"""Cards of recordings: waveform, spectrogram and player, in colours that a light and a dark page share."""

import io as memory
from html import escape

import numpy as np
import soundfile

from examples.demo.recordings import SAMPLE_RATE, Recording
from zoo.audio.pictures import inline, key, level_db, spectrogram, top_db

COLUMNS = 300  # of a waveform


def grid(recordings: list[Recording]) -> str:
    """Cards of recordings side by side, their spectrograms on one scale of colours, which stands below."""
    levels = [level_db(recording.audio) for recording in recordings]
    top = top_db(levels)
    cards = "".join(_card(recording, level, top) for recording, level in zip(recordings, levels))
    return f'<div class="grid">{cards}</div>{key(top)}'


def _card(recording, level, top):
    name, seconds = escape(recording.name), len(recording.audio) / SAMPLE_RATE
    picture = inline("image/png", spectrogram(level, top))
    return f"""<figure class="card" id="{name.replace(" ", "-")}"><h3>{name}</h3><p>{escape(recording.caption)}</p>
<div class="plot">{_waveform(recording.audio)}
<img src="{picture}" alt="Spectrogram of {name}"><div class="kilohertz"><span>{SAMPLE_RATE // 2000} kHz</span>
<span>{SAMPLE_RATE // 4000}</span><span>0</span></div>
<div class="seconds"><span>0 s</span><span>{seconds:.1f} s</span></div></div>
<audio controls preload="metadata" src="{inline("audio/flac", _flac(recording.audio))}" aria-label="{name}"></audio>
</figure>"""


def _flac(audio):
    """Of 16 bits: half the size of WAV, nothing lost, and every browser of today plays it."""
    file = memory.BytesIO()
    soundfile.write(file, audio, SAMPLE_RATE, format="FLAC")
    return file.getvalue()


def _waveform(audio):
    """An SVG of the highest and lowest sample of each column."""
    columns = np.array_split(audio, COLUMNS)
    highest = [f"{i} {-column.max():.2f}" for i, column in enumerate(columns)]
    lowest = [f"{i} {-column.min():.2f}" for i, column in enumerate(columns)]
    return f"""<svg class="wave" viewBox="0 -1 {COLUMNS} 2" preserveAspectRatio="none" aria-hidden="true">
<path d="M{"L".join(highest + lowest[::-1])}Z"/></svg>"""
