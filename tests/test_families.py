"""The rows of families: each has its modules."""

import dataclasses

import pytest

from tests.support.harness import REPOSITORY
from zoo.families import FAMILIES, Family


@pytest.mark.parametrize("name", FAMILIES)
def test_a_row_is_a_folder_with_its_modules(name):
    family = FAMILIES[name]
    assert family.name == name and family.title and family.score
    card = family.module("card")
    for function in ("facts", "papers", "usage", "evaluation", "headlines", "summary"):
        assert callable(getattr(card, function)), function
    for module in ("model", "train", "report"):
        assert (REPOSITORY / "zoo" / name / f"{module}.py").is_file()


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family.loss])
def test_the_loss_of_a_row_is_a_class(name):
    assert isinstance(getattr(FAMILIES[name].module("loss"), FAMILIES[name].loss), type)


def test_every_folder_with_a_card_module_has_a_row():
    assert {path.parent.name for path in (REPOSITORY / "zoo").glob("*/card.py")} - {"checkpoint"} == set(FAMILIES)


def test_rows_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Family("toy", "Toys", "score").name = "other"
