"""Numbers on recordings, to judge a source before it is used: level, noise floor, bandwidth, clipping, duplicates."""

from itertools import pairwise
from pathlib import Path

import numpy as np

from zoo.audio import io, walk
from zoo.base import tables
from zoo.errors import InputError

_FRAME_S = 0.032
_FLOOR_QUANTILE = 0.05
_BAND_DB = -50.0  # the loudest third-octave is 0
_CLIPPED = 0.999
_NEAR = 0.98  # correlation of two loudness contours that are one recording's
_CONTOUR = 64


def measure(audio: np.ndarray, sample_rate: int) -> dict[str, float]:
    """Numbers on one recording.

    Args:
        audio: float (samples,) in [-1, 1].
        sample_rate: Hz.

    Returns:
        {"seconds", "level_db": rms in dB re full scale, "floor_db": level of the quietest twentieth of its 32 ms
        frames, "bandwidth_hz": upper edge of the highest band within 50 dB of the loudest, "clipped": share of the
        samples at full scale}.

    Example:
        >>> tone = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)
        >>> numbers = measure(tone, 16000)
        >>> round(numbers["level_db"], 1), round(numbers["clipped"], 1)
        (-9.0, 0.0)
    """
    frames = _frames(audio, int(_FRAME_S * sample_rate))
    power = (frames**2).mean(axis=1)
    return {
        "seconds": len(audio) / sample_rate,
        "level_db": _db(np.mean(np.square(audio))),
        "floor_db": _db(np.quantile(power, _FLOOR_QUANTILE)),
        "bandwidth_hz": _bandwidth(frames, sample_rate),
        "clipped": float((np.abs(audio) >= _CLIPPED).mean()),
    }


def _frames(audio, length):
    audio = np.pad(audio, (0, max(0, length - len(audio))))
    return audio[: len(audio) // length * length].reshape(-1, length)


def _db(power):
    return float(10 * np.log10(max(float(power), 1e-20)))


def _bandwidth(frames, sample_rate):
    spectrum = (np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]))) ** 2).mean(axis=0)
    frequencies = np.fft.rfftfreq(frames.shape[1], 1 / sample_rate)
    edges = [edge for edge in 100 * 2 ** (np.arange(40) / 3) if edge < sample_rate / 2] + [sample_rate / 2]
    levels = [_db(spectrum[(low <= frequencies) & (frequencies <= high)].mean()) for low, high in pairwise(edges)]
    return float(edges[1:][np.flatnonzero(np.array(levels) > max(levels) + _BAND_DB)[-1]])


def duplicates(recordings: dict[str, np.ndarray]) -> list[tuple[str, str]]:
    """Pairs of recordings of one loudness contour.

    Args:
        recordings: {name: float (samples,)}. Their contours are compared in 64 parts from the start to the end, so
            that a resampled, levelled or coded copy is one, and another cut is not.

    Returns:
        list of (name, name of a later one).

    Example:
        >>> noise = np.random.default_rng(0).normal(size=6400) * np.repeat(np.arange(64), 100)
        >>> duplicates({"a": noise, "b": 0.1 * noise, "c": noise[::-1]})
        [('a', 'b')]
    """
    names = list(recordings)
    if len(names) < 2:
        return []
    alike = np.corrcoef([_contour(audio) for audio in recordings.values()]) > _NEAR
    return [(names[first], names[second]) for first, second in np.argwhere(np.triu(alike, 1))]


def _contour(audio):
    return [_db(np.mean(np.square(part)) if part.size else 0) for part in np.array_split(audio, _CONTOUR)]


def table(folder: Path | str) -> str:
    """Measures of the recordings in a folder and those below it, and the duplicates among them.

    Args:
        folder: of recordings, as `zoo.audio.walk.recordings` walks it; they are mixed to mono.

    Returns:
        lines of text: a table, and a line for each pair of duplicates.

    Raises:
        InputError: no recording is there, or one cannot be read.

    Example:
        >>> print(table(zoo.examples()["reference"].parent).splitlines()[0])
        file                   seconds  level_db  floor_db  bandwidth_hz  clipped
    """
    names = sorted(walk.recordings(folder)) if Path(folder).is_dir() else []
    if not names:
        raise InputError(f"{folder}: holds no recordings; name another folder")
    rows, contents = [], {}
    for name in names:
        audio, rate = io.read(Path(folder) / name, downmix=True)
        numbers = measure(audio, rate)
        rows.append([name, *(f"{value:.2f}" if key == "seconds" else f"{value:.4g}" for key, value in numbers.items())])
        contents[name] = audio
    lines = [f"the same recording: {first}, {second}" for first, second in duplicates(contents)]
    return "\n".join([tables.table(["file", *numbers], rows), *lines])
