"""Checks of recordings that a user hands over, and the form in which the models take them.

Every message says what came and what to give.
"""

import numbers
import os
from typing import Any

import numpy as np

from zoo.errors import InputError

# A batch of more recordings than this is one recording with its axes swapped where it has at most so many columns: a
# large array of microphones has some hundred channels, and no model has use for so few samples.
_MANY_ROWS, _FEW_COLUMNS = 64, 256
# Float files overshoot full scale, by a few dB after a lossy coder and by some more before a limiter: 8 is 18 dB. Samples
# of 16 bits that were not scaled stay below only where they are 72 dB under their full scale, and are whole numbers then.
LOUDEST = 8.0


def as_floats(audio: Any) -> np.ndarray:
    """Audio as an array of floats.

    Integers are refused: of 16-bit samples, whose full scale is 32768 and not 1, every score would be wrong.

    Args:
        audio: what NumPy makes an array of.

    Returns:
        The array, of its own float type and shape.

    Raises:
        InputError: recordings of several lengths, names of files, or no floats.

    Example:
        >>> as_floats([0.5, -0.5])
        array([ 0.5, -0.5])
    """
    if isinstance(audio, (str, bytes, os.PathLike)):
        raise InputError(f"audio is {audio!r}, not samples; read a file with zoo.audio.io.read(path)")
    try:
        audio = np.asarray(audio)
    except ValueError:
        raise InputError("recordings of several lengths are no array; pad them and give lengths") from None
    if audio.dtype.kind in "USO":
        raise InputError(f"audio is {audio.dtype}, not samples; give floats, read files with zoo.audio.io.read(path)")
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


def check_scale(audio: np.ndarray, loudest: float = LOUDEST) -> None:
    """Raise an InputError where audio is far above full scale, as samples of 16 bits cast to float are.

    What is NaN or infinite is left to other checks.

    Args:
        audio: floats of any shape; full scale is 1.
        loudest: highest peak. Of what a network gave in training it is infinity: it may be of any size.

    Raises:
        InputError: a peak above `loudest`, or whole numbers alone with a peak above 1.

    Example:
        >>> check_scale(np.array([0.5, -1.2]))
    """
    peak = max(np.fmax.reduce(audio, axis=None, initial=0.0), -np.fmin.reduce(audio, axis=None, initial=0.0))
    if not np.isfinite(peak) or peak <= 1:
        return
    if peak > loudest or np.array_equal(audio, np.rint(audio)):
        raise InputError(f"the audio peaks at {peak:g}; give float in [-1, 1]: divide 16-bit samples by 32768")


def whole_rate(sample_rate: Any) -> int:
    """A sample rate as an integer.

    Args:
        sample_rate: in Hz, a whole number of any type.

    Returns:
        int.

    Raises:
        InputError: no number, a boolean, not whole, or not above 0.

    Example:
        >>> whole_rate(np.float64(16000))
        16000
    """
    rate = _number(sample_rate)
    if rate is None or not 0 < rate < np.inf or rate != int(rate):
        raise InputError(f"the sample rate is {sample_rate!r}; give that of the audio, a whole number in Hz, above 0")
    return int(rate)


def above_zero(rate: Any) -> float:
    """A rate that need be no whole number, as of sound that is played faster.

    Raises:
        InputError: no number, a boolean, or not above 0.

    Example:
        >>> above_zero(16000 * 1.5)
        24000.0
    """
    number = _number(rate)
    if number is None or not 0 < number < np.inf:
        raise InputError(f"the sample rate is {rate!r}; give a number in Hz, above 0")
    return number


def _number(value):
    """A number of any type, an array of one among them; None where it is none, or a boolean."""
    value = value.item() if isinstance(value, np.ndarray) and not value.ndim else value
    return value if isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_)) else None


def check_rate(sample_rate: Any, model_rate: int, resample: bool = False) -> int:
    """The rate of audio as an integer, where it is a model's, or may be resampled to it.

    Args:
        sample_rate: of the audio, in Hz, a whole number of any type.
        model_rate: in Hz.
        resample: whether another rate is allowed.

    Returns:
        int, in Hz.

    Raises:
        InputError: as for `whole_rate`, or the rates differ and `resample` is off.

    Example:
        >>> check_rate(44100.0, 16000, resample=True)
        44100
    """
    rate = whole_rate(sample_rate)
    if rate != model_rate and not resample:
        raise InputError(f"the audio is at {rate} Hz and the model at {model_rate} Hz: pass resample=True")
    return rate


def check_lengths(lengths: Any, count: int, samples: int, fewest: int = 0) -> np.ndarray:
    """Lengths of the recordings of a batch.

    Args:
        lengths: whole numbers (count,), samples of each recording before padding; None where nothing is padded.
        count: of recordings.
        samples: of each with its padding.
        fewest: samples that a recording must have.

    Returns:
        int (count,).

    Raises:
        InputError: another number of lengths, no whole numbers, or lengths outside fewest..samples.

    Example:
        >>> check_lengths([3, 5], 2, 5).tolist()
        [3, 5]
    """
    if lengths is None:
        return np.full(count, samples)
    lengths = np.atleast_1d(np.asarray(lengths))
    if lengths.shape != (count,):
        raise InputError(f"lengths has shape {lengths.shape}; give {count} integers, one a recording")
    if lengths.dtype.kind not in "iuf" or not np.array_equal(lengths, np.rint(lengths)):
        raise InputError(f"lengths are {lengths.tolist()} of {lengths.dtype}; give {count} integers, one a recording")
    if (lengths < fewest).any() or (lengths > samples).any():
        raise InputError(f"lengths must lie in {fewest}..{samples} samples, not {lengths.min()}..{lengths.max()}")
    return lengths.astype(int)


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
        InputError: shapes that differ or are of another rank, integers, lengths that are not of this batch, or samples
            that are not scaled (`check_scale`). Only of the first recording the peak is checked: an estimate, which
            comes after its reference, may be of any size.

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
        raise InputError(f"audio has shape {shape}; give (samples,) or (batch, samples), one channel at a time")
    arrays = [np.atleast_2d(x) for x in arrays]
    check_samples_last(arrays[0])
    lengths = check_lengths(lengths, *arrays[0].shape)
    for i, array in enumerate(arrays):
        for row, length in zip(array, lengths, strict=True):
            check_scale(row[:length], np.inf if i else LOUDEST)
    return (*arrays, lengths)


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
    sample_rate = check_rate(sample_rate, model_rate, resample)
    # Late, so that a command line without audio loads no audio library.
    from zoo.audio import io

    counted = np.arange(recordings[0].shape[1]) < lengths[:, None]
    arrays = [np.where(counted, x, 0).astype("float32") for x in recordings]
    if sample_rate != model_rate:
        if arrays[0].size:
            arrays = [io.resample(x, sample_rate, model_rate) for x in arrays]
        lengths = np.minimum(np.round(lengths * (model_rate / sample_rate)), arrays[0].shape[1])
        counted = np.arange(arrays[0].shape[1]) < lengths[:, None]  # a resampler rings on after the end
        arrays = [np.where(counted, x, np.float32(0)) for x in arrays]
    return (*arrays, lengths.astype("int32"))


def check_samples_last(audio: Any) -> None:
    """Raise an InputError where audio of two axes is (samples, channels), which has few columns and many more rows.

    Args:
        audio: array or tensor, (samples,), (batch, samples) or of more axes, whose last is of samples.

    Example:
        >>> check_samples_last(np.zeros((2, 16000)))
    """
    shape = tuple(audio.shape)
    if is_swapped(shape):
        raise InputError(
            f"audio of shape {shape} looks like (samples, channels); give (batch, samples): audio.T for each channel"
        )


def check_channels_last(audio: np.ndarray) -> None:
    """Raise an InputError where the last axis, which is of channels, is longer than the one before, of samples.

    Args:
        audio: (samples, channels) or (batch, samples, channels).

    Example:
        >>> check_channels_last(np.zeros((1, 100, 2)))
    """
    samples, channels = audio.shape[-2:]
    if channels > samples:
        order, fix = "(samples, channels)", "audio.T"
        if audio.ndim == 3:
            order, fix = "(batch, samples, channels)", "audio.swapaxes(1, 2)"
        raise InputError(
            f"audio of shape {audio.shape} has {channels} channels of {samples} samples; channels come last: "
            f"give {order}, as by {fix}"
        )


def is_swapped(shape: tuple[int, ...]) -> bool:
    """Whether a shape is that of (samples, channels), which no (batch, samples) has.

    Example:
        >>> is_swapped((16000, 8)), is_swapped((8, 16000))
        (True, False)
    """
    return len(shape) == 2 and shape[1] <= _FEW_COLUMNS and shape[0] > max(_MANY_ROWS, shape[1])
