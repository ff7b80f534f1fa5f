"""A page of HTML on which one hears recordings of the same minute, and goes from one to another at the same place.

It needs nothing outside itself: the sound (Ogg Opus), the pictures and the script are in it.
"""

import io as memory
from html import escape
from importlib import resources
from typing import NamedTuple

import numpy as np
import soundfile

from zoo.audio.io import resample
from zoo.audio.pictures import inline, key, level_db, shrunk, spectrogram, top_db

PEAK = 0.9  # of the loudest recording at most: Opus gives peaks back a little higher, and none is to be clipped
_OPUS_KBPS = (6, 256)  # a channel, as libsndfile maps its compression levels 1 and 0
_OPUS_HZ = (8000, 12000, 16000, 24000, 48000)
_ROWS, _COLUMNS = 96, 720  # of a picture
_FRAME_SECONDS = 0.032


class Recording(NamedTuple):
    """What one system made of the minute: float (samples,) or (samples, channels), under its name."""

    name: str
    audio: np.ndarray


class Group(NamedTuple):
    """Recordings under a heading, "" for none."""

    heading: str
    recordings: list[Recording]


class Mark(NamedTuple):
    """A place to go to, and its seconds from the start."""

    name: str
    seconds: float


def page(
    title: str, paragraphs: list[str], groups: list[Group], marks: list[Mark], sample_rate: int, kbps: float
) -> str:
    """The page, with a button, a seek bar and a spectrogram for each recording, and one clock for all of them.

    Levels are those of the recordings, re each other: where the loudest peaks above `PEAK`, all are made softer by one
    factor, which the page says.

    Args:
        title, paragraphs: plain text at the top.
        groups: recordings of one length, with names that differ.
        marks: buttons that go to places, in order.
        sample_rate: Hz of all recordings.
        kbps: of the sound, in kb/s a channel, 6 to 256.

    Returns:
        HTML.

    Raises:
        InputError: matplotlib is not installed.

    Example:
        >>> silence = Recording("silence", np.zeros(16000, "float32"))
        >>> html = page("Nothing", ["To hear."], [Group("", [silence])], [Mark("start", 0.0)], 16000, kbps=32)
        >>> html.count("<audio"), "http" in html.split("base64,")[0]
        (1, False)
    """
    recordings = [recording for group in groups for recording in group.recordings]
    seconds = len(recordings[0].audio) / sample_rate
    gain = PEAK / max(np.abs(recording.audio).max(initial=PEAK) for recording in recordings)
    levels = [_picture(gain * recording.audio, sample_rate) for recording in recordings]
    top, places = top_db(levels), iter(range(len(recordings)))
    sections = []
    for heading, members in groups:
        cards = [
            _card(name, next(places), encode(gain * audio, sample_rate, kbps), seconds, levels, top)
            for name, audio in members
        ]
        sections.append(
            (f"<h2>{escape(heading)}</h2>" if heading else "") + f'<div class="grid">{"".join(cards)}</div>'
        )
    words = [*paragraphs, _levels_in_words(gain), _keys_in_words(kbps)]
    web = resources.files("zoo.audio") / "web"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>{(web / "player.css").read_text(encoding="utf-8")}</style></head>
<body data-seconds="{seconds:.4f}"><main><h1>{escape(title)}</h1>{"".join(f"<p>{escape(text)}</p>" for text in words)}
<nav class="marks" aria-label="Places">{"".join(map(_mark, marks))}</nav>
{"".join(sections)}{key(top)}
<p>Spectrograms: 0 Hz at the bottom, {sample_rate / 2000:g} kHz at the top.</p></main>
<script>{(web / "player.js").read_text(encoding="utf-8")}</script></body></html>
"""


def encode(audio: np.ndarray, sample_rate: int, kbps: float) -> bytes:
    """A recording as Ogg Opus, which a browser seeks in to the sample; small, and not lossless.

    Args:
        audio: float (samples,) or (samples, channels) in [-1, 1].
        sample_rate: Hz; what Opus does not have is resampled to the next that it has.
        kbps: of a channel, 6 to 256.

    Returns:
        bytes of the file.

    Example:
        >>> encode(np.zeros(16000), 16000, kbps=32)[:4]
        b'OggS'
    """
    rate = next((hertz for hertz in _OPUS_HZ if hertz >= sample_rate), _OPUS_HZ[-1])
    audio = np.asarray(audio, "float32")
    if rate != sample_rate:
        audio = resample(audio.T, sample_rate, rate).T
    least, most = _OPUS_KBPS
    file = memory.BytesIO()
    level = {"compression_level": (most - kbps) / (most - least)}
    soundfile.write(file, np.clip(audio, -1, 1), rate, format="OGG", subtype="OPUS", **level)
    return file.getvalue()


def _picture(audio, sample_rate):
    """Levels in dB of a recording, its channels together, in as many bins and frames as the page has room for."""
    n_fft = 1 << round(np.log2(_FRAME_SECONDS * sample_rate))
    mono = audio if audio.ndim == 1 else audio.mean(axis=1)
    return shrunk(level_db(mono, n_fft), _ROWS, _COLUMNS)


def _card(name, place, sound, seconds, levels, top):
    name, picture = escape(name), inline("image/png", spectrogram(levels[place], top))
    return f"""<section class="recording" aria-label="{name}"><div class="top"><h3>{name}</h3>
<button type="button" aria-label="Play {name}">Play</button></div>
<div class="plot"><img src="{picture}" alt="Spectrogram of {name}"><i></i></div>
<div class="time"><output aria-live="off">0:00</output>
<input type="range" min="0" max="{seconds:.4f}" step="0.01" value="0" aria-label="Place in {name}">
<span>{_clock(seconds)}</span></div><audio preload="auto" src="{inline("audio/ogg", sound)}"></audio></section>"""


def _mark(mark):
    text = f"{_clock(mark.seconds)} {escape(mark.name)}"
    return f'<button type="button" data-seconds="{mark.seconds:.4f}">{text}</button>'


def _clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _levels_in_words(gain):
    softer = f" All of them are {-20 * np.log10(gain):.1f} dB softer here, so that the loudest is not clipped."
    return "Levels are as they came out, not matched: what is softer here is softer." + (softer if gain < 1 else "")


def _keys_in_words(kbps):
    return (
        "Play another recording and it goes on at the same place. The space bar plays and pauses, the keys 1 to 9 choose a "
        f"recording, a click on a spectrogram goes there. Sound is coded by Opus, about {kbps:g} kb/s a channel."
    )
