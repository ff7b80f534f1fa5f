"""What makes a checkpoint directory whole: Keras's three files, and their sha256, in its card or in checksums.json."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

from zoo.errors import InputError

KERAS_FILES = ("config.json", "metadata.json", "model.weights.h5")
PUBLISHED_FILES = (*KERAS_FILES, "golden.npz")  # that a published checkpoint must have
CHECKED_FILES = (*PUBLISHED_FILES, "model.onnx")  # of which a card has the sha256, where they are there
CHECKSUMS = "checksums.json"  # {name: sha256}, of a checkpoint that has no card
_HDF5 = b"\x89HDF\r\n\x1a\n"
# How files begin that stand in the place of another, and what they are.
_STAND_INS = {
    b"version https://git-lfs": "is a pointer of Git LFS: `git lfs pull` gets the file",
    b"<": "is a web page",
}


def sha256(path: str | Path) -> str:
    """Hexadecimal sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(directory: str | Path) -> dict[str, str]:
    """{name: sha256} of a checkpoint's files that are there, as its card's `files` holds them."""
    return {name: sha256(Path(directory) / name) for name in CHECKED_FILES if (Path(directory) / name).exists()}


def write_checksums(directory: str | Path) -> None:
    """Write checksums.json, for a checkpoint without a card: facts of its files alone make no card."""
    text = json.dumps(digests(directory), indent=2)
    (Path(directory) / CHECKSUMS).write_text(f"{text}\n", encoding="utf-8")


def pins(directory: str | Path, card: dict | None) -> dict[str, str]:
    """{name: sha256} that a checkpoint's files must have, of its card or its checksums.json; {} where it has neither.

    Raises:
        InputError: checksums.json is damaged.
    """
    if (card or {}).get("files"):
        return card["files"]
    directory = Path(directory)
    return read_json(directory, CHECKSUMS) if (directory / CHECKSUMS).is_file() else {}


def missing(directory: str | Path) -> list[str]:
    """Names of Keras's files that a directory lacks."""
    return [name for name in KERAS_FILES if not (Path(directory) / name).is_file()]


def check(directory: str | Path, card: dict | None) -> None:
    """Check that a checkpoint's files are there, and are those of its card or of its checksums.json.

    Files without a sha256, as those of a model that Keras itself has saved, need only be whole JSON, HDF5 and NumPy
    files, and no stand-in of an ONNX file: a download that was cut, a web page or a pointer of Git LFS is none.

    Args:
        directory: of a checkpoint.
        card: facts with `files`, {name: sha256}; None where there is no card.

    Raises:
        InputError: a file is missing, differs from its sha256, or is damaged.
    """
    directory = Path(directory)
    pinned = pins(directory, card)
    absent = missing(directory) + [name for name in pinned if not (directory / name).is_file()]
    if absent:
        raise InputError(f"{directory} has no {absent[0]}: get the checkpoint again.")
    where = "its card" if (card or {}).get("files") else CHECKSUMS
    for name in CHECKED_FILES:
        if name not in pinned and (directory / name).is_file():
            _check_form(directory, name)
    for name, digest in pinned.items():
        if sha256(directory / name) != digest:
            raise InputError(f"{directory / name} differs from the sha256 in {where}: get it again.")


def read_json(directory: str | Path, name: str) -> dict[str, Any]:
    """A JSON object among a checkpoint's files.

    Raises:
        InputError: it is damaged.
    """
    path = Path(directory) / name
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # of JSON and of UTF-8
        raise _damaged(path, _stand_in(path) or f"is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise _damaged(path, "is no JSON object")
    return content


def _check_form(directory, name):
    """Refuse a file that cannot be what its suffix says."""
    path = directory / name
    if path.suffix == ".json":
        read_json(directory, name)
    elif path.suffix == ".h5":
        _check_weights(path)
    elif path.suffix == ".npz" and not _is_whole_archive(path):
        raise _damaged(path, _stand_in(path) or "is no whole NumPy archive")
    elif path.suffix == ".onnx" and (stand_in := _stand_in(path)):  # onnxruntime refuses what is cut
        raise _damaged(path, stand_in)


def _check_weights(path):
    import h5py  # late: listing and describing checkpoints need no weights

    with open(path, "rb") as file:
        if file.read(len(_HDF5)) != _HDF5:
            raise _damaged(path, _stand_in(path) or "is no HDF5 file")
    try:
        h5py.File(path, "r").close()  # which compares the length with that in the header
    except OSError as error:
        raise _damaged(path, f"cannot be opened: {error}") from None


def _is_whole_archive(path):
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, EOFError):
        return False


def _stand_in(path):
    """What a file is that stands in the place of another; None where it is unknown."""
    with open(path, "rb") as file:
        head = file.read(64).lstrip()
    return next((kind for start, kind in _STAND_INS.items() if head.startswith(start)), None)


def _damaged(path, reason):
    return InputError(f"{path} is damaged, get it again: it {reason}")
