"""Reading, resampling and writing recordings; float32 in [-1, 1]."""

import functools
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from zoo.errors import InputError
from zoo.files import atomic_write

# WAV keeps float32 bit for bit, FLAC knows integers only; other formats keep libsndfile's default.
_SUBTYPES = {"WAV": "FLOAT", "FLAC": "PCM_24"}
# Sub-types that keep the number of samples; ADPCM and GSM fill whole blocks.
_KEPT = {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "VORBIS", "OPUS"}
_MP3_LEAD = 11520  # samples, ten mp3 frames
# Samples that lie in a WAV as they are, and what makes full scale 1.
_UNCODED = {"PCM_16": (np.dtype("<i2"), np.float32(2**-15)), "FLOAT": (np.dtype("<f4"), np.float32(1))}
LOUDEST = 1 + 2**-15  # full scale and the last bit of 16: less than that beyond 1 is rounding


@dataclass(frozen=True)
class Recording:
    """What a file holds: float32 `(samples, channels)`, Hz, and libsndfile's names of its container and sub-type."""

    audio: np.ndarray
    sample_rate: int
    container: str
    subtype: str


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
    recording = read_channels(path)
    audio, rate = recording.audio, recording.sample_rate
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


def read_channels(path):
    """Read a recording (wav, flac, ogg, mp3) with all its channels, at its own rate.

    Args:
        path: audio file.

    Returns:
        `Recording`.

    Raises:
        InputError: missing, unreadable or empty file, or NaN in it.

    Example:
        >>> left = read_channels("stereo.wav").audio[:, 0]
    """
    with open_audio(path) as file:
        audio = read_block(file)
        recording = Recording(audio, file.samplerate, file.format, file.subtype)
    if not audio.size:
        raise InputError(f"{path}: holds no samples; record it again")
    if not np.isfinite(audio).all():
        raise InputError(f"{path}: holds NaN or infinity; repair it")
    return recording


def open_audio(path):
    """A recording opened for reading part by part, with `read_block`.

    Args:
        path: audio file (wav, flac, ogg, mp3).

    Returns:
        `soundfile.SoundFile`, a context manager.

    Raises:
        InputError: missing or unreadable file.

    Example:
        >>> with open_audio("song.flac") as file:  # doctest: +SKIP
        ...     first = read_block(file, 44100)
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    try:
        return soundfile.SoundFile(os.fsencode(path))  # soundfile refuses text that is no UTF-8
    except (soundfile.LibsndfileError, OSError, TypeError) as error:  # TypeError: .raw, which has no header
        raise _unreadable(path) from error


def read_block(file, samples=-1):
    """The next samples of an opened recording, float32 (samples, channels); fewer at its end, all where it says -1.

    Raises:
        InputError: the file breaks off in the middle.
    """
    # soundfile seeks after each read, and after a seek libsndfile's mp3 decoder gives zeros at first.
    lead = min(file.tell(), _MP3_LEAD) if file.format == "MP3" else 0
    try:
        if lead:
            file.seek(-lead, soundfile.SEEK_CUR)
        return file.read(samples if samples < 0 else samples + lead, dtype="float32", always_2d=True)[lead:]
    except (soundfile.LibsndfileError, OSError) as error:
        raise _unreadable(os.fsdecode(file.name)) from error


def read_part(path, start, samples):
    """Read a part of a recording: the fastest way to many short parts of long files.

    Of a WAV of 16 bits or float the part is all that is touched; any other file is opened anew, and sought.

    Args:
        path: audio file.
        start: first sample, 0 or more.
        samples: how many.

    Returns:
        (audio, rate): float32 `(samples, channels)`, fewer past the end, and the file's rate in Hz.

    Raises:
        InputError: missing or unreadable file.

    Example:
        >>> audio, rate = read_part("song/vocals.wav", 44100, 8448)  # doctest: +SKIP
    """
    about = os.stat(path) if os.path.isfile(path) else None
    layout = about and _layout_of(os.fspath(path), about.st_ino, about.st_mtime_ns, about.st_size)
    if not layout:
        with open_audio(path) as file:
            file.seek(min(start, file.frames))
            return read_block(file, samples), file.samplerate
    values = max(min(samples, layout.frames - start), 0) * layout.channels
    place = layout.offset + start * layout.channels * layout.dtype.itemsize
    audio = np.fromfile(path, layout.dtype, values, offset=place).reshape(-1, layout.channels)
    return np.multiply(audio, layout.scale, dtype=np.float32), layout.sample_rate


@dataclass(frozen=True)
class _Layout:
    """Where the samples of a WAV lie, and what full scale is to be multiplied with."""

    offset: int
    dtype: np.dtype
    scale: np.float32
    frames: int
    channels: int
    sample_rate: int


@functools.lru_cache(4096)
def _layout_of(path, *_):
    """`_Layout` of a file as it was when it was looked at, or None where its samples must be decoded."""
    with open_audio(path) as file:
        kind = _UNCODED.get(file.subtype) if file.format in ("WAV", "WAVEX") else None
        with open(path, "rb") as raw:
            offset = _data_offset(raw) if kind else None
        return _Layout(offset, *kind, file.frames, file.channels, file.samplerate) if offset else None


def _data_offset(file):
    """Where the samples of an opened RIFF file begin; None for one of another order of bytes, RIFX."""
    if file.read(12)[:4] != b"RIFF":
        return None
    while len(head := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            return file.tell()
        file.seek(size + size % 2, os.SEEK_CUR)
    return None


def _unreadable(path):
    return InputError(f"{path}: cannot be read; give a wav, flac, ogg or mp3 file")


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
    if not audio.size:
        return audio
    rows = audio.reshape(-1, audio.shape[-1])
    resampled = np.stack([soxr.resample(row, from_rate, to_rate, quality="VHQ") for row in rows])
    return resampled.reshape(*audio.shape[:-1], -1)


_resample = resample  # `read` has an argument of that name


def write(path, audio, sample_rate, container=None, subtype=None, clip=False):
    """Write a recording, whole or not at all.

    Args:
        path: audio file.
        audio: `(samples,)` or `(samples, channels)`, in [-1, 1].
        sample_rate: Hz.
        container: libsndfile's name, such as "WAVEX"; None takes the suffix of `path`: wav, flac, ogg, mp3.
        subtype: libsndfile's name, such as "PCM_16". None, and one that the container lacks or that would change the
            number of samples (ADPCM), means float32 for wav, 24 bit for flac, elsewhere libsndfile's choice.
        clip: whether to clip what lies beyond [-1, 1] rather than refuse it; float sub-types keep it.

    Returns:
        int, how many samples were clipped.

    Raises:
        InputError: unknown suffix, missing folder, audio that is empty, not finite or beyond [-1, 1], or what the
            container cannot hold.

    Example:
        >>> write("enhanced.wav", audio, 16000)
        0
    """
    path, audio = Path(path), np.asarray(audio, dtype=np.float32)
    container = container or container_of(path)
    if subtype not in _KEPT or not soundfile.check_format(container, subtype):
        subtype = subtype_of(container)
    if not audio.size or not np.isfinite(audio).all():
        raise InputError(f"{path}: the audio is empty or not finite; nothing was written")
    peak, clipped = np.abs(audio).max(), 0
    if peak > 1 and not clip:
        raise InputError(f"{path}: the audio peaks at {peak:.3f} and would clip; scale it into [-1, 1]")
    if peak > 1 and subtype not in ("FLOAT", "DOUBLE"):
        clipped = np.count_nonzero(np.abs(audio) > LOUDEST)
        audio = np.clip(audio, -1, 1)
    with atomic_write(path) as temporary:
        try:
            soundfile.write(temporary, audio, sample_rate, format=container, subtype=subtype)
        except soundfile.LibsndfileError as error:
            raise InputError(f"{path}: cannot be written as {container} {subtype}: {error.error_string}") from error
    return clipped


def container_of(path):
    """The container that a suffix names.

    Args:
        path: audio file, which need not exist.

    Returns:
        libsndfile's name: "WAV", "FLAC", "OGG", "MP3" ...

    Raises:
        InputError: unknown suffix.

    Example:
        >>> container_of("speech.flac")
        'FLAC'
    """
    container = Path(path).suffix[1:].upper()
    if container not in soundfile.available_formats():
        raise InputError(f"{path}: unknown audio suffix; use .wav, .flac, .ogg or .mp3")
    return container


def subtype_of(container):
    """The sub-type that a container is written in: float32 for WAV, 24 bit for FLAC, elsewhere libsndfile's choice.

    Example:
        >>> subtype_of("FLAC")
        'PCM_24'
    """
    return _SUBTYPES.get(container, soundfile.default_subtype(container))
