"""Which checkpoints are bundled, and what a source string means. Imports no Keras backend."""

import difflib
import fnmatch
import os
from pathlib import Path

from zoo.checkpoint import hub, integrity
from zoo.checkpoint.card import read_card
from zoo.errors import InputError

_PACKAGE = Path(__file__).resolve().parents[1]


def root() -> Path:
    """Directory of the bundled checkpoints: inside an installed package, or at the top of a clone."""
    installed = _PACKAGE / "_checkpoints"
    return installed if installed.is_dir() else _PACKAGE.parent / "checkpoints"


def names(pattern: str = "*") -> list[str]:
    """Names of the bundled checkpoints that match a shell pattern, sorted.

    Args:
        pattern: Shell pattern, such as "quality-net*".

    Returns:
        List of names.

    Example:
        >>> names("quality-net-lite-stoi*")
        ['quality-net-lite-stoi-16k']
    """
    return sorted(fnmatch.filter((card.parent.name for card in root().glob("*/card.json")), pattern))


def resolve(source: str | os.PathLike, offline: bool = False) -> Path:
    """Directory that a source means; a checkpoint of the Hub is downloaded if it is not in the cache.

    A bundled name whose card has `hub`, {"repository", "revision"}, and whose weights are not bundled, means that
    revision, and its files must match the sha256 of the bundled card.

    Args:
        source: A bundled name, "hf://org/name" or "hf://org/name@revision", or a directory: a string with a slash
            ("my-model/") or a pathlib.Path.
        offline: Use the cache only for a checkpoint of the Hub.

    Returns:
        Path of a directory with a config.json.

    Raises:
        InputError: The source is unknown, ambiguous or of another scheme, or as `zoo.checkpoint.hub.fetch`.

    Example:
        >>> resolve("quality-net-lite-pesq-wb-16k").name
        'quality-net-lite-pesq-wb-16k'
    """
    directory, _ = _locate(source, offline)
    return directory


def checked(source: str | os.PathLike, offline: bool = False) -> Path:
    """The same directory; its files are whole, and each was read for that once.

    Args:
        source, offline: As for `resolve`.

    Returns:
        Path of a directory that `integrity.check` passes.

    Raises:
        InputError: As for `resolve`, or a file is missing or damaged.

    Example:
        >>> checked("quality-net-lite-pesq-wb-16k").name
        'quality-net-lite-pesq-wb-16k'
    """
    directory, is_checked = _locate(source, offline)
    if not is_checked:
        integrity.check(directory, read_card(directory))
    return directory


def _locate(source, offline):
    """(directory, whether its files have been checked): those of the Hub are, whenever they are fetched."""
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"A source is a bundled name, hf://org/name or a directory, not a {type(source).__name__}.")
    text = os.fspath(source)
    if text.startswith(hub.SCHEME):
        return hub.fetch(*hub.parse(text), offline), True
    if "://" in text:
        raise InputError(f"{text!r}: give a bundled name, hf://org/name, or a directory; download others first.")
    if isinstance(source, os.PathLike) or "/" in text:
        if not (Path(text) / "config.json").is_file():
            raise InputError(f"{text!r} is no saved model: it has no config.json.")
        return Path(text), False
    return _weights(_bundled(text), offline)


def source_of(directory: str | os.PathLike) -> str:
    """The source string of a checkpoint directory: its name where it is a bundled one, else its path with a slash.

    Example:
        >>> source_of(root() / "jnd-22k"), source_of("my/metric")
        ('jnd-22k', 'my/metric/')
    """
    directory = Path(directory)
    return directory.name if directory.resolve().parent == root().resolve() else f"{directory}/"


def info(source: str | os.PathLike) -> dict:
    """The card of a checkpoint, read anew at each call; a checkpoint of the Hub is downloaded whole.

    Args:
        source: As for `resolve`.

    Returns:
        Dict of the checkpoint's facts.

    Raises:
        InputError: As for `resolve`, or there is no card.

    Example:
        >>> info("quality-net-lite-pesq-wb-16k")["sample_rate"]
        16000
    """
    bundled = isinstance(source, str) and source in names()
    card = read_card(_bundled(source) if bundled else resolve(source))
    if card is None:
        raise InputError(f"{os.fspath(source)!r} has no card.json: it was saved without one.")
    return card


def model_class(source: str | os.PathLike) -> str:
    """Full name of the class that a checkpoint's config.json holds, without importing it.

    Args:
        source: As for `resolve`.

    Returns:
        Module and class, joined by a dot.

    Raises:
        InputError: As for `resolve`.

    Example:
        >>> model_class("quality-net-lite-pesq-wb-16k")
        'zoo.quality_net.model.QualityNetLite'
    """
    config = integrity.read_json(resolve(source), "config.json")
    return f"{config['module']}.{config['class_name']}"


def _weights(directory, offline):
    """`_locate` of a bundled checkpoint: that of its repository where the weights are not bundled."""
    if (directory / "config.json").is_file():
        return directory, False
    card = read_card(directory)
    if "hub" not in card:
        raise InputError(f"{directory} has no config.json: install the zoo again.")
    return hub.fetch(card["hub"]["repository"], card["hub"]["revision"], offline, card), True


def _bundled(name):
    known = names()
    directory, local = root() / name, Path(name)
    if name in known:
        if local.is_dir() and not local.samefile(directory):
            raise InputError(
                f"{name!r} is a bundled checkpoint and also a directory here: "
                f"write './{name}/' for the directory, or rename it for the bundled one."
            )
        return directory
    if name and local.is_dir():
        raise InputError(f"Unknown checkpoint {name!r}; for the directory write './{name}/'.")
    close = difflib.get_close_matches(name, known)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else "zoo.list() names the bundled ones."
    raise InputError(f"Unknown checkpoint {name!r}; {hint}")
