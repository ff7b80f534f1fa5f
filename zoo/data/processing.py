"""From public files to a file of the data folder: decoded, summed, cut, resampled, levelled, written and checked."""

import hashlib
import re
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr

from zoo.audio import io
from zoo.base.files import atomic_write
from zoo.data.manifest import Recording

# Talkers of the listening test that are left out: whoever trains on the answers can be judged on theirs.
HELD_BACK_TALKERS = ("f9", "f10", "m9", "m10")
SILENCE_DB = -200.0
_CLOSE_DB = 0.05  # of the level, where another version of a decoder rounds in another way


def make(recording: Recording, contents: list[bytes], path: Path) -> None:
    """Write a file of the data folder, whole or not at all.

    Args:
        recording: how to make it.
        contents: of `recording.sources`.
        path: file to write; its folder is made.

    Raises:
        InputError: a source cannot be decoded, or the file not be written.

    Example:
        >>> from zoo.data.manifest import recordings
        >>> make(recordings("rir")[0], [b"content of a WAV file"], Path("a.flac"))  # needs the source  # doctest: +SKIP
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if recording.sample_rate:
        _write_audio(path, recording, render(recording, contents))
        return
    (content,) = contents
    with atomic_write(path) as temporary:
        temporary.write_bytes(_without_held_back(content) if path.suffix == ".tsv" else content)


def _without_held_back(content):
    talker = re.compile(rf"_({'|'.join(HELD_BACK_TALKERS)})_".encode())
    return b"".join(line for line in content.splitlines(keepends=True) if not talker.search(line))


def render(recording: Recording, contents: list[bytes]) -> np.ndarray:
    """Samples of a recording, before they are rounded.

    Args:
        recording: how to make it; `channels` is not "".
        contents: of `recording.sources`.

    Returns:
        float64 (samples, channels).

    Raises:
        InputError: a source cannot be decoded.

    Example:
        >>> import dataclasses
        >>> from zoo.data.manifest import recordings
        >>> silence = dataclasses.replace(recordings("rir")[0], sources=(), start_s=0, seconds=0.5, gain_db=0)
        >>> render(silence, []).shape
        (8000, 1)
    """
    rate, audio = recording.sample_rate, np.zeros((0, 2 if recording.channels == "all" else 1))
    for source_rate, total in _sums_by_rate(recording, contents).items():
        audio = _sum(audio, _at_rate(recording, total, source_rate))
    start, samples = round(recording.start_s * rate) if recording.cut == "after" else 0, round(recording.seconds * rate)
    audio = audio[start : start + samples]
    audio = np.pad(audio, ((0, samples - len(audio)), (0, 0))) * 10 ** (recording.gain_db / 20)
    fade = round(recording.fade_s * rate)
    if fade:
        audio[-fade:] *= np.linspace(1, 0, fade)[:, None]
    return audio


def _sums_by_rate(recording, contents):
    """{rate: sum of the sources that have it}: resampling is what takes the time."""
    sums = {}
    for source, content in zip(recording.sources, contents, strict=True):
        audio, rate = _decode(source, content)
        sums[rate] = _sum(sums[rate], audio) if rate in sums else audio
    return sums


def _decode(name, content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"source{Path(name).suffix}")
        path.write_bytes(content)
        source = io.read_channels(path)
    return source.audio.astype(np.float64), source.sample_rate


def _at_rate(recording, audio, rate):
    """The channels that are wanted, at the rate that is wanted."""
    if recording.channels != "all":
        audio = audio[:, :1] if recording.channels == "first" else audio.mean(axis=1, keepdims=True)
    if recording.cut == "before":
        audio = audio[round(recording.start_s * rate) :]
    return audio if rate == recording.sample_rate else soxr.resample(audio, rate, recording.sample_rate, quality="VHQ")


def _sum(total, audio):
    """Sum of two recordings; the shorter is followed by silence."""
    if len(total) < len(audio):
        total, audio = audio, total
    total[: len(audio)] += audio
    return total


def _write_audio(path, recording, audio):
    """FLAC of 16 bits without dither, or Ogg Vorbis."""
    form = {"format": "OGG", "subtype": "VORBIS", "compression_level": 1 - recording.quality}
    if not recording.quality:
        form, audio = {"format": "FLAC", "subtype": "PCM_16"}, as_integers(audio)
    else:
        audio = audio.astype(np.float32)
    with (
        atomic_write(path) as temporary,
        soundfile.SoundFile(temporary, "w", recording.sample_rate, audio.shape[1], **form) as file,
    ):
        block = recording.block or max(len(audio), 1)
        for start in range(0, len(audio), block):
            file.write(audio[start : start + block])


def as_integers(audio: np.ndarray) -> np.ndarray:
    """Samples of 16 bits: rounded, and clipped at full scale.

    Args:
        audio: float in [-1, 1], any shape.

    Returns:
        int16 of that shape.

    Example:
        >>> as_integers(np.array([-1, 0.5, 1])).tolist()
        [-32768, 16384, 32767]
    """
    return np.clip(np.round(audio * 32768.0), -32768, 32767).astype("<i2")


def check(recording: Recording, path: Path) -> str:
    """Whether a file is the one that the manifest describes.

    Args:
        recording: the description.
        path: the file.

    Returns:
        "equal": sample for sample, or byte for byte; "close": of that length and within 0.05 dB of that level, as
        another version of a decoder or encoder gives it; "differs"; "missing".

    Example:
        >>> from zoo.data.manifest import recordings
        >>> check(recordings("rir")[0], Path("missing.flac"))
        'missing'
    """
    if not path.is_file():
        return "missing"
    if not recording.sample_rate:
        return "equal" if hashlib.sha256(path.read_bytes()).hexdigest() == recording.sha256 else "differs"
    try:
        audio, _ = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError:
        return "differs"
    samples = round(recording.seconds * recording.sample_rate)
    sha256, level = fingerprint(audio)
    if sha256 == recording.sha256:
        return "equal"
    return "close" if len(audio) == samples and abs(level - recording.rms_db) < _CLOSE_DB else "differs"


def fingerprint(audio: np.ndarray) -> tuple[str, float]:
    """What the manifest says of the samples of a recording.

    Args:
        audio: float (samples, channels).

    Returns:
        (sha256, level): of the samples as integers of 16 bits; and rms in dB re full scale, -200 for silence.

    Example:
        >>> fingerprint(np.zeros((100, 1)))[1]
        -200.0
    """
    power = np.mean(np.square(audio, dtype=np.float64))
    level = 10 * np.log10(power) if power else SILENCE_DB
    return hashlib.sha256(as_integers(audio).tobytes()).hexdigest(), round(float(max(level, SILENCE_DB)), 3)
