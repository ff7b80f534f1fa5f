"""Cards of recordings: waveform, spectrogram and player, in colours that a light and a dark page share."""

import base64
import io as memory
import math
from html import escape

import matplotlib
import numpy as np
import soundfile
from PIL import Image
from scipy import signal

from examples.demo.recordings import SAMPLE_RATE, Recording
from zoo.audio import dsp

N_FFT = 512
DB_RANGE = 80
COLOURS = 64  # of a spectrogram: a picture of few colours is small
COLUMNS = 300  # of a waveform


def grid(recordings: list[Recording]) -> str:
    """Cards of recordings side by side, their spectrograms on one scale of colours, which stands below."""
    levels = [level_db(recording.audio) for recording in recordings]
    top = 10 * math.ceil(max(level.max() for level in levels) / 10)
    cards = "".join(_card(recording, level, top) for recording, level in zip(recordings, levels))
    return f'<div class="grid">{cards}</div>{_key(top)}'


def level_db(audio: np.ndarray) -> np.ndarray:
    """The spectrogram (bins, frames) that a network sees, in dB: 0 dB is a full-scale sine."""
    magnitude = np.asarray(dsp.magnitude(audio[None], N_FFT))[0].T
    full_scale = signal.get_window("hamming", N_FFT).sum() / 2
    return 20 * np.log10(magnitude / full_scale + 1e-10)


def _card(recording, level, top):
    name, seconds = escape(recording.name), len(recording.audio) / SAMPLE_RATE
    picture = _inline("image/png", _spectrogram(level, top))
    return f"""<figure class="card" id="{name.replace(" ", "-")}"><h3>{name}</h3><p>{escape(recording.caption)}</p>
<div class="plot">{_waveform(recording.audio)}
<img src="{picture}" alt="Spectrogram of {name}"><div class="kilohertz"><span>{SAMPLE_RATE // 2000} kHz</span>
<span>{SAMPLE_RATE // 4000}</span><span>0</span></div>
<div class="seconds"><span>0 s</span><span>{seconds:.1f} s</span></div></div>
<audio controls preload="metadata" src="{_inline("audio/flac", _flac(recording.audio))}" aria-label="{name}"></audio>
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


def _spectrogram(level, top):
    """A PNG of dB levels, high frequencies above."""
    place = np.clip((level[::-1] - top + DB_RANGE) / DB_RANGE, 0, 1)
    image = Image.fromarray(np.round(place * (COLOURS - 1)).astype("uint8"))
    image.putpalette(_palette().tobytes())
    file = memory.BytesIO()
    image.save(file, "png", optimize=True)
    return file.getvalue()


def _palette():
    """uint8 (colours, 3)."""
    return np.round(255 * matplotlib.colormaps["magma"](np.linspace(0, 1, COLOURS))[:, :3]).astype("uint8")


def _key(top):
    colours = ",".join(f"rgb({r},{g},{b})" for r, g, b in _palette()[::9])
    return f"""<p class="key">{top - DB_RANGE} dB <i style="background:linear-gradient(90deg,{colours})"></i>
{top} dB re full scale</p>"""


def _inline(kind, content):
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
