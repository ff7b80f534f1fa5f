"""Recordings of the sources of a song, {source: audio}, checked and in one array, for metrics of separation."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from zoo.audio import checks
from zoo.errors import InputError


def pair(references: dict[str, Any], estimates: dict[str, Any]) -> Iterator[np.ndarray]:
    """References and estimates, in the references' order; copies.

    Args:
        references, estimates: {source: float (samples,) or (samples, channels)}.

    Returns:
        Both, float64 (sources, samples, channels).

    Raises:
        InputError: sources or shapes differ, or as for `stack`.

    Example:
        >>> [x.shape for x in pair({"bass": np.zeros(9)}, {"bass": np.zeros(9)})]
        [(1, 9, 1), (1, 9, 1)]
    """
    if set(references) != set(estimates):
        raise InputError(
            f"references hold {', '.join(references)}, estimates {', '.join(estimates)}; give the same sources"
        )
    true = stack(references, "reference")
    estimated = stack({source: estimates[source] for source in references}, "estimate")
    if true.shape != estimated.shape:
        raise InputError(
            f"references {true.shape[1:]} and estimates {estimated.shape[1:]} differ in shape; cut them to one length"
        )
    return (x.reshape(*x.shape[:2], -1).astype(np.float64, copy=False) for x in (true, estimated))


def stack(sources: dict[str, Any], role: str) -> np.ndarray:
    """Recordings of sources in one array; a copy.

    Args:
        sources: {source: float (samples,) or (samples, channels)}.
        role: "reference", which must be scaled, or "estimate".

    Returns:
        (sources, samples) or (sources, samples, channels).

    Raises:
        InputError: no source, shapes that differ or are of another order of axes, integers, NaN or infinity, or samples
            that are not scaled (`zoo.audio.checks.check_scale`).

    Example:
        >>> stack({"bass": np.zeros(9), "drums": np.zeros(9)}, "reference").shape
        (2, 9)
    """
    if not sources:
        raise InputError(f"there is no {role}; give a dict of sources")
    arrays = {source: _checked(audio, f"{role} {source!r}", role == "reference") for source, audio in sources.items()}
    shape = next(iter(arrays.values())).shape
    for source, audio in arrays.items():
        if audio.shape != shape:
            raise InputError(f"{role} {source!r} has shape {audio.shape}, another {shape}; cut them to one length")
    return np.stack(list(arrays.values()))


def _checked(audio, name, is_scaled):
    """A recording, (samples,) or (samples, channels), as an array; `is_scaled` says whether it must be."""
    try:
        audio = checks.as_floats(audio)
        if audio.ndim not in (1, 2) or not audio.size:
            raise InputError(f"audio has shape {audio.shape}; give (samples,) or (samples, channels)")
        if audio.ndim == 2:
            checks.check_channels_last(audio)
        checks.check_finite(audio)
        checks.check_scale(audio, checks.LOUDEST if is_scaled else np.inf)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    return audio
