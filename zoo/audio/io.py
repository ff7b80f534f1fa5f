"""Reading, resampling and writing recordings; mono float32 in [-1, 1]."""

import os
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
import soxr

from zoo.errors import InputError

# WAV keeps float32 bit for bit, FLAC knows integers only; other formats keep libsndfile's default.
_SUBTYPES = {".wav": "FLOAT", ".flac": "PCM_24"}


def read(path, sample_rate=None, resample=False, downmix=False):
    """Read a recording (wav, flac, ogg, mp3) as mono.

    Args:
        path: audio file.
        sample_rate: Hz that the audio must have; None takes the file's own.
        resample: whether to resample to `sample_rate` rather than refuse another rate.
        downmix: whether to average the channels rather than refuse more than one.

    Returns:
        (audio, rate): float32 `(samples,)` in [-1, 1], and its rate in Hz.

    Raises:
        InputError: missing, unreadable or empty file, NaN in it, more channels than one, or another rate.

    Example:
        >>> audio, rate = read("speech.flac", sample_rate=16000, resample=True)
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    try:
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise InputError(f"{path}: cannot be read; give a wav, flac, ogg or mp3 file") from error
    if not audio.size:
        raise InputError(f"{path}: holds no samples; record it again")
    if not np.isfinite(audio).all():
        raise InputError(f"{path}: holds NaN or infinity; repair it")
    channels = audio.shape[1]
    if channels > 1 and not downmix:
        raise InputError(f"{path}: has {channels} channels, mono is needed; downmix it (--downmix, downmix=True)")
    audio = audio.mean(axis=1)
    if sample_rate is None or rate == sample_rate:
        return audio, rate
    if not resample:
        raise InputError(
            f"{path}: is at {rate} Hz, {sample_rate} Hz is needed; resample it (--resample, resample=True)"
        )
    return _resample(audio, rate, sample_rate), sample_rate


def resample(audio, from_rate, to_rate):
    """Resample with soxr at its highest quality, VHQ.

    Args:
        audio: float32, `(..., samples)`.
        from_rate: Hz of `audio`.
        to_rate: Hz of the result.

    Returns:
        float32 `(..., round(samples * to_rate / from_rate))`.

    Raises:
        InputError: a rate is not above 0.

    Example:
        >>> at_16k = resample(at_48k, 48000, 16000)
    """
    audio = np.asarray(audio, dtype=np.float32)
    if not (from_rate > 0 and to_rate > 0):
        raise InputError(f"cannot resample from {from_rate} to {to_rate} Hz; give rates above 0")
    if from_rate == to_rate:
        return audio
    rows = audio.reshape(-1, audio.shape[-1])
    resampled = np.stack([soxr.resample(row, from_rate, to_rate, quality="VHQ") for row in rows])
    return resampled.reshape(*audio.shape[:-1], -1)


_resample = resample  # `read` has an argument of that name


def write(path, audio, sample_rate):
    """Write a recording, whole or not at all.

    Args:
        path: audio file; its suffix names the format (wav: float32, flac: 24 bit, ogg, mp3).
        audio: `(samples,)` or `(samples, channels)`, in [-1, 1].
        sample_rate: Hz.

    Raises:
        InputError: unknown suffix, missing folder, or audio that is empty, not finite or beyond [-1, 1].

    Example:
        >>> write("enhanced.wav", audio, 16000)
    """
    path, audio = Path(path), np.asarray(audio, dtype=np.float32)
    container = path.suffix[1:].upper()
    if container not in soundfile.available_formats():
        raise InputError(f"{path}: unknown audio suffix; use .wav, .flac, .ogg or .mp3")
    if not audio.size or not np.isfinite(audio).all():
        raise InputError(f"{path}: the audio is empty or not finite; nothing was written")
    peak = np.abs(audio).max()
    if peak > 1:
        raise InputError(f"{path}: the audio peaks at {peak:.3f} and would clip; scale it into [-1, 1]")
    with replacing(path) as temporary:
        soundfile.write(temporary, audio, sample_rate, format=container, subtype=_SUBTYPES.get(path.suffix.lower()))


@contextmanager
def replacing(path):
    """A temporary path that becomes `path` at the end of the block, or vanishes if the block fails.

    Args:
        path: file to write; its folder must exist.

    Returns:
        context manager of the temporary `Path`, in the same folder.

    Raises:
        InputError: the folder does not exist.

    Example:
        >>> with replacing("scores.csv") as temporary:
        ...     temporary.write_text("reference,degraded")
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise InputError(f"{path}: its folder does not exist; make it first")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
