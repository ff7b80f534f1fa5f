"""Reading recordings in blocks and in parts, float32 in [-1, 1]."""

import functools
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from zoo.audio.whole import WholeFile, open_whole, unreadable

_MP3_PREROLL = 11520  # samples, ten mp3 frames
# Sub-types of WAV that need no decoder: type of a sample, and the factor that makes full scale 1.
_UNCODED = {"PCM_16": (np.dtype("<i2"), np.float32(2**-15)), "FLOAT": (np.dtype("<f4"), np.float32(1))}


def open_audio(path: Path | str) -> WholeFile:
    """Open a recording, to read it block by block with `read_block`.

    Args:
        path: audio file, or a pipe.

    Returns:
        `WholeFile`, a `soundfile.SoundFile` and context manager, whose `frames` are those that are there.

    Raises:
        InputError: missing or unreadable file.

    Example:
        >>> with open_audio(zoo.examples()["reference"]) as file:
        ...     read_block(file, 1000).shape
        (1000, 1)
    """
    return open_whole(path)


def read_block(file: WholeFile, samples: int = -1) -> np.ndarray:
    """Read the next samples of an open recording.

    Args:
        file: as of `open_audio`.
        samples: how many; -1 for all that are left.

    Returns:
        float32 (samples, channels), fewer at the end of the file.

    Raises:
        InputError: the file ends in the middle of a block, or is damaged.

    Example:
        >>> with open_audio(zoo.examples()["reference"]) as file:
        ...     first, rest = read_block(file, 1000), read_block(file)
        >>> len(first) + len(rest) == file.frames
        True
    """
    # soundfile seeks after each read, and after a seek libsndfile's mp3 decoder first gives zeros: start earlier.
    preroll = min(file.tell(), _MP3_PREROLL) if file.format == "MP3" else 0
    try:
        if preroll:
            file.seek(-preroll, soundfile.SEEK_CUR)
        return file.read(samples if samples < 0 else samples + preroll, dtype="float32", always_2d=True)[preroll:]
    except (soundfile.LibsndfileError, OSError, ValueError) as error:  # ValueError: where nothing can seek
        raise unreadable(file.original) from error


def read_part(path: Path | str, start: int, samples: int) -> tuple[np.ndarray, int]:
    """Read a part of a recording: the fastest way to many short parts of long files.

    A WAV of 16 bits or float is read at the place of the part; any other file is opened and decoded from there. One whose
    header is wrong (see `zoo.audio.whole`) may be decoded completely at times: write it anew before training.

    Args:
        path: audio file.
        start: first sample, 0 or more.
        samples: how many.

    Returns:
        (audio, rate): float32 `(samples, channels)`, fewer at the end, and the file's rate in Hz.

    Raises:
        InputError: missing or unreadable file.

    Example:
        >>> audio, rate = read_part(zoo.examples()["reference"], 8000, 4000)
        >>> audio.shape, rate
        ((4000, 1), 16000)
    """
    status = os.stat(path) if os.path.isfile(path) else None
    layout = status and _layout_of(os.fspath(path), status.st_ino, status.st_mtime_ns, status.st_size)
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
    """Where the samples of a WAV begin (bytes), their type, and the factor that makes full scale 1."""

    offset: int
    dtype: np.dtype
    scale: np.float32
    frames: int
    channels: int
    sample_rate: int


@functools.lru_cache(4096)
def _layout_of(path, *_):
    """`_Layout` of a file, or None where its samples must be decoded; its inode, time and size are keys of the cache."""
    with open_audio(path) as file:
        kind = _UNCODED.get(file.subtype) if file.format in ("WAV", "WAVEX") and not file.is_copy else None
        with open(path, "rb") as raw:
            offset = _data_offset(raw) if kind else None
        return _Layout(offset, *kind, file.frames, file.channels, file.samplerate) if offset else None


def _data_offset(file):
    """Where the samples of an open RIFF file begin, in bytes; None for a big-endian one (RIFX)."""
    if file.read(12)[:4] != b"RIFF":
        return None
    while len(head := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            return file.tell()
        file.seek(size + size % 2, os.SEEK_CUR)
    return None
