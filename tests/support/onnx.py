"""Bundled checkpoints on onnxruntime beside their Keras models, for tests that set the two side by side."""

import functools

import numpy as np

import zoo
from zoo.checkpoint import network, registry

ONNX_NAMES = [name for name in zoo.list() if (registry.root() / name / network.FILE).is_file()]


@functools.cache
def load(name):
    """A bundled checkpoint on onnxruntime."""
    return zoo.load(name, runtime="onnx")


def recordings(sample_rate, count, seconds):
    """Speech and the same in noise, float32 (count, samples) each: the bundled recording, again and again."""
    speech, rate = zoo.audio.io.read(zoo.examples()["reference"])
    speech = zoo.audio.io.resample(speech, rate, sample_rate)
    rows = np.stack([np.roll(np.resize(speech, int(seconds * sample_rate)), 1000 * i) for i in range(count)])
    noise = np.random.default_rng(0).standard_normal(rows.shape).astype("float32")
    return rows, rows + 0.02 * noise
