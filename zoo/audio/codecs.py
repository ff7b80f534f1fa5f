"""Speech through lossy codecs, aligned with its input: those of libsndfile in memory, others by the program ffmpeg.

An ffmpeg's codec costs two processes, 0.1 s or more, where one of libsndfile costs 3 to 40 ms for a clip of 2.5 s.
"""

import io
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.signal
import soundfile

from zoo.errors import InputError


class Codec(NamedTuple):
    """A codec of libsndfile.

    Attributes:
        container, subtype: as soundfile names them.
        rate: Hz at which it codes; None for the speech's own.
    """

    container: str
    subtype: str
    rate: int | None


FEW = tuple(
    Codec(*codec)
    for codec in (
        ("MP3", "MPEG_LAYER_III", None), ("OGG", "VORBIS", None), ("OGG", "OPUS", None), ("OGG", "OPUS", 8000),
        ("WAV", "GSM610", 8000), ("WAV", "ULAW", 8000), ("WAV", "ULAW", None), ("WAV", "IMA_ADPCM", None),
        ("WAV", "IMA_ADPCM", 8000),
    )
)  # fmt: skip
ALL = FEW + tuple(
    Codec(*codec)
    for codec in (
        ("MP3", "MPEG_LAYER_III", 8000), ("OGG", "VORBIS", 8000), ("OGG", "OPUS", 24000), ("WAV", "ALAW", 8000),
        ("WAV", "MS_ADPCM", None), ("AU", "G721_32", 8000), ("AU", "G723_24", 8000), ("WAV", "NMS_ADPCM_16", 8000),
    )
)  # fmt: skip


class Program(NamedTuple):
    """A codec of ffmpeg.

    Attributes:
        encoder: its name there.
        written, read: formats of the stream, as written and as read.
        rate: Hz at which it codes.
        kbps: lowest and highest rate in kb/s, drawn evenly on a logarithmic scale.
    """

    encoder: str
    written: str
    read: str
    rate: int
    kbps: tuple[float, float]


PROGRAMS = (
    Program("aac", "adts", "aac", 16000, (10, 48)),
    Program("libspeex", "ogg", "ogg", 16000, (6, 28)),
    Program("libspeex", "ogg", "ogg", 8000, (4, 15)),
    Program("g722", "g722", "g722", 16000, (64, 64)),
    Program("g723_1", "g723_1", "g723_1", 8000, (6.3, 6.3)),
    Program("sbc", "sbc", "sbc", 16000, (48, 96)),
)


def code(speech: np.ndarray, sample_rate: int, rng: np.random.Generator, codecs: Sequence[Codec] = FEW) -> np.ndarray:
    """Encode and decode through one of libsndfile's lossy codecs, at a random quality, with its delay taken out.

    Args:
        speech: float (samples,), clipped to [-1, 1].
        sample_rate: in Hz.
        rng: NumPy generator of the codec and its quality.
        codecs: those to choose from: `FEW` or `ALL`.

    Returns:
        float32 (samples,).

    Example:
        >>> code(np.zeros(8000, "float32"), 16000, np.random.default_rng(0)).shape
        (8000,)
    """
    container, subtype, rate = codecs[rng.integers(len(codecs))]
    rate = rate or sample_rate
    signal = speech if rate == sample_rate else scipy.signal.resample_poly(speech, rate, sample_rate)
    level = {"compression_level": float(rng.uniform(0.0, 1.0))} if container in ("MP3", "OGG") else {}
    if container == "MP3":
        level["bitrate_mode"] = "CONSTANT"
    decoded, decoded_rate = encode_and_decode(signal, rate, container, subtype, **level)
    if decoded_rate != sample_rate:
        decoded = scipy.signal.resample_poly(decoded, sample_rate, decoded_rate)
    return align(decoded, speech)


def encode_and_decode(
    audio: np.ndarray, sample_rate: int, container: str, subtype: str, **options: object
) -> tuple[np.ndarray, int]:
    """Audio through a codec of libsndfile, its delay and length as they come.

    Args:
        audio: float (samples,) or (samples, channels), clipped to [-1, 1].
        sample_rate: in Hz.
        container, subtype: as soundfile names them.
        options: of `soundfile.write`, such as compression_level.

    Returns:
        float32 (samples,) or (samples, channels), and its rate in Hz.

    Example:
        >>> encode_and_decode(np.zeros(8000, "float32"), 16000, "WAV", "ULAW")[1]
        16000
    """
    buffer = io.BytesIO()
    soundfile.write(buffer, np.clip(audio, -1, 1), sample_rate, format=container, subtype=subtype, **options)
    buffer.seek(0)
    if container != "MP3":
        return soundfile.read(buffer, dtype="float32")
    # libsndfile 1.2.2 at times refuses an MP3 in memory that it reads from disk ("bad data offset").
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "coded.mp3"
        path.write_bytes(buffer.getvalue())
        return soundfile.read(path, dtype="float32")


def compression_level(value: float, worst: float, best: float) -> float:
    """libsndfile's compression level, 0 at the best value of a scale such as kb/s; it refuses 1 at times.

    Example:
        >>> compression_level(128, worst=0, best=256)
        0.5
    """
    return float(np.clip((best - value) / (best - worst), 0, 0.999))


def code_by_ffmpeg(
    speech: np.ndarray, sample_rate: int, rng: np.random.Generator, programs: Sequence[Program] = PROGRAMS
) -> np.ndarray:
    """As `code`, by one of ffmpeg's codecs that libsndfile lacks: AAC, Speex, G.722, G.723.1 or SBC.

    Args:
        speech: float (samples,), clipped to [-1, 1].
        sample_rate: in Hz.
        rng: NumPy generator of the codec and its bit rate.
        programs: those to choose from.

    Returns:
        float32 (samples,).

    Raises:
        InputError: ffmpeg is not installed, or not built with the codec.

    Example:
        >>> code_by_ffmpeg(speech, 16000, np.random.default_rng(0))  # needs ffmpeg  # doctest: +SKIP
    """
    program = programs[rng.integers(len(programs))]
    kbps = float(np.exp(rng.uniform(*np.log(program.kbps))))
    return encode_and_decode_by_ffmpeg(speech, sample_rate, program, kbps)


def encode_and_decode_by_ffmpeg(audio: np.ndarray, sample_rate: int, program: Program, kbps: float) -> np.ndarray:
    """Audio through one of ffmpeg's codecs, with its delay taken out.

    Args:
        audio: float (samples,) or (samples, channels), clipped to [-1, 1].
        sample_rate: in Hz.
        program: the codec.
        kbps: bit rate of all channels in kb/s.

    Returns:
        float32, of the same shape.

    Raises:
        InputError: ffmpeg is not installed, or not built with the codec.

    Example:
        >>> aac = Program("aac", "adts", "aac", 44100, (16, 256))
        >>> encode_and_decode_by_ffmpeg(song, 44100, aac, 96)  # needs ffmpeg  # doctest: +SKIP
    """
    channels = 1 if audio.ndim == 1 else audio.shape[1]
    plain = ["-f", "s16le", "-ar", str(sample_rate), "-ac", str(channels)]
    rate = ["-ar", str(program.rate), "-c:a", program.encoder, "-b:a", f"{1000 * kbps:.0f}", "-bitexact"]
    samples = np.round(32767 * np.clip(audio, -1, 1)).astype("<i2").tobytes()
    coded = _ffmpeg(program, samples, [*plain, "-i", "pipe:", *rate, "-f", program.written, "pipe:"])
    decoded = _ffmpeg(program, coded, ["-f", program.read, "-i", "pipe:", *plain, "pipe:"])
    decoded = np.frombuffer(decoded, "<i2").astype("float32") / 32767
    return align(decoded.reshape(-1, *audio.shape[1:]), audio)


def check_ffmpeg() -> None:
    """Raise an InputError where the program ffmpeg is not installed."""
    if shutil.which("ffmpeg") is None:
        raise InputError("these codecs need the program ffmpeg: install it, or, of a variety, leave ffmpeg-codecs out")


def _ffmpeg(program, data, arguments):
    """What ffmpeg writes to its output."""
    check_ffmpeg()
    command = ["ffmpeg", "-hide_banner", "-v", "error", "-nostdin", "-threads", "1", *arguments]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    if done.returncode or not done.stdout:
        says = done.stderr.decode(errors="replace").strip().splitlines() or ["it wrote nothing"]
        raise InputError(f"ffmpeg has no use of {program.encoder} ({says[0]}): of a variety leave ffmpeg-codecs out")
    return done.stdout


def align(signal: np.ndarray, reference: np.ndarray, max_lag: int = 4000) -> np.ndarray:
    """Shift `signal` by the lag (at most `max_lag` samples) where it correlates best, to the reference's length.

    Both are (samples,), or (samples, channels), of which all have one lag; any float.

    Example:
        >>> align(np.array([0, 0, 1, 2, 3], "float32"), np.array([1, 2, 3], "float32")).tolist()
        [1.0, 2.0, 3.0]
    """
    rows = (x.reshape(len(x), -1).T for x in (signal, reference))
    correlation = sum(scipy.signal.correlate(*pair, method="fft") for pair in zip(*rows, strict=True))
    lags = scipy.signal.correlation_lags(len(signal), len(reference))
    near = np.abs(lags) <= max_lag
    lag = int(lags[near][np.argmax(correlation[near])])
    shifted = signal[lag:] if lag > 0 else np.concatenate([np.zeros((-lag, *signal.shape[1:]), "float32"), signal])
    out = np.zeros(reference.shape, "float32")
    count = min(len(shifted), len(reference))
    out[:count] = shifted[:count]
    return out
