"""The table of recordings in a data folder, and the tables of public recordings that such a folder is made from."""

import csv
from dataclasses import dataclass, fields
from pathlib import Path

from zoo.errors import InputError

# Raised when rows are added, removed or made in another way; `Recording.version` is the first that has the row.
VERSION = 3
KINDS = ("speech", "noise", "rir", "textures", "scores", "music", "judgments")
VERSION_FILE = "VERSION"
_FOLDER = Path(__file__).resolve().parent / "manifests"
_SEPARATOR = "|"  # of several paths or blobs in one cell


@dataclass(frozen=True)
class Recording:
    """A file of the data folder: what it holds, the public files that it is made from, and how.

    Attributes:
        path: in the data folder.
        kind: one of `KINDS`.
        label: talker, class of noise or texture, or room; "" for music.
        sex: of the talker: "F", "M", "?" or "".
        split: "train", "validation", "test" or "test2"; "" where a recipe chooses.
        repository: OWNER/NAME on GitHub.
        commit: that has the files.
        sources: paths in the repository, whose sum is taken; none for silence.
        blobs: git's names of their contents, in the same order.
        licence, attribution, notes: text.
        channels: "mean" of all, "first", or "all"; "" for a copy of the bytes.
        cut: "before" resampling, or "after" it.
        start_s, seconds: of the cut.
        gain_db: applied after the cut.
        fade_s: length of a linear fade at the end.
        sample_rate: Hz; 0 for a copy.
        quality: of Ogg Vorbis, 0..1; 0 for FLAC and copies.
        block: samples that the Vorbis encoder gets at a time, since its choices depend on how many it starts with, and
            libsndfile fails on minutes at once; 0 for all.
        rms_db: of the samples, in dB re full scale; -200 for silence.
        sha256: of the samples as little-endian 16-bit integers, channels interleaved; of the bytes of a copy.
        version: of the manifest that first had it.
    """

    path: str
    kind: str
    label: str
    sex: str
    split: str
    repository: str
    commit: str
    sources: tuple[str, ...]
    blobs: tuple[str, ...]
    licence: str
    attribution: str
    notes: str
    channels: str
    cut: str
    start_s: float
    seconds: float
    gain_db: float
    fade_s: float
    sample_rate: int
    quality: float
    block: int
    rms_db: float
    sha256: str
    version: int


_PARSERS = {
    int: lambda text: int(text or 0),
    float: lambda text: float(text or 0),
    str: str,
    tuple[str, ...]: lambda text: tuple(filter(None, text.split(_SEPARATOR))),
}


def recordings(kind: str | None = None, version: int = VERSION) -> list[Recording]:
    """What the data folder is made from.

    Args:
        kind: one of `KINDS`; None for all.
        version: of the manifest: rows that a later one added are left out.

    Returns:
        list of `Recording`, in the order of the data folder's MANIFEST.csv.

    Raises:
        InputError: unknown kind or version.

    Example:
        >>> rooms = recordings("rir", version=1)
        >>> len(rooms), rooms[0].sample_rate
        (7, 16000)
    """
    if kind is not None and kind not in KINDS:
        raise InputError(f"no kind of recordings {kind!r}: use {', '.join(KINDS)}")
    if not 1 <= version <= VERSION:
        raise InputError(f"no version {version} of the manifest: use 1 to {VERSION}")
    rows = [row for name in ((kind,) if kind else KINDS) for row in _read(_FOLDER / f"{name}.csv")]
    return [row for row in rows if row.version <= version]


def _read(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [_parse(row) for row in csv.DictReader(file)]


def _parse(row):
    return Recording(**{field.name: _PARSERS[field.type](row[field.name]) for field in fields(Recording)})


def write_recordings(path: Path | str, rows: list[Recording]) -> None:
    """Write a table that `recordings` reads.

    Args:
        path: CSV file.
        rows: list of `Recording`.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_recordings(f"{folder}/rir.csv", recordings("rir"))
        ...     _read(f"{folder}/rir.csv") == recordings("rir")
        True
    """
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(field.name for field in fields(Recording))
        table.writerows([_text(getattr(row, field.name)) for field in fields(Recording)] for row in rows)


def _text(value):
    if isinstance(value, tuple):
        return _SEPARATOR.join(value)
    return "" if value == 0 else str(value)


def read_manifest(data: Path | str) -> list[dict[str, str]]:
    """Rows of MANIFEST.csv, one for each recording.

    Args:
        data: folder of MANIFEST.csv and the recordings.

    Returns:
        list of {column: text}; `path` is relative to the folder.

    Raises:
        InputError: no MANIFEST.csv in the folder.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as data:
        ...     _ = pathlib.Path(data, "MANIFEST.csv").write_text("path,split\\nnoise/rain.flac,train\\n")
        ...     read_manifest(data)
        [{'path': 'noise/rain.flac', 'split': 'train'}]
    """
    path = Path(data) / "MANIFEST.csv"
    if not path.is_file():
        raise InputError(
            f"no MANIFEST.csv in {data}: give the data folder by --data or ZOO_DATA; "
            "`python tools/prepare_data.py DIR` makes one"
        )
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def version_of(data: Path | str) -> str:
    """Version of the manifest that a data folder was made from, in words for a card.

    Args:
        data: folder of MANIFEST.csv.

    Returns:
        str, such as "manifest version 3"; "" for a folder that `tools/prepare_data.py` did not make.

    Example:
        >>> version_of("folder/that/is/not/there")
        ''
    """
    path = Path(data) / VERSION_FILE
    return f"manifest version {path.read_text().strip()}" if path.is_file() else ""
