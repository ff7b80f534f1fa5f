"""The table of recordings in a data folder."""

import csv
from pathlib import Path

from zoo.errors import InputError


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
        raise InputError(f"no MANIFEST.csv in {data}: give the data folder by --data or ZOO_DATA")
    with open(path, newline="") as file:
        return list(csv.DictReader(file))
