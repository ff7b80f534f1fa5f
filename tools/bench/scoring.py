"""How fast a surrogate scores, and how fast pairs are labelled, beside the metric itself; into results/scoring.json.

    python tools/bench/scoring.py

Pairs are 2.5 s of the bundled speech in noise. Calls take turns; at each, the second of two counts. A cached label is
read back from the file that the recipes keep. The straight Keras model is the same network with Keras's own spectral
normalisation, called by `predict`, as Keras compiles it (on a CPU without XLA) and by XLA.
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import common
import keras
import numpy as np

import zoo
from zoo.layers import SpectralNormalization
from zoo.metrics import speech
from zoo.quality_net import labels

LITE, TINY = "quality-net-lite-pesq-wb-16k", "quality-net-tiny-pesq-wb-16k"
PAPER, RATE, SECONDS = "quality-net-pesq-wb-16k", 16000, 2.5


def straight(metric, jit_compile):
    """(references, degraded) -> (n,) scores, by `predict` of the network with Keras's own layers."""

    def plain(layer):
        if not isinstance(layer, SpectralNormalization):
            return layer.__class__.from_config(layer.get_config())
        kind = keras.layers.Conv2D if isinstance(layer.layer, keras.layers.Conv2D) else keras.layers.Dense
        return keras.layers.SpectralNormalization(kind.from_config(layer.layer.get_config()))

    core = keras.models.clone_model(metric.core, clone_function=plain)
    for ours, theirs in zip(metric.core.layers, core.layers, strict=True):
        if not isinstance(ours, SpectralNormalization):
            theirs.set_weights(ours.get_weights())
            continue
        # Keras's normalises in training only. Copies: on JAX, `predict` gives its arrays away.
        theirs.layer.set_weights([np.array(ours.effective_kernel()), np.array(ours.layer.bias)])
    model = zoo.load(PAPER)
    model.core = core
    model.compile(jit_compile=jit_compile)
    return lambda *pair: model.predict(list(pair), batch_size=16, verbose=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="rounds (default: 7)")
    parser.add_argument("--pairs", type=int, default=128, help="in a call (default: 128)")
    given = parser.parse_args()
    pair = common.pairs(given.pairs, SECONDS, RATE)
    ours = {name: zoo.load(name) for name in (LITE, TINY, PAPER)}
    paper, target = ours[PAPER], labels.TARGETS["pesq-wb"]
    plain = {"straight Keras model": straight(paper, "auto")}
    if keras.backend.backend() == "tensorflow":
        plain["straight Keras model, by XLA"] = straight(paper, True)
    for score in plain.values():
        np.testing.assert_allclose(score(*pair), paper.score(*pair, RATE), atol=1e-3)
    stored = np.round(32767 * np.clip(np.stack(pair, axis=1), -1, 1)).astype("int16")
    chunks = np.array_split(stored, max(given.pairs // 8, 1))
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept.sqlite"
        labels.label(chunks, target, kept, RATE)

        def label():
            with tempfile.TemporaryDirectory() as fresh:
                labels.label(chunks, target, Path(fresh) / "labels.sqlite", RATE)

        calls = {
            **{name: lambda model=model: model.score(*pair, RATE) for name, model in ours.items()},
            **{name: lambda score=score: score(*pair) for name, score in plain.items()},
            "pesq, all cores": lambda: speech.pesq(*pair, RATE, n_jobs=-1),
            "pesq, in a loop": lambda: [target.function(*one, RATE) for one in zip(*pair, strict=True)],
            "labels, all cores": label,
            "labels, cached": lambda: labels.label(chunks, target, kept, RATE),
        }
        took = common.in_turns(calls, given.repeats)
    cores = len(os.sched_getaffinity(0))
    score = f"score {given.pairs} pairs of {SECONDS} s"
    results = [common.compare(score, took, name, "pesq, all cores", 1 / 5) for name in (LITE, TINY)]
    results += [common.compare(score, took, PAPER, name, 1 / 1.5) for name in plain]
    results += [
        common.compare(f"label {given.pairs} pairs", took, "labels, all cores", "pesq, in a loop", 1 / (0.9 * cores)),
        common.compare(f"label {given.pairs} pairs again", took, "labels, cached", "labels, all cores", 0.01),
    ]
    common.write("scoring", results)


if __name__ == "__main__":
    main()
