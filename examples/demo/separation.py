"""The demo's section of separation: a song of four sounds made from a seed, taken apart again."""

import time

import numpy as np
from examples.demo.page import SAMPLE_RATE, Recording, card, spectrograms, text_table

import zoo
from zoo.audio import io
from zoo.metrics.separation import mixture_as_estimate, si_sdr

SEPARATOR = "chandna-4stem-44k"
RATE, SECONDS = 44100, 10


def song():
    """{source: float32 (samples,)}: a vowel that glides, a kick and a snare, a plucked low string, a chord that breathes."""
    rng = np.random.default_rng(0)
    time = np.arange(SECONDS * RATE) / RATE
    beat = time % 0.5
    note = np.repeat([55.0, 55.0, 73.4, 82.4, 55.0, 65.4, 73.4, 49.0, 55.0, 55.0], RATE)
    pitch = 330 * 2 ** (np.round(4 * np.sin(0.9 * time)) / 6 + 0.03 * np.sin(2 * np.pi * 5.5 * time))
    turns = 2 * np.pi * np.cumsum(pitch) / RATE
    harmonics = np.arange(1, 24)
    formants = sum(np.exp(-(((harmonics * 330 - f) / 350) ** 2)) for f in (700, 1200, 2600))
    sung = time % 2.5 < 1.9
    kick = np.sin(2 * np.pi * 50 * beat * (1 + 1 / (1 + 30 * beat))) * np.exp(-beat / 0.08)
    snare = rng.standard_normal(time.size) * np.exp(-((time + 0.5) % 1.0) / 0.06)
    made = {
        "vocals": sung * sum((0.2 + a) * np.sin(h * turns) / h**0.5 for a, h in zip(formants, harmonics)),
        "drums": kick * (time % 1.0 < 0.5) + 0.4 * snare,
        "bass": sum(np.sin(2 * np.pi * h * note * time) / h**2 for h in (1, 2, 3)) * np.exp(-(time % 1.0) / 0.6),
        "other": (1.2 + np.sin(time)) * sum(np.sin(2 * np.pi * f * time) / f**0.3 for f in (220, 277, 330, 554, 880)),
    }
    levels = {"vocals": 0.075, "drums": 0.09, "bass": 0.075, "other": 0.045}  # their sum stays within full scale
    return {source: (levels[source] * x / np.std(x)).astype("float32") for source, x in made.items()}


def separation_section(_):
    """Takes a song apart and compares what comes out with what went in."""
    sources = song()
    model = zoo.load(SEPARATOR)
    mixture = sum(sources.values())
    model.separate(mixture[:RATE], RATE)  # compiles
    start = time.perf_counter()
    separated = model.separate(mixture, RATE)
    milliseconds = 1e3 * (time.perf_counter() - start)
    before, after = si_sdr(sources, mixture_as_estimate(sources)), si_sdr(sources, separated)
    print(f"\n{SECONDS} s of a song of four sounds, separated by {SEPARATOR} in {milliseconds:.0f} ms")
    rows = [
        (name, f"{before[name]:.1f}", f"{after[name]:.1f}", f"{after[name] - before[name]:+.1f}") for name in sources
    ]
    print(text_table(("source", "SI-SDR in the mixture (dB)", "separated", "gain"), rows))
    shown = {"mixture": mixture, **separated}
    recordings = [
        Recording(name, "" if name == "mixture" else "Separated.", np.clip(io.resample(x, RATE, SAMPLE_RATE), -1, 1))
        for name, x in shown.items()
    ]
    cards = "".join(card(recording, picture) for recording, picture in spectrograms(recordings))
    return f"""
<h2>Separation: a song taken apart</h2>
<p>A song of four synthetic sounds, split by <b>{SEPARATOR}</b> into vocals, drums, bass and other: {SECONDS} s in
{milliseconds:.0f} ms on this machine. It was trained on real and rendered music, not on sounds like these.</p>
<div class="grid">{cards}</div>"""
