"""Who enhances the training pairs: imitated enhancers, and checkpoints of real ones."""

import functools
import zlib
from collections.abc import Callable, Sequence

import numpy as np

from zoo.checkpoint import preset, registry
from zoo.checkpoint.integrity import sha256
from zoo.data.speech import SAMPLE_RATE
from zoo.errors import InputError
from zoo.quality_net.degrade import enhance_like

SIMULATED = "simulated"  # the name of `enhance_like`


@functools.cache
def load_enhancers(names: tuple[str, ...]) -> list[Callable]:
    """Functions that enhance a pair, of "simulated" and of checkpoints.

    Args:
        names: "simulated" for `zoo.quality_net.degrade.enhance_like`, or sources of checkpoints, as for `zoo.load`.

    Returns:
        one function a name: float (samples,) speech and noise, their rate in Hz, and a NumPy generator -> float32
        (samples,) enhanced.

    Raises:
        InputError: no name, or a checkpoint that has no `enhance`, or another rate than 16 kHz.

    Example:
        >>> load_enhancers(("simulated",)) == [enhance_like]
        True
    """
    if not names:
        raise InputError(f"name the enhancers of the training pairs: {SIMULATED!r}, or checkpoints")
    return [enhance_like if name == SIMULATED else _load_enhancer(name) for name in names]


def _load_enhancer(source):
    model = preset.load(source)
    if not hasattr(model, "enhance") or model.sample_rate != SAMPLE_RATE:
        raise InputError(f"{source} does not enhance speech at {SAMPLE_RATE} Hz: give a checkpoint of an enhancer")

    def enhance(speech, noise, sample_rate, rng):
        noisy = speech + noise
        level = max(1.0, np.abs(noisy).max())  # a loud noise goes over full scale, which enhancers refuse
        return level * model.enhance(noisy / level, sample_rate)

    return enhance


def fingerprint(names: Sequence[str]) -> str:
    """A short name of enhancers and their weights, for the folder of pairs that they made; "" of imitated ones alone.

    Example:
        >>> fingerprint(["simulated"]), fingerprint(["blstm-mse-16k"]) == fingerprint(["dnn-mse-16k"])
        ('', False)
    """
    if set(names) == {SIMULATED}:
        return ""
    weights = [name if name == SIMULATED else sha256(registry.resolve(name) / "model.weights.h5") for name in names]
    return f"-enhanced-{zlib.crc32(' '.join(weights).encode()):08x}"
