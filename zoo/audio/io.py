"""Reading, resampling and writing recordings; float32 in [-1, 1]."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile
import soxr

from zoo.audio import checks
from zoo.audio.blocks import open_audio, read_block
from zoo.base.files import atomic_write, check_output
from zoo.errors import InputError

# WAV keeps float32 bit for bit, FLAC knows integers only; other formats keep libsndfile's default.
_SUBTYPES = {"WAV": "FLOAT", "FLAC": "PCM_24"}
# Sub-types that keep the number of samples; ADPCM and GSM fill whole blocks.
_EXACT_LENGTH = {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "VORBIS", "OPUS"}
_SYSTEM_ERROR = 2  # libsndfile's code
_CHECKED_BLOCK = 2**19  # samples that are decoded at a time to count them
LOUDEST = 1 + 2**-15  # full scale and the last of 16 bits: what exceeds 1 by less is rounding, not clipping


@dataclass(frozen=True)
class Recording:
    """The content of an audio file.

    Attributes:
        audio: float32 `(samples, channels)` in [-1, 1].
        sample_rate: Hz.
        container: libsndfile's name, such as "WAV"; the suffix in capitals, such as "M4A", of what ffmpeg read.
        subtype: libsndfile's name, such as "PCM_16".
    """

    audio: np.ndarray
    sample_rate: int
    container: str
    subtype: str


def read(
    path: Path | str, sample_rate: int | None = None, resample: bool = False, downmix: bool = False
) -> tuple[np.ndarray, int]:
    """Read a recording (wav, flac, ogg, mp3, or what else libsndfile or the program ffmpeg can read) as mono.

    Args:
        path: audio file, or a pipe.
        sample_rate: required rate in Hz; None accepts the file's own.
        resample: whether to resample to `sample_rate` rather than refuse another rate.
        downmix: whether to average the channels rather than refuse more than one.

    Returns:
        (audio, rate): float32 `(samples,)` in [-1, 1], and its rate in Hz.

    Raises:
        InputError: missing, unreadable or empty file, NaN in it, more channels than one, or another rate.

    Example:
        >>> audio, rate = read(zoo.examples()["reference"], sample_rate=8000, resample=True)
        >>> audio.ndim, rate
        (1, 8000)
    """
    recording = read_channels(path)
    audio, rate = recording.audio, recording.sample_rate
    channels = audio.shape[1]
    if channels > 1 and not downmix:
        raise InputError(f"{path}: has {channels} channels, mono is needed; downmix it (--downmix, downmix=True)")
    wanted = sample_rate or rate
    return at_rate(path, audio.mean(axis=1), rate, wanted, resample), wanted


def at_rate(path: Path | str, audio: np.ndarray, rate: int, wanted: int, resample: bool) -> np.ndarray:
    """A recording at the rate that is wanted, as `read` gives it.

    Args:
        path: of the recording, for messages.
        audio: float32 `(..., samples)`.
        rate: its own, in Hz.
        wanted: rate in Hz.
        resample: whether to resample rather than refuse another rate.

    Returns:
        float32 `(..., samples at that rate)`.

    Raises:
        InputError: another rate, and not to be resampled.

    Example:
        >>> at_rate("a.wav", np.zeros(100, "float32"), 8000, 16000, resample=True).shape
        (200,)
    """
    if rate != wanted and not resample:
        raise InputError(f"{path}: is at {rate} Hz, {wanted} Hz is needed; resample it (--resample, resample=True)")
    return _resample(audio, rate, wanted)


def read_channels(path: Path | str) -> Recording:
    """Read a recording with all its channels, at its own rate; of any format that `read` takes.

    Args:
        path: audio file, or a pipe.

    Returns:
        `Recording`, of all samples that are in the file, whatever its header counts: see `zoo.audio.whole`.

    Raises:
        InputError: missing, unreadable or empty file, or NaN in it.

    Example:
        >>> recording = read_channels(zoo.examples()["reference"])
        >>> recording.audio.shape[1], recording.sample_rate, recording.subtype
        (1, 16000, 'PCM_16')
    """
    with open_audio(path) as file:
        audio = read_block(file)
        recording = Recording(audio, file.samplerate, file.format, file.subtype)
    if not audio.size:
        raise InputError(f"{path}: holds no samples; record it again")
    if not np.isfinite(audio).all():
        raise InputError(f"{path}: holds NaN or infinity; repair it")
    return recording


def resample(audio: np.ndarray, from_rate: float, to_rate: float) -> np.ndarray:
    """Resample with soxr at its highest quality, VHQ.

    Args:
        audio: float in [-1, 1], `(..., samples)`.
        from_rate: Hz of `audio`, any number above 0.
        to_rate: Hz of the result.

    Returns:
        float32 `(..., round(samples * to_rate / from_rate))`.

    Raises:
        InputError: a rate is no number above 0, or the audio is of integers or looks like (samples, channels).

    Example:
        >>> resample(np.zeros(48000, "float32"), 48000, 16000).shape
        (16000,)
    """
    audio = checks.as_floats(audio).astype(np.float32, copy=False)
    checks.check_samples_last(audio)
    from_rate, to_rate = checks.above_zero(from_rate), checks.above_zero(to_rate)
    if from_rate == to_rate:
        return audio
    if not audio.size:
        return audio
    rows = audio.reshape(-1, audio.shape[-1])
    resampled = np.stack([soxr.resample(row, from_rate, to_rate, quality="VHQ") for row in rows])
    return resampled.reshape(*audio.shape[:-1], -1)


_resample = resample  # `read` has an argument of that name


def write(
    path: Path | str,
    audio: np.ndarray,
    sample_rate: int,
    container: str | None = None,
    subtype: str | None = None,
    clip: bool = False,
    overwrite: bool = True,
) -> int:
    """Write a recording, whole or not at all.

    Args:
        path: audio file.
        audio: `(samples,)` or `(samples, channels)`, in [-1, 1].
        sample_rate: Hz.
        container, subtype: as for `create`.
        clip: whether to clip samples outside [-1, 1] rather than refuse them; float sub-types keep them.
        overwrite: whether a file that is there is replaced.

    Returns:
        int, how many samples were clipped.

    Raises:
        InputError: audio that is empty, not finite or beyond [-1, 1], or as `create`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write(f"{folder}/tone.wav", np.sin(np.arange(16000)), 16000)
        0
    """
    path, audio = Path(path), np.asarray(audio, dtype=np.float32)
    container, subtype = _format(path, container, subtype)
    if not audio.size or not np.isfinite(audio).all():
        raise InputError(f"{path}: the audio is empty or not finite; nothing was written")
    peak, clipped = np.abs(audio).max(), 0
    if peak > 1 and not clip:
        raise InputError(f"{path}: the audio peaks at {peak:.3f} and would clip; scale it into [-1, 1]")
    if peak > 1 and subtype not in ("FLOAT", "DOUBLE"):
        clipped = np.count_nonzero(np.abs(audio) > LOUDEST)
        audio = np.clip(audio, -1, 1)
    with create(path, sample_rate, audio[0].size, container, subtype, overwrite) as file:
        file.write(audio)
    return clipped


@contextmanager
def create(
    path: Path | str,
    sample_rate: int,
    channels: int,
    container: str | None = None,
    subtype: str | None = None,
    overwrite: bool = True,
) -> Iterator[soundfile.SoundFile]:
    """An audio file to write block by block: at the end of the block it is whole, or it is not there.

    It is read again once it is closed, since encoders say nothing of a disk that is full at their last page.

    Args:
        path: audio file.
        sample_rate: Hz.
        channels: how many.
        container: libsndfile's name, such as "WAVEX"; None takes the suffix of `path`: wav, flac, ogg, mp3.
        subtype: libsndfile's name, such as "PCM_16". None, and one that the container lacks or that would change the
            number of samples (ADPCM), means float32 for wav, 24 bit for flac, elsewhere libsndfile's choice.
        overwrite: whether a file that is there is replaced.

    Returns:
        context manager of a `soundfile.SoundFile`, to `write` float32 `(samples, channels)` in [-1, 1] to.

    Raises:
        InputError: unknown suffix, missing folder, what the container cannot hold, a disk that does not take all
            samples, or a file that is there and must stay.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with create(f"{folder}/tone.flac", 16000, channels=1) as file:
        ...         file.write(np.zeros(16000, "float32"))
        ...     len(read(f"{folder}/tone.flac")[0])
        16000
    """
    path = Path(path)
    container, subtype = _format(path, container, subtype)
    with atomic_write(path, overwrite) as temporary:
        name = os.fsencode(temporary)  # soundfile refuses text that is no UTF-8
        try:
            with soundfile.SoundFile(name, "w", sample_rate, channels, subtype, format=container) as file:
                yield file
                samples = file.frames
        except soundfile.LibsndfileError as error:
            raise unwritable(path, error, f" as {container} {subtype}") from error
        _check_whole(path, name, samples)


def _format(path, container, subtype):
    """Container and sub-type that a file is written in; `create` says how they are chosen."""
    container = container or container_of(path)
    exact = subtype in _EXACT_LENGTH and soundfile.check_format(container, subtype)
    return container, subtype if exact else subtype_of(container)


def _check_whole(path, name, samples):
    """Decode the file `name`, which is to become `path`, and count."""
    count = 0
    try:
        with soundfile.SoundFile(name) as file:
            while len(block := file.read(_CHECKED_BLOCK, dtype="float32")):
                count += len(block)
    except (soundfile.LibsndfileError, OSError) as error:
        raise InputError(f"{path}: was not written whole (it cannot be read again); is the disk full?") from error
    if count != samples:
        raise InputError(f"{path}: was not written whole ({count} of {samples} samples); is the disk full?")


def check_writable(
    path: Path | str,
    sample_rate: int,
    channels: int,
    container: str | None = None,
    subtype: str | None = None,
    parents: bool = False,
) -> None:
    """Refuse an audio file that cannot be written, before the work is done; nothing is left behind.

    Args:
        path, sample_rate, channels, container, subtype: as for `create`.
        parents: whether its folder may be missing, since it will be made.

    Raises:
        InputError: the file cannot be created there, or the container does not take the rate or the channels.

    Example:
        >>> check_writable("tone.mp3", 44100, channels=2)
        >>> check_writable("tone.mp3", 96000, channels=2)
        Traceback (most recent call last):
        zoo.errors.InputError: tone.mp3: cannot be written as MP3 MPEG_LAYER_III: MPEG-1/2/2.5 only supports ...
    """
    container, subtype = _format(path, container, subtype)
    check_output(path, parents)
    try:
        soundfile.SoundFile(BytesIO(), "w", sample_rate, channels, subtype, format=container).close()
    except soundfile.LibsndfileError as error:
        raise unwritable(path, error, f" as {container} {subtype}") from error


def unwritable(path: Path | str, error: soundfile.LibsndfileError, form: str = "") -> InputError:
    """What to raise where libsndfile cannot write a file: to `path`, in the form " as WAV FLOAT"."""
    reason = (
        "the disk refuses; is it full?" if error.code == _SYSTEM_ERROR else error.error_string.removeprefix("Error : ")
    )
    return InputError(f"{path}: cannot be written{form}: {reason}")


def container_of(path: Path | str) -> str:
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


def subtype_of(container: str) -> str:
    """The sub-type that a container is written in: float32 for WAV, 24 bit for FLAC, elsewhere libsndfile's choice.

    Example:
        >>> subtype_of("FLAC")
        'PCM_24'
    """
    return _SUBTYPES.get(container, soundfile.default_subtype(container))
