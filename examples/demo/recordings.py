"""The recordings that the demo scores, and how it measures them."""

import argparse
import time
from typing import NamedTuple

import numpy as np

import zoo
from zoo.audio import io
from zoo.metrics import speech

SAMPLE_RATE = 16000
CAPTIONS = {
    "degraded": "Pink noise and babble at 5 dB SNR.",
    "enhanced": "The 5 dB recording after spectral gating: less noise, damaged speech.",
    "mild": "The same noise at 30 dB SNR.",
}
MEASURED = {  # metric: how it is measured, and the ends of its scale on the page
    "PESQ wb": (lambda *pair: speech.pesq(*pair, SAMPLE_RATE, mode="wb"), (1.0, 4.64)),
    "PESQ nb": (lambda *pair: speech.pesq(*pair, SAMPLE_RATE, mode="nb"), (1.0, 4.55)),
    "STOI": (lambda *pair: speech.stoi(*pair, SAMPLE_RATE), (0.0, 1.0)),
}


class Recording(NamedTuple):
    name: str
    caption: str
    audio: np.ndarray


def read_recordings(arguments: argparse.Namespace) -> tuple[Recording, list[Recording]]:
    """The reference, and the recordings to compare with it: the bundled ones, or the user's own pair."""
    if arguments.reference is None:
        files = zoo.examples()
        reference, caption = files["reference"], "A synthetic talker, clean."
        degraded = {files[name]: caption for name, caption in CAPTIONS.items()}
    else:
        reference, caption, degraded = arguments.reference, "", {arguments.degraded: ""}
    compared = [Recording(path.name, caption, _read(path)) for path, caption in degraded.items()]
    return Recording(f"{reference.name} (reference)", caption, _read(reference)), compared


def _read(path):
    return io.read(path, SAMPLE_RATE, resample=True, downmix=True)[0]


def timed(function, *arguments):
    """The result, and the milliseconds of the second call: the first may compile."""
    function(*arguments)
    start = time.perf_counter()
    result = function(*arguments)
    return result, 1000 * (time.perf_counter() - start)
