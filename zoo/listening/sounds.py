"""Recordings as browsers get them: read, checked, encoded, and stored by the hash of their content."""

import contextlib
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from scipy import signal
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from zoo.audio import io as audio_io
from zoo.errors import InputError
from zoo.listening.store import Sound

HEADPHONE_TONES = 6  # trials of the headphone screening, of which five must be right
_LOUD, _SOFT = 1.0, 10 ** (-30 / 20)  # gains of the two sounds that the volume is set by
_TONE_HZ, _TONE_S, _PAUSE_S, _RAMP_S = 200.0, 1.0, 0.5, 0.1
_LEVEL = 0.1  # rms of the tones
_SLOPE_HZ = 500.0  # of an anchor's filter


def read_alike(paths: Sequence[Path]) -> tuple[list[np.ndarray], int]:
    """Recordings that one switches between: of one sample rate, number of channels and length.

    Args:
        paths: files of any format that `zoo.audio.io.read` takes.

    Returns:
        recordings: float32 (samples, channels), one for each path.
        sample_rate: Hz.

    Raises:
        InputError: a file is missing or unreadable, or they differ; says which and how.

    Example:
        >>> recordings, rate = read_alike([zoo.examples()["reference"], zoo.examples()["mild"]])
        >>> recordings[0].shape == recordings[1].shape, rate
        (True, 16000)
    """
    first, *others = [audio_io.read_channels(path) for path in paths]
    for path, other in zip(paths[1:], others, strict=True):
        for name, one, two in (
            ("sample rate", f"{first.sample_rate} Hz", f"{other.sample_rate} Hz"),
            ("number of channels", first.audio.shape[1], other.audio.shape[1]),
            ("number of samples", len(first.audio), len(other.audio)),
        ):
            if one != two:
                raise InputError(f"{paths[0]} and {path} differ in their {name}, {one} and {two}; make them alike")
    return [first.audio, *(other.audio for other in others)], first.sample_rate


def add(session: Session, audio: np.ndarray, sample_rate: int) -> str:
    """Store a recording, once.

    Args:
        session: of `Store.write`.
        audio: float (samples,) or (samples, channels) in [-1, 1].
        sample_rate: Hz.

    Returns:
        The digest that it is stored by.

    Raises:
        InputError: audio beyond full scale.
    """
    data = encode(audio, sample_rate)
    digest = hashlib.sha256(data).hexdigest()
    if session.get(Sound, digest) is None:
        stored = Sound(digest=digest, audio=data, sample_rate=sample_rate, seconds=len(audio) / sample_rate)
        if session.get_bind().dialect.name == "sqlite":  # has one writer at a time; a full disk ends a savepoint too
            session.add(stored)
            session.flush()
        else:  # another server may store the same meanwhile
            with contextlib.suppress(IntegrityError), session.begin_nested():
                session.add(stored)
    return digest


def encode(audio: np.ndarray, sample_rate: int) -> bytes:
    """A recording as a WAV file of 16 bits, which every browser decodes to the sample.

    Args:
        audio: float (samples,) or (samples, channels) in [-1, 1].
        sample_rate: Hz.

    Returns:
        bytes; the same for the same audio.

    Raises:
        InputError: audio beyond full scale.

    Example:
        >>> len(encode(np.zeros(100), 16000))
        244
    """
    peak = np.abs(audio).max(initial=0.0)
    if peak > audio_io.LOUDEST:
        raise InputError(f"a recording peaks at {peak:.2f}, beyond full scale; scale it to 1 or less")
    file = io.BytesIO()
    soundfile.write(file, np.clip(audio, -1, 1), sample_rate, format="WAV", subtype="PCM_16")
    return file.getvalue()


def decode(data: bytes) -> tuple[np.ndarray, int]:
    """A stored recording.

    Returns:
        audio: float32 (samples, channels).
        sample_rate: Hz.

    Example:
        >>> decode(encode(np.zeros(100), 16000))[0].shape
        (100, 1)
    """
    return soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)


def loud_and_soft(audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What a listener sets the volume by: a recording as it is, and the same 30 dB softer.

    Example:
        >>> loud, soft = loud_and_soft(np.ones((100, 1), "float32"))
        >>> round(float(20 * np.log10(loud[0, 0] / soft[0, 0])))
        30
    """
    return _LOUD * audio, _SOFT * audio


def headphone_tones(softest: int, opposite: int, sample_rate: int) -> np.ndarray:
    """Three tones, of which one is 6 dB softer and another in opposite phase in the two ears.

    The headphone screening of Woods et al. 2017, "Headphone screening to facilitate web-based auditory experiments":
    from loudspeakers the tone in opposite phase cancels and sounds softest, from headphones it does not.

    Args:
        softest: place of the softer tone, 0..2, the right answer.
        opposite: place of the one in opposite phase, another one.
        sample_rate: Hz.

    Returns:
        float32 (samples, 2), tones of 1 s at 200 Hz with ramps of 0.1 s and pauses of 0.5 s.

    Example:
        >>> headphone_tones(0, 1, 16000).shape
        (64000, 2)
    """
    time = np.arange(round(_TONE_S * sample_rate)) / sample_rate
    ramp = np.clip(np.minimum(time, _TONE_S - time) / _RAMP_S, 0, 1)
    tone = _LEVEL * np.sqrt(2) * np.sin(2 * np.pi * _TONE_HZ * time) * ramp
    pause = np.zeros((round(_PAUSE_S * sample_rate), 2))
    parts = []
    for place in range(3):
        gain = 10 ** (-6 / 20) if place == softest else 1.0
        sides = np.array([1.0, -1.0 if place == opposite else 1.0])
        parts += [gain * tone[:, None] * sides, pause]
    return np.concatenate(parts[:-1]).astype("float32")


def low_passed(audio: np.ndarray, sample_rate: int, cutoff: float) -> np.ndarray:
    """An anchor of ITU-R BS.1534: a recording without what is above a frequency, in time with it.

    Args:
        audio: float (samples, channels).
        sample_rate: Hz.
        cutoff: Hz; 60 dB of attenuation from 500 Hz above it, which must be below half the sample rate.

    Returns:
        float32, the shape of `audio`.

    Example:
        >>> low_passed(np.ones((4000, 1)), 16000, 3500.0).shape
        (4000, 1)
    """
    taps, beta = signal.kaiserord(60, _SLOPE_HZ / (sample_rate / 2))
    window = signal.firwin(taps | 1, cutoff + _SLOPE_HZ / 2, window=("kaiser", beta), fs=sample_rate)
    filtered = signal.fftconvolve(audio, window[:, None], mode="full", axes=0)
    return np.clip(filtered[len(window) // 2 :][: len(audio)], -1, 1).astype("float32")
