"""What makes a checkpoint directory whole: Keras's three files, and the sha256 that its card has of them."""

import hashlib
import json
from pathlib import Path

from zoo.errors import InputError

KERAS_FILES = ("config.json", "metadata.json", "model.weights.h5")


def sha256(path):
    """Hexadecimal sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(directory, card=None):
    """Check that a checkpoint's files are there and are those that its card tells of.

    Args:
        directory: of a checkpoint.
        card: facts with `files`, {name: sha256}; None reads the directory's own card.json, where it has one.

    Raises:
        InputError: a file is missing, or differs from the card's sha256.

    Example:
        >>> check("my-model/")
    """
    directory = Path(directory)
    for name in KERAS_FILES:
        if not (directory / name).is_file():
            raise InputError(f"{directory} has no {name}: get the checkpoint again.")
    if card is None:
        own = directory / "card.json"
        card = json.loads(own.read_text(encoding="utf-8")) if own.is_file() else {}
    for name, digest in card.get("files", {}).items():
        if not (directory / name).is_file():
            raise InputError(f"{directory} has no {name}: get the checkpoint again.")
        if sha256(directory / name) != digest:
            raise InputError(f"{directory / name} differs from the sha256 in its card: get it again.")
