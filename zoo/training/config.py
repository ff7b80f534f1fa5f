"""The TOML file of a training: its family, the fields of the family's recipe, and the words of the card."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from zoo.errors import InputError
from zoo.families import FAMILIES


@dataclass(frozen=True)
class Config:
    """A training's TOML file.

    Attributes:
        path: of the file.
        family: a name of `zoo.families.FAMILIES`.
        fields: {field of the family's recipe: value}.
        card: its [card] table, words for the checkpoint's card.

    Example:
        >>> config = Config("mine.toml", "texture", {"name": "mine", "epochs": 20}, {})
        >>> from zoo.texture.train import Recipe
        >>> config.recipe(Recipe, {"epochs": 3, "seed": None}).epochs
        3
    """

    path: Path | str
    family: str
    fields: dict
    card: dict

    def recipe(self, cls: type, changes: Mapping[str, Any] | None = None) -> Any:
        """The recipe that the file describes.

        Args:
            cls: dataclass of the recipe.
            changes: other values by name, such as options of a command line. What is None, or not a field of `cls`,
                changes nothing.

        Raises:
            InputError: the file has a field that `cls` lacks, or lacks one.
        """
        names = {field.name for field in fields(cls)}
        changes = {name: value for name, value in (changes or {}).items() if name in names and value is not None}
        try:
            return cls(**self.fields | changes)
        except TypeError as error:
            raise InputError(f"cannot read the recipe {self.path}: {error}") from None


def read_config(path: Path | str) -> Config:
    """Read a training's TOML file.

    Raises:
        InputError: the file cannot be read, or names no family of the zoo.
    """
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the recipe {path}: {error}") from None
    family, card = table.pop("family", None), table.pop("card", {})
    if family not in FAMILIES:
        raise InputError(f"{path} has family = {family!r}: write one of {', '.join(FAMILIES)}")
    return Config(path, family, table, card)


def read_recipe(cls: type, path: Path | str, changes: Mapping[str, Any] | None = None) -> Any:
    """The recipe of a TOML file, a dataclass `cls`; see `Config.recipe`.

    Raises:
        InputError: the file cannot be read, or does not fit `cls`.
    """
    return read_config(path).recipe(cls, changes)
