"""Checks of recordings that a user hands over, and the form in which the models take them.

Every message says what came and what to give.
"""

from typing import Any

import numpy as np

from zoo.errors import InputError

_FEW_SAMPLES = 64  # a batch of more recordings than this, each with fewer samples, has its axes swapped


def as_floats(audio: Any) -> np.ndarray:
    """Audio as an array of floats.

    Integers are refused: of 16-bit samples, whose full scale is 32768 and not 1, every score would be wrong.

    Args:
        audio: what NumPy makes an array of.

    Returns:
        The array, of its own float type and shape.

    Raises:
        InputError: recordings of several lengths, or no floats.

    Example:
        >>> as_floats([0.5, -0.5])
        array([ 0.5, -0.5])
    """
    try:
        audio = np.asarray(audio)
    except ValueError:
        raise InputError("recordings of several lengths are no array; pad them and give lengths") from None
    if not np.issubdtype(audio.dtype, np.floating):
        raise InputError(f"audio is {audio.dtype}; give float in [-1, 1] (16-bit samples over 32768)")
    return audio


def check_finite(audio: np.ndarray) -> None:
    """Raise an InputError where audio holds NaN or infinity.

    Example:
        >>> check_finite(np.zeros(3))
    """
    if not np.isfinite(audio).all():
        raise InputError("the audio holds NaN or infinity; repair it")


def check_rate(sample_rate: float, model_rate: float, resample: bool = False) -> None:
    """Raise an InputError unless audio has a model's rate, or may be resampled to it.

    Args:
        sample_rate: of the audio, in Hz.
        model_rate: in Hz.
        resample: whether another rate is allowed.

    Example:
        >>> check_rate(44100, 16000, resample=True)
    """
    if not sample_rate > 0:
        raise InputError(f"the sample rate is {sample_rate}; give that of the audio in Hz, above 0")
    if sample_rate != model_rate and not resample:
        raise InputError(f"the audio is at {sample_rate} Hz and the model at {model_rate} Hz: pass resample=True")


def check_lengths(lengths: Any, count: int, samples: int, fewest: int = 0) -> np.ndarray:
    """Lengths of the recordings of a batch.

    Args:
        lengths: integers (count,), samples of each recording before padding; None where nothing is padded.
        count: of recordings.
        samples: of each with its padding.
        fewest: samples that a recording must have.

    Returns:
        int (count,).

    Raises:
        InputError: another number of lengths, no integers, or lengths outside fewest..samples.

    Example:
        >>> check_lengths([3, 5], 2, 5).tolist()
        [3, 5]
    """
    if lengths is None:
        return np.full(count, samples)
    lengths = np.atleast_1d(np.asarray(lengths))
    if lengths.shape != (count,) or not np.issubdtype(lengths.dtype, np.integer):
        raise InputError(
            f"lengths has shape {lengths.shape} of {lengths.dtype}; give {count} integers, one a recording"
        )
    if (lengths < fewest).any() or (lengths > samples).any():
        raise InputError(f"lengths must lie in {fewest}..{samples} samples, not {lengths.min()}..{lengths.max()}")
    return lengths


def padded(*recordings: Any) -> list[np.ndarray]:
    """Recordings of one length: each ends in zeros up to the longest.

    Args:
        recordings: (..., samples), each of its own length.

    Returns:
        List of (..., longest), in that order.

    Raises:
        InputError: no float in [-1, 1], or no samples axis.

    Example:
        >>> [x.tolist() for x in padded(np.ones(3), np.ones(1))]
        [[1.0, 1.0, 1.0], [1.0, 0.0, 0.0]]
    """
    arrays = [as_floats(x) for x in recordings]
    if not all(x.ndim for x in arrays):
        raise InputError("a recording is a single number; give (samples,) or (batch, samples)")
    longest = max(x.shape[-1] for x in arrays)
    return [np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, longest - x.shape[-1])]) for x in arrays]


def as_batch(*recordings: Any, lengths: Any = None) -> tuple[np.ndarray, ...]:
    """Recordings that belong together, such as a reference and its degraded copy, each as a batch.

    Args:
        recordings: float (samples,) or (batch, samples), all of one shape.
        lengths: integers (batch,), samples of each before padding; None where nothing is padded.

    Returns:
        Each of the recordings, (batch, samples), and last the lengths, int (batch,).

    Raises:
        InputError: shapes that differ or are of another rank, integers, or lengths that are not of this batch.

    Example:
        >>> reference, degraded, lengths = as_batch(np.zeros(100), np.ones(100))
        >>> reference.shape, lengths.tolist()
        ((1, 100), [100])
    """
    arrays = [as_floats(x) for x in recordings]
    shape = arrays[0].shape
    for other in arrays[1:]:
        if other.shape != shape:
            raise InputError(f"the recordings differ in shape, {shape} and {other.shape}; align them")
    if len(shape) not in (1, 2):
        raise InputError(f"audio has shape {shape}; give (samples,) or (batch, samples)")
    arrays = [np.atleast_2d(x) for x in arrays]
    _check_axes(arrays[0])
    return (*arrays, check_lengths(lengths, *arrays[0].shape))


def as_rows(audio: Any, lengths: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Recordings with or without channels, as a batch in which each channel is a row of its own.

    Args:
        audio: float (samples,), (batch, samples) or (batch, samples, channels).
        lengths: integers (batch,), 1 or more, as for `as_batch`.

    Returns:
        float32 (rows, samples), the channels of a recording one after the other, and int (rows,) lengths.

    Raises:
        InputError: another rank, no samples, integers, lengths that are not of this batch, or NaN or infinity in what
            counts.

    Example:
        >>> rows, lengths = as_rows(np.zeros((3, 100, 2)))
        >>> rows.shape, lengths.tolist()
        ((6, 100), [100, 100, 100, 100, 100, 100])
    """
    audio = as_floats(audio)
    if audio.ndim not in (1, 2, 3) or not audio.size:
        raise InputError(
            f"audio has shape {audio.shape}; give (samples,), (batch, samples) or (batch, samples, channels)"
        )
    rows = np.atleast_2d(audio)
    if audio.ndim == 3:
        rows = audio.transpose(0, 2, 1).reshape(-1, audio.shape[1])
    else:
        _check_axes(rows)
    channels = audio.shape[2] if audio.ndim == 3 else 1
    lengths = np.repeat(check_lengths(lengths, len(rows) // channels, rows.shape[1], fewest=1), channels)
    for row, length in zip(rows, lengths, strict=True):
        check_finite(row[:length])
    return rows.astype("float32", copy=False), lengths


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


def at_rate(
    *recordings: np.ndarray, lengths: np.ndarray, sample_rate: float, model_rate: float, resample: bool = False
) -> tuple[np.ndarray, ...]:
    """A batch at a model's rate, zero after the lengths.

    Args:
        recordings, lengths: as `as_batch` returns them.
        sample_rate: of the recordings, in Hz.
        model_rate: in Hz.
        resample: bring another rate to the model's, instead of raising.

    Returns:
        Each of the recordings, float32 (batch, samples), and last the lengths, int32 (batch,).

    Raises:
        InputError: the rates differ and `resample` is off.

    Example:
        >>> speech, lengths = as_batch(np.zeros(16000))
        >>> at_rate(speech, lengths=lengths, sample_rate=16000, model_rate=22050, resample=True)[0].shape
        (1, 22050)
    """
    check_rate(sample_rate, model_rate, resample)
    # Late, so that a command line without audio loads no audio library.
    from zoo.audio import io

    counted = np.arange(recordings[0].shape[1]) < lengths[:, None]
    arrays = [np.where(counted, x, 0).astype("float32") for x in recordings]
    if sample_rate != model_rate:
        if arrays[0].size:
            arrays = [io.resample(x, sample_rate, model_rate) for x in arrays]
        lengths = np.minimum(np.round(lengths * (model_rate / sample_rate)), arrays[0].shape[1])
    return (*arrays, lengths.astype("int32"))


def _check_axes(audio):
    """Refuse (samples, channels) where (batch, samples) is taken."""
    if audio.shape[1] < _FEW_SAMPLES < audio.shape[0]:
        raise InputError(f"audio of shape {audio.shape} looks like (samples, channels); give (batch, samples)")
