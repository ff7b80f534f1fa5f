"""How fast a surrogate scores, and how fast pairs are labelled, beside the metric itself; into results/scoring.json.

    python tools/bench/scoring.py

Pairs are stretches of 2.5 s of the bundled speech in pink noise at 0 to 30 dB SNR. Calls take turns; the first round,
which compiles and starts processes, is not counted. A cached label is read back from the file that the recipes keep.
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import common
import numpy as np

import zoo
from zoo.audio import io, mix
from zoo.metrics import speech
from zoo.quality_net import labels

SURROGATE, RATE = "quality-net-lite-pesq-wb-16k", 16000
SPEECH = Path(__file__).resolve().parents[2] / "tests" / "data" / "speech_reference.flac"


def draw(count):
    """float32 references and degraded recordings, (count, samples)."""
    rng, (recording, _) = np.random.default_rng(0), io.read(SPEECH, RATE)
    samples = int(2.5 * RATE)
    recording = np.tile(recording, 1 + 2 * samples // len(recording))
    starts = rng.integers(len(recording) - samples, size=count)
    reference = np.stack([recording[start : start + samples] for start in starts])
    noise = [mix.colored_noise(samples, 1.0, rng) for _ in starts]
    noisy = [mix.mix_at_snr(*pair, snr) for *pair, snr in zip(reference, noise, rng.uniform(0, 30, count), strict=True)]
    return reference, np.stack(noisy).astype("float32")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=7, help="rounds (default: 7)")
    parser.add_argument("--pairs", type=int, default=128, help="in a call (default: 128)")
    given = parser.parse_args()
    reference, degraded = draw(given.pairs)
    metric, target = zoo.load(SURROGATE), labels.TARGETS["pesq-wb"]
    stored = np.round(32767 * np.clip(np.stack([reference, degraded], axis=1), -1, 1)).astype("int16")
    chunks = np.array_split(stored, max(given.pairs // 8, 1))
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept.sqlite"
        labels.label(chunks, target, kept, RATE)

        def label():
            with tempfile.TemporaryDirectory() as fresh:
                labels.label(chunks, target, Path(fresh) / "labels.sqlite", RATE)

        calls = {
            "zoo.load(...).score": lambda: metric.score(reference, degraded, RATE),
            "pesq, all cores": lambda: speech.pesq(reference, degraded, RATE, n_jobs=-1),
            "pesq, in a loop": lambda: [target.function(*pair, RATE) for pair in zip(reference, degraded, strict=True)],
            "labels, all cores": label,
            "labels, cached": lambda: labels.label(chunks, target, kept, RATE),
        }
        took = common.in_turns(calls, given.repeats)
    cores = os.cpu_count()
    results = [
        common.compare(f"score {given.pairs} pairs by `{SURROGATE}`", took, "zoo.load(...).score", "pesq, all cores", 0.2),
        common.compare(f"label {given.pairs} pairs", took, "labels, all cores", "pesq, in a loop", 1 / (0.9 * cores)),
        common.compare(f"label {given.pairs} pairs again", took, "labels, cached", "labels, all cores", 0.01),
    ]
    common.write("scoring", results)


if __name__ == "__main__":
    main()
