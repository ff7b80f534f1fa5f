"""Pairs of a reference and a degraded recording, from files, folders or a CSV, and both read at one rate.

A recording alone is a pair without a reference.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.audio import walk
from zoo.audio.checks import padded
from zoo.errors import InputError


@dataclass(frozen=True)
class Pair:
    """Files of a reference and a degraded recording.

    Attributes:
        name: to show for the pair.
        reference, degraded: paths; the reference is None where the recording is alone.
        error: message if one is missing, else "".
        facts: further columns of a CSV, see `stream`.
    """

    name: str
    reference: Path | None
    degraded: Path
    error: str = ""
    facts: tuple = ()


def find(reference: Path | str, degraded: Path | str | None = None) -> list[Pair]:
    """Pairs of two files, of two folders by relative name, or of a CSV.

    Args:
        reference: recording, folder (see `zoo.audio.walk.recordings`), or CSV with the columns `reference` and
            `degraded`, whose paths are relative to the CSV's folder.
        degraded: recording or folder; None with a CSV.

    Returns:
        list of `Pair`, one or more; a file without a counterpart is a pair with an error.

    Raises:
        InputError: a file and a folder, no recording in the folders, or a CSV that cannot be used.

    Example:
        >>> files = zoo.examples()
        >>> [pair.name for pair in find(files["reference"].parent, files["reference"].parent)][:2]
        ['speech_degraded.flac', 'speech_enhanced.flac']
    """
    first = Path(reference)
    if degraded is None:
        if first.suffix.lower() != ".csv":
            raise InputError("give a degraded recording or folder too, or one CSV file")
        return list(stream(first))
    second = Path(degraded)
    if first.is_dir() and second.is_dir():
        return _of_folders(first, second)
    for one, other in ((first, second), (second, first)):
        if one.is_dir():
            raise InputError(f"{one} is a folder, {other} is not; give two recordings or two folders")
    return [Pair(str(degraded), first, second)]


def find_alone(recordings: Path | str) -> list[Pair]:
    """Pairs without references, of a recording, of those in a folder, or of a CSV.

    Args:
        recordings: recording, folder (see `zoo.audio.walk.recordings`), or CSV with the column `degraded`, whose paths are
            relative to the CSV's folder.

    Returns:
        list of `Pair`, one or more.

    Raises:
        InputError: no recording in the folder, or a CSV that cannot be used.

    Example:
        >>> [pair.reference for pair in find_alone(zoo.examples()["degraded"])]
        [None]
    """
    path = Path(recordings)
    if path.suffix.lower() == ".csv":
        return list(stream(path, references=False))
    if not path.is_dir():
        return [Pair(str(recordings), None, path)]
    names = sorted(walk.recordings(path))
    if not names:
        raise InputError(f"{path} holds no {walk.WANTED}; check the path")
    return [Pair(name, None, path / name) for name in names]


def stream(path: Path | str, facts: dict[str, str] | None = None, references: bool = True) -> Iterator[Pair]:
    """Pairs of a CSV, one at a time, so that it may have any number of rows.

    Args:
        path: CSV with the columns `reference` and `degraded`, whose paths are relative to its folder.
        facts: {column: text if a row has none}, columns to keep as the `facts` of a pair, in this order.
        references: whether there are any; without, the column `degraded` is enough.

    Yields:
        `Pair`; one with an error for a row that lacks a path.

    Raises:
        InputError: the CSV cannot be used; raised during iteration.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "pairs.csv")
        ...     _ = path.write_text("reference,degraded\\nclean.wav,noisy.wav\\n")
        ...     [pair.name for pair in stream(path)]
        ['noisy.wav']
    """
    path, columns = Path(path), ("reference", "degraded") if references else ("degraded",)
    for number, row in enumerate(_rows(path, columns), start=1):
        names = [row[column] or "" for column in columns]
        error = "" if all(names) else f"row {number} lacks its {' or '.join(columns)}; fill it in"
        values = tuple(row.get(column) or default for column, default in (facts or {}).items())
        reference = path.parent / names[0] if references else None
        yield Pair(names[-1] or f"row {number}", reference, path.parent / names[-1], error, values)


def read(
    pair: Pair,
    rates: Sequence[int] | None = None,
    resample: bool = False,
    downmix: bool = False,
    pad: bool | None = None,
    silent: bool = False,
    align: bool = False,
    channels: bool = False,
) -> tuple[np.ndarray | None, np.ndarray, int]:
    """Both recordings of a pair, at one rate, mono unless channels are asked for.

    Args:
        pair: a `Pair`.
        rates: sample rates in Hz to choose from, the preferred one first; None takes the reference's own, or that of a
            recording alone.
        resample: whether to resample rather than refuse another rate.
        downmix: whether to average the channels rather than refuse more than one.
        pad: whether to pad the shorter recording with zeros rather than refuse two lengths; None refuses them, with a
            message that does not offer padding.
        silent: whether to accept digital silence rather than refuse it.
        align: whether to shift the degraded recording by its delay and cut both to what they share
            (`zoo.audio.align`), which takes recordings of two lengths.
        channels: whether to read several channels as they are, where they are not averaged, rather than refuse them.

    Returns:
        (reference, degraded, rate): float32 `(samples,)` twice, and Hz; the reference is None where the pair has none.
        Several channels are `(samples, channels)`.

    Raises:
        InputError: a recording cannot be used (see `zoo.audio.io.read`), is silent, or they differ in length or channels.

    Example:
        >>> pair = Pair("speech", zoo.examples()["reference"], zoo.examples()["degraded"])
        >>> reference, degraded, rate = read(pair, rates=(16000,))
        >>> len(reference) == len(degraded), rate
        (True, 16000)
    """
    # Imported late, so that the parser of the command line loads no audio library.
    from zoo.audio import align as alignment
    from zoo.audio import io

    first = pair.degraded if pair.reference is None else pair.reference
    audio, own_rate = _read(first, downmix, channels)
    rate = own_rate if rates is None or own_rate in rates else rates[0]
    audio = io.at_rate(first, audio, own_rate, rate, resample)  # it may be a pipe, and is read once
    if pair.reference is None:
        _check_audible(first, audio, silent)
        return None, audio.T, rate
    reference, (degraded, degraded_rate) = audio, _read(pair.degraded, downmix, channels)
    degraded = io.at_rate(pair.degraded, degraded, degraded_rate, rate, resample)
    if reference.shape[:-1] != degraded.shape[:-1]:
        count, other = (1 if x.ndim == 1 else len(x) for x in (reference, degraded))
        raise InputError(
            f"{pair.reference} and {pair.degraded} differ in channels, {count} and {other}: downmix them (--downmix, "
            "downmix=True)"
        )
    lengths = [x.shape[-1] for x in (reference, degraded)]
    if resample and abs(lengths[0] - lengths[1]) == 1:
        # Files of one duration at two rates may round to lengths one sample apart.
        reference, degraded = (x[..., : min(lengths)] for x in (reference, degraded))
    if align:
        lag = alignment.find_lag_of_channels(reference, degraded, rate)
        reference, degraded = alignment.shared(reference, degraded, lag)
    if pad:
        reference, degraded = padded(reference, degraded)
    lengths = [x.shape[-1] for x in (reference, degraded)]
    if lengths[0] != lengths[1]:
        offer = "" if pad is None else ", or pad the shorter (--pad, pad=True)"
        raise InputError(
            f"{pair.reference} has {lengths[0]} samples ({lengths[0] / rate:.2f} s), {pair.degraded} "
            f"{lengths[1]} ({lengths[1] / rate:.2f} s); align and cut them to one length{offer}"
        )
    for path, audio in ((pair.reference, reference), (pair.degraded, degraded)):
        _check_audible(path, audio, silent)
    return reference.T, degraded.T, rate


def _read(path, downmix, channels):
    """A recording at its own rate, (samples,), or (channels, samples) where several are to be had; and that rate."""
    from zoo.audio import io

    if downmix or not channels:
        return io.read(path, downmix=downmix)
    recording = io.read_channels(path)
    return (recording.audio[:, 0] if recording.audio.shape[1] == 1 else recording.audio.T), recording.sample_rate


def _check_audible(path, audio, silent):
    if not silent and not audio.any():
        raise InputError(f"{path}: is silent; use another recording")


def read_table(path: Path | str, columns: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a CSV.

    Args:
        path: CSV in UTF-8, with the names of the columns in its first line.
        columns: names of required columns.

    Returns:
        list of {column: text}, one or more.

    Raises:
        InputError: the file cannot be read, has no row, or lacks a column.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "pairs.csv")
        ...     _ = path.write_text("reference,degraded\\nclean.wav,noisy.wav\\n")
        ...     read_table(path, ("reference", "degraded"))
        [{'reference': 'clean.wav', 'degraded': 'noisy.wav'}]
    """
    return list(_rows(path, columns))


def _rows(path, columns):
    """The rows of `read_table`, one at a time."""
    row = None
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                if not set(columns) <= row.keys():
                    break
                yield row
            else:
                if row:
                    return
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; check the path") from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read; give a CSV file in UTF-8") from error
    needed = f"columns {', '.join(columns[:-1])} and {columns[-1]}" if len(columns) > 1 else f"column {columns[0]}"
    raise InputError(f"{path}: needs the {needed}, and a row or more")


def _of_folders(reference, degraded):
    names_in = {folder: walk.recordings(folder) for folder in (reference, degraded)}
    names = sorted(names_in[reference] | names_in[degraded])
    empty = [str(folder) for folder in names_in if not names_in[folder]]
    if empty:  # one error rather than one for each file of the other
        hold = "holds" if len(empty) == 1 else "hold"
        raise InputError(f"{' and '.join(empty)} {hold} no {walk.WANTED}; check the path")
    pairs = []
    for name in names:
        missing = [folder for folder in names_in if name not in names_in[folder]]
        error = f"{missing[0] / name}: no such file; add it" if missing else ""
        pairs.append(Pair(name, reference / name, degraded / name, error))
    return pairs
