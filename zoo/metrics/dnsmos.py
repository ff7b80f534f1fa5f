"""DNSMOS P.835 (Reddy, Gopal and Cutler 2022): speech, background and overall quality of a recording by itself.

The network is that of the package speechmos (MIT), which its own code runs together with a second one; here it runs on
onnxruntime alone. Scores are those of the package. Imports no backend.
"""

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from zoo.audio.checks import as_batch, whole_rate
from zoo.errors import InputError, extras
from zoo.nn.inference import Network

SAMPLE_RATE = 16000  # Hz
NAMES = ("ovrl", "sig", "bak")
_WINDOW = 144160  # samples that the network hears: 9.01 s
_SILENCE = 1e-6  # a peak below this is digital silence at 16 bits
# What the network gives of each, brought to the scale of the listeners: quadratic polynomials, highest power first.
_SCALES = {
    "sig": (-0.08397278, 1.22083953, 0.0052439),
    "bak": (-0.13166888, 1.60915514, -0.39604546),
    "ovrl": (-0.06766283, 1.11546468, 0.04602535),
}


def available() -> bool:
    """Whether the package that has the network is installed.

    Example:
        >>> isinstance(available(), bool)
        True
    """
    return find_spec("speechmos") is not None


def dnsmos(recording: np.ndarray, sample_rate: int, lengths: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Predicted mean opinion scores of speech with its noise, as ITU-T P.835 asks for them; no reference.

    The mean over windows of 9.01 s, a second apart. A shorter recording is doubled until it fills one, as the package
    does. Of a recording above 16 s the package leaves the windows that begin 7 to 23 s into it out, by an error of
    rounding; so do these scores, to be those that others report. One that peaks beyond 1 is brought to a peak of 1.

    Args:
        recording: speech, float `(samples,)` or `(batch, samples)`.
        sample_rate: Hz, 16000.
        lengths: samples of each recording before padding, `(batch,)`; None where nothing is padded.

    Returns:
        {"ovrl": overall, "sig": the speech alone, "bak": the background, where low means that it disturbs}, float64
        `(batch,)` each, about 1 (bad) to 5 (excellent), higher is better. NaN for a recording that is silent or not
        finite.

    Raises:
        InputError: another shape or rate, or speechmos is not installed.

    Example:
        >>> recording, rate = zoo.audio.io.read(zoo.examples()["degraded"])
        >>> scores = dnsmos(recording, rate)  # needs speechmos  # doctest: +SKIP
    """
    if whole_rate(sample_rate) != SAMPLE_RATE:
        raise InputError(f"DNSMOS takes {SAMPLE_RATE} Hz, the audio has {sample_rate} Hz; resample it")
    recordings, lengths = as_batch(recording, lengths=lengths)
    scores = np.array([_score(row[:n]) for row, n in zip(recordings, lengths, strict=True)])
    return dict(zip(NAMES, scores.reshape(-1, len(NAMES)).T, strict=True))


def _score(recording):
    """The three scores of one recording, in the order of `NAMES`."""
    peak = np.abs(recording).max(initial=0.0)
    if not _SILENCE < peak < np.inf:  # NaN compares as False
        return [np.nan] * len(NAMES)
    windows = _windows((recording / max(peak, 1.0)).astype("float32"))
    # One window at a time: a batch is no faster, and takes the memory of all.
    raw = np.concatenate([_network().run("Identity:0", input_1=window[None]) for window in windows])
    by_name = dict(zip(("sig", "bak", "ovrl"), raw.astype("float64").T, strict=True))
    return [np.polyval(_SCALES[name], by_name[name]).mean() for name in NAMES]


def _windows(recording):
    """What the network hears of a recording, float32 (samples,) each."""
    while len(recording) < _WINDOW:
        recording = np.concatenate([recording, recording])
    starts = range(max(len(recording) // SAMPLE_RATE - 9, 1))
    # The end of a window as the package computes it, in seconds: a sample early where floats round down.
    whole = [start for start in starts if int((start + 9.01) * SAMPLE_RATE) - start * SAMPLE_RATE == _WINDOW]
    return [recording[start * SAMPLE_RATE :][:_WINDOW] for start in whole]


@lru_cache(maxsize=1)
def _network():
    with extras():
        import speechmos
    return Network(Path(speechmos.__path__[0]) / "dnsmos_models" / "sig_bak_ovr.onnx")
