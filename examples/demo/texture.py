"""The demo's section of textures: two seconds more of a sound."""

import time

import numpy as np
from examples.demo.page import SAMPLE_RATE, Recording, card, spectrograms, text_table

from zoo.audio import mix
from zoo.texture import synthesize

SECONDS, ITERATIONS, PHASE_ITERATIONS = 2, 60, 100


def drops():
    """Drops that ring as they fall, on a soft hiss: made from a seed, float32 (samples,)."""
    rng = np.random.default_rng(0)
    samples = SECONDS * SAMPLE_RATE
    audio = 0.004 * mix.colored_noise(samples, 1.0, rng)
    decay = np.arange(800) / SAMPLE_RATE
    for start in rng.integers(0, samples - len(decay), 60):
        tone = np.sin(2 * np.pi * rng.uniform(1000, 5000) * decay) * np.exp(-decay / rng.uniform(0.004, 0.012))
        audio[start : start + len(decay)] += rng.uniform(0.1, 0.5) * tone
    return audio.astype("float32")


def texture_section(_):
    """Synthesises as much again of a sound."""
    target, start = drops(), time.perf_counter()
    made = synthesize(target, SAMPLE_RATE, iterations=ITERATIONS, phase_iterations=PHASE_ITERATIONS)
    seconds, history = time.perf_counter() - start, made.history
    print(f"\n{SECONDS} s of drops synthesised in {seconds:.0f} s, {ITERATIONS} iterations")
    rows = [(name, f"{history[name][0]:.4g}", f"{history[name][-1]:.4g}") for name in ("loss", "gram", "autocorrelation")]
    print(text_table(("term", "first", "last"), rows))
    pair = Recording("drops", "The target, made from a seed.", target), Recording(
        "drops, synthesised", f"From noise, in {ITERATIONS} iterations.", np.clip(made.audio, -1, 1)
    )
    cards = "".join(card(recording, picture) for recording, picture in spectrograms(pair))
    return f"""
<h2>Textures: more of a sound</h2>
<p>Random networks compare two spectrograms, and noise is changed until they see no difference: other drops, the same
rain. {SECONDS} s took {seconds:.0f} s on this machine with {ITERATIONS} iterations; the paper takes 2000.</p>
<div class="grid">{cards}</div>"""
