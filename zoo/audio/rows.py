"""Recordings with channels as a batch of rows, one a channel, and back: for models of one channel."""

from typing import Any

import numpy as np

from zoo.audio import checks
from zoo.errors import InputError


def as_rows(audio: Any, lengths: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Recordings with or without channels, as a batch in which each channel is a row of its own.

    Args:
        audio: float (samples,), (batch, samples) or (batch, samples, channels).
        lengths: integers (batch,), 1 or more, as for `zoo.audio.checks.as_batch`.

    Returns:
        float32 (rows, samples), the channels of a recording one after the other, and int (rows,) lengths.

    Raises:
        InputError: another rank or order of axes, no samples, integers, lengths that are not of this batch, NaN or
            infinity in what counts, or samples that are not scaled (`zoo.audio.checks.check_scale`).

    Example:
        >>> rows, lengths = as_rows(np.zeros((3, 100, 2)))
        >>> rows.shape, lengths.tolist()
        ((6, 100), [100, 100, 100, 100, 100, 100])
    """
    audio = checks.as_floats(audio)
    if audio.ndim not in (1, 2, 3) or not audio.size:
        raise InputError(
            f"audio has shape {audio.shape}; give (samples,), (batch, samples) or (batch, samples, channels)"
        )
    rows, channels = split_channels(audio)
    rows = np.atleast_2d(rows)
    lengths = np.repeat(checks.check_lengths(lengths, len(rows) // channels, rows.shape[1], fewest=1), channels)
    for row, length in zip(rows, lengths, strict=True):
        checks.check_finite(row[:length])
        checks.check_scale(row[:length])
    return rows.astype("float32", copy=False), lengths


def split_channels(audio: Any) -> tuple[np.ndarray, int]:
    """Recordings with channels as rows, one a channel; others as they are.

    Args:
        audio: float (batch, samples, channels), or of fewer axes, which has no channels.

    Returns:
        (batch * channels, samples), the channels of a recording one after the other, and how many channels; of fewer
        axes the audio, and 1.

    Raises:
        InputError: no floats, (samples, channels) without a batch, or channels that do not come last.

    Example:
        >>> rows, channels = split_channels(np.zeros((3, 100, 2)))
        >>> rows.shape, channels
        ((6, 100), 2)
    """
    audio = checks.as_floats(audio)
    if checks.is_swapped(audio.shape):
        raise InputError(
            f"audio of shape {audio.shape} looks like (samples, channels); give (batch, samples, channels), as by "
            "audio[None], or (batch, samples), as by audio.T"
        )
    if audio.ndim != 3:
        return audio, 1
    checks.check_channels_last(audio)
    return audio.transpose(0, 2, 1).reshape(-1, audio.shape[1]), audio.shape[2]


def from_rows(rows: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """What `as_rows` made rows of, in its own shape again.

    Args:
        rows: (rows, samples).
        shape: of the audio that `as_rows` took.

    Returns:
        The same numbers, of that shape.

    Example:
        >>> from_rows(as_rows(np.zeros((3, 100, 2)))[0], (3, 100, 2)).shape
        (3, 100, 2)
    """
    if len(shape) < 3:
        return rows.reshape(shape)
    batch, samples, channels = shape
    return np.ascontiguousarray(rows.reshape(batch, channels, samples).transpose(0, 2, 1))
