"""What makes a checkpoint directory whole: Keras's three files, and the sha256 that its card has of them."""

import hashlib
from pathlib import Path

from zoo.errors import InputError

KERAS_FILES = ("config.json", "metadata.json", "model.weights.h5")
CHECKED_FILES = (*KERAS_FILES, "golden.npz")  # of which a card has the sha256


def sha256(path: str | Path) -> str:
    """Hexadecimal sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digests(directory: str | Path) -> dict[str, str]:
    """{name: sha256} of a checkpoint's files that are there, as its card's `files` holds them."""
    return {name: sha256(Path(directory) / name) for name in CHECKED_FILES if (Path(directory) / name).exists()}


def missing(directory: str | Path) -> list[str]:
    """Names of Keras's files that a directory lacks."""
    return [name for name in KERAS_FILES if not (Path(directory) / name).is_file()]


def check(directory: str | Path, card: dict | None) -> None:
    """Check that a checkpoint's files are there and are those of its card.

    Args:
        directory: of a checkpoint.
        card: facts with `files`, {name: sha256}; None where there is no card: the files need only be there then.

    Raises:
        InputError: a file is missing, or differs from the card's sha256.
    """
    directory = Path(directory)
    pinned = (card or {}).get("files", {})
    absent = missing(directory) + [name for name in pinned if not (directory / name).is_file()]
    if absent:
        raise InputError(f"{directory} has no {absent[0]}: get the checkpoint again.")
    for name, digest in pinned.items():
        if sha256(directory / name) != digest:
            raise InputError(f"{directory / name} differs from the sha256 in its card: get it again.")
