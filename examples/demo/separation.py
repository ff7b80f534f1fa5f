"""Separation: a song of four sounds, synthesised from a seed, split into its sources again."""

import time

import numpy as np

import zoo
from examples.demo.cards import grid
from examples.demo.recordings import SAMPLE_RATE, Recording
from examples.demo.tables import html_table, text_table
from zoo.audio import io
from zoo.metrics.separation import mixture_as_estimate, si_sdr

SEPARATOR = "chandna-4stem-44k"
RATE, SECONDS = 44100, 5


def song():
    """{source: float32 (samples,)}: a gliding vowel, a kick and a snare, a plucked low string, a chord that swells."""
    rng = np.random.default_rng(0)
    time = np.arange(SECONDS * RATE) / RATE
    beat = time % 0.5
    note = np.repeat([55.0, 55.0, 73.4, 82.4, 55.0], RATE)
    pitch = 330 * 2 ** (np.round(4 * np.sin(0.9 * time)) / 6 + 0.03 * np.sin(2 * np.pi * 5.5 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    harmonics = np.arange(1, 24)
    formants = sum(np.exp(-(((harmonics * 330 - f) / 350) ** 2)) for f in (700, 1200, 2600))
    sung = time % 2.5 < 1.9
    kick = np.sin(2 * np.pi * 50 * beat * (1 + 1 / (1 + 30 * beat))) * np.exp(-beat / 0.08)
    snare = rng.standard_normal(time.size) * np.exp(-((time + 0.5) % 1.0) / 0.06)
    sources = {
        "vocals": sung * sum((0.2 + a) * np.sin(h * phase) / h**0.5 for a, h in zip(formants, harmonics)),
        "drums": kick * (time % 1.0 < 0.5) + 0.4 * snare,
        "bass": sum(np.sin(2 * np.pi * h * note * time) / h**2 for h in (1, 2, 3)) * np.exp(-(time % 1.0) / 0.6),
        "other": (1.2 + np.sin(time)) * sum(np.sin(2 * np.pi * f * time) / f**0.3 for f in (220, 277, 330, 554, 880)),
    }
    levels = {"vocals": 0.075, "drums": 0.09, "bass": 0.075, "other": 0.045}  # their sum stays within full scale
    return {source: (levels[source] * x / np.std(x)).astype("float32") for source, x in sources.items()}


def section(_):
    """Separate a song and compare the estimates with the sources."""
    sources = song()
    mixture = sum(sources.values())
    separated, milliseconds = _separate(mixture)
    print(f"\n{SECONDS} s of a song of four sounds, separated by {SEPARATOR} in {milliseconds:.0f} ms")
    rows = _gains(sources, separated)
    print(text_table(("source", "SI-SDR in the mixture (dB)", "separated", "gain"), rows))
    recordings = [
        Recording(name, caption, np.clip(io.resample(audio, RATE, SAMPLE_RATE), -1, 1))
        for name, caption, audio in (
            ("mixture", "The four sounds together.", mixture),
            *((name, "Separated.", audio) for name, audio in separated.items()),
        )
    ]
    return f"""
<h2>Separation: a song taken apart</h2>
<p>A song of four synthetic sounds, split by <b>{SEPARATOR}</b> into vocals, drums, bass and other: {SECONDS} s in
{milliseconds:.0f} ms on this machine. It was trained on real and rendered music, not on sounds like these. The
figures are SI-SDR in dB, against the sound that went in.</p>
{html_table(("Source", "In the mixture", "Separated", "Gain"), rows)}
{grid(recordings)}"""


def _separate(mixture):
    """{source: estimate}, and milliseconds without compilation."""
    model = zoo.load(SEPARATOR)
    model.separate(mixture[:RATE], RATE)  # compiles
    start = time.perf_counter()
    separated = model.separate(mixture, RATE)
    return separated, 1e3 * (time.perf_counter() - start)


def _gains(sources, separated):
    """Rows of text: a source, its SI-SDR in the mixture and separated, and the gain, in dB."""
    before, after = si_sdr(sources, mixture_as_estimate(sources)), si_sdr(sources, separated)
    return [
        (name, f"{before[name]:.1f}", f"{after[name]:.1f}", f"{after[name] - before[name]:+.1f}") for name in sources
    ]
