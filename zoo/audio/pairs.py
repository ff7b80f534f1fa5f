"""Pairs of a reference and a degraded recording: found in files, folders or a CSV, read at one rate, batched."""

import csv
from dataclasses import dataclass
from pathlib import Path

from zoo.audio.checks import padded
from zoo.errors import InputError

SUFFIXES = {".wav", ".flac", ".ogg", ".mp3"}


@dataclass(frozen=True)
class Pair:
    """Two recordings, the name to show for them, what is wrong where one is missing, and what else a CSV tells."""

    name: str
    reference: Path
    degraded: Path
    error: str = ""
    facts: tuple = ()


def find(reference, degraded=None):
    """Pairs of two files, of two folders by relative name, or of a CSV.

    Args:
        reference: recording, folder, or CSV with the columns `reference` and `degraded`, whose paths are
            relative to the CSV's folder.
        degraded: recording or folder; None with a CSV.

    Returns:
        list of `Pair`, one or more; a file that lacks its other half is a pair with an error.

    Raises:
        InputError: a file beside a folder, no recording found, or a CSV that cannot be used.

    Example:
        >>> pairs = find("clean/", "enhanced/")
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


def stream(path, facts=None):
    """Pairs of a CSV one at a time, however many it has.

    Args:
        path: CSV with the columns `reference` and `degraded`, whose paths are relative to its folder.
        facts: {column: text where a row has none}, what to keep as the `facts` of a pair, in this order.

    Yields:
        `Pair`; a row that lacks a path is one with an error.

    Raises:
        InputError: the CSV cannot be used; where it is read.

    Example:
        >>> next(stream("pairs.csv"))  # doctest: +SKIP
    """
    path = Path(path)
    for number, row in enumerate(_rows(path, ("reference", "degraded")), start=1):
        reference, degraded = row["reference"] or "", row["degraded"] or ""
        error = "" if reference and degraded else f"row {number} lacks its reference or degraded; fill it in"
        told = tuple(row.get(column) or usual for column, usual in (facts or {}).items())
        yield Pair(degraded or f"row {number}", path.parent / reference, path.parent / degraded, error, told)


def read(pair, rates=None, resample=False, downmix=False, pad=None, silent=False):
    """Both recordings of a pair, mono, at one rate.

    Args:
        pair: a `Pair`.
        rates: sample rates in Hz to choose from, the preferred one first; None takes the reference's own.
        resample: whether to resample rather than refuse another rate.
        downmix: whether to average the channels rather than refuse more than one.
        pad: whether to let the shorter recording end in digital silence rather than refuse two lengths; None
            refuses them and does not offer it.
        silent: whether to take digital silence rather than refuse it.

    Returns:
        (reference, degraded, rate): float32 `(samples,)` twice, and Hz.

    Raises:
        InputError: a recording cannot be used (see `zoo.audio.io.read`), is silent, or they differ in length.

    Example:
        >>> reference, degraded, rate = read(pair, rates=(16000,), resample=True)
    """
    # Late, so that the parser of a command line loads no audio library.
    from zoo.audio import io

    reference, own_rate = io.read(pair.reference, downmix=downmix)
    rate = own_rate if rates is None or own_rate in rates else rates[0]
    if rate != own_rate:
        reference, _ = io.read(pair.reference, rate, resample, downmix)
    degraded, _ = io.read(pair.degraded, rate, resample, downmix)
    if resample and abs(len(reference) - len(degraded)) == 1:
        # Files of one duration at two rates may round to lengths one sample apart.
        samples = min(len(reference), len(degraded))
        reference, degraded = reference[:samples], degraded[:samples]
    if pad:
        reference, degraded = padded(reference, degraded)
    if len(reference) != len(degraded):
        offer = "" if pad is None else ", or pad the shorter (--pad, pad=True)"
        raise InputError(
            f"{pair.reference} has {len(reference)} samples ({len(reference) / rate:.2f} s), {pair.degraded} "
            f"{len(degraded)} ({len(degraded) / rate:.2f} s); align and cut them to one length{offer}"
        )
    for path, audio in ((pair.reference, reference), (pair.degraded, degraded)):
        if not silent and not audio.any():
            raise InputError(f"{path}: is silent; use another recording")
    return reference, degraded, rate


def read_table(path, columns):
    """Rows of a CSV.

    Args:
        path: CSV in UTF-8, its first line the names of its columns.
        columns: those that must be there, a sequence of names.

    Returns:
        list of {column: text}, one or more.

    Raises:
        InputError: the file cannot be read, has no row, or lacks a column.

    Example:
        >>> rows = read_table("ratings.csv", ("file", "reference", "mos"))  # doctest: +SKIP
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
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read; give a CSV file in UTF-8") from error
    raise InputError(f"{path}: needs the columns {', '.join(columns[:-1])} and {columns[-1]}, and a row or more")


def _of_folders(reference, degraded):
    found = {folder: recordings(folder) for folder in (reference, degraded)}
    names = sorted(found[reference] | found[degraded])
    if not names:
        raise InputError(f"{reference} and {degraded} hold no {', '.join(sorted(SUFFIXES))} file; check the paths")
    pairs = []
    for name in names:
        lacking = [folder for folder in found if name not in found[folder]]
        error = f"{lacking[0] / name}: no such file; add it" if lacking else ""
        pairs.append(Pair(name, reference / name, degraded / name, error))
    return pairs


def recordings(folder):
    """Names of the wav, flac, ogg and mp3 files in a folder (`pathlib.Path`) and those in it, relative to it; a set."""
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return {file.as_posix() for file in files if not file.name.startswith(".")}
