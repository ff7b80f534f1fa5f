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


def read_card(directory):
    """A checkpoint's card, a dict; None where there is none.

    Raises:
        InputError: it is not a JSON object.
    """
    path = Path(directory) / "card.json"
    if not path.is_file():
        return None
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}): get the checkpoint again.") from None
    if not isinstance(card, dict) or not isinstance(card.get("files", {}), dict):
        raise InputError(f"{path} is no card: get the checkpoint again.")
    return card


def missing(directory):
    """Those of Keras's files that a directory lacks, a list of names."""
    return [name for name in KERAS_FILES if not (Path(directory) / name).is_file()]


def check(directory, card=None):
    """Check that a checkpoint's files are there and are those that its card tells of.

    Args:
        directory: of a checkpoint.
        card: facts with `files`, {name: sha256}; None reads the directory's own card.json. Without one, the files need
            only be there.

    Raises:
        InputError: a file is missing, or differs from the card's sha256.

    Example:
        >>> check("my-model/")
    """
    directory = Path(directory)
    card = read_card(directory) if card is None else card
    pinned = (card or {}).get("files", {})
    absent = missing(directory) + [name for name in pinned if not (directory / name).is_file()]
    if absent:
        raise InputError(f"{directory} has no {absent[0]}: get the checkpoint again.")
    for name, digest in pinned.items():
        if sha256(directory / name) != digest:
            raise InputError(f"{directory / name} differs from the sha256 in its card: get it again.")
