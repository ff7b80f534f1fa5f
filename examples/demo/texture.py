"""Textures: more of a sound."""

import time

import numpy as np

from examples.demo.cards import grid
from examples.demo.recordings import SAMPLE_RATE, Recording
from examples.demo.tables import html_table, text_table
from zoo.audio import mix
from zoo.texture import spectrum, synthesize
from zoo.texture.model import RandomConvEnsemble

SECONDS, ITERATIONS, PHASE_ITERATIONS = 2, 150, 60
WIDTHS = 2, 4, 8, 16  # of the paper's six networks those of up to 64 ms: drops are short, and a quarter of the work
SHARES = np.linspace(0, 1, 50)  # of the frames, whose quantiles are compared


def rain():
    """Drops that ring as they fall, on a soft hiss: from a seed, float32 (samples,)."""
    rng = np.random.default_rng(0)
    samples = SECONDS * SAMPLE_RATE
    audio = 0.05 * mix.colored_noise(samples, 1.0, rng)
    decay = np.arange(800) / SAMPLE_RATE
    for start in rng.integers(0, samples - len(decay), 25 * SECONDS):
        tone = np.sin(2 * np.pi * rng.uniform(1000, 4000) * decay) * np.exp(-decay / rng.uniform(0.006, 0.015))
        audio[start : start + len(decay)] += rng.uniform(0.1, 0.4) * tone
    return audio.astype("float32")


def section(_):
    """Synthesise as much again of a sound, and compare it with the noise that the synthesis starts from."""
    target, start = rain(), time.perf_counter()
    result = _synthesise(target, ITERATIONS)
    seconds = time.perf_counter() - start
    noise = _synthesise(target, 0)
    rows = [
        ("Gram loss", *(f"{loss:.2g}" for loss in (result.history["gram"][0], result.history["gram"][-1]))),
        ("spectral distance (dB)", *(f"{spectral_distance(target, each.audio):.1f}" for each in (noise, result))),
    ]
    print(f"\n{SECONDS} s of rain synthesised in {seconds:.0f} s, {ITERATIONS} iterations")
    print(text_table(("how far from the target", "noise at the start", "synthesised"), rows))
    recordings = [
        Recording("rain", "The target, from a seed.", target),
        Recording("noise", "The start: the target's mean spectrum.", np.clip(noise.audio, -1, 1)),
        Recording("rain, synthesised", f"After {ITERATIONS} iterations.", np.clip(result.audio, -1, 1)),
    ]
    return f"""
<h2>Textures: more of a sound</h2>
<p>Random networks compare two spectrograms, and noise is changed until their statistics agree: other drops, the same
rain. {SECONDS} s took {seconds:.0f} s on this machine with {ITERATIONS} iterations and the paper's {len(WIDTHS)}
shortest networks; the paper takes 2000 and six. The spectral distance is between the levels, in rising order, of each
frequency.</p>
{html_table(("How far from the target", "Noise", "Synthesised"), rows)}
{grid(recordings)}"""


def _synthesise(target, iterations):
    """Without the autocorrelation term, since rain has no rhythm, and for speed without the term against copying."""
    return synthesize(
        target,
        SAMPLE_RATE,
        alpha=0,
        beta=0,
        iterations=iterations,
        phase_iterations=PHASE_ITERATIONS,
        ensemble=RandomConvEnsemble(WIDTHS),
    )


def spectral_distance(target: np.ndarray, audio: np.ndarray) -> float:
    """Mean difference in dB between the quantiles over time of each frequency's level: 0 for the same distribution."""
    quantiles = [
        np.quantile(20 * np.log10(np.expm1(np.asarray(spectrum.log_spectrogram(x[None]))[0]) + 1e-2), SHARES, axis=0)
        for x in (target, audio)
    ]
    return float(np.abs(quantiles[0] - quantiles[1]).mean())
