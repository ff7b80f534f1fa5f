"""A training's TOML file: its family, its recipe, and what cannot be read."""

from dataclasses import dataclass

import pytest

from tests.support.harness import REPOSITORY
from zoo.errors import InputError
from zoo.families import FAMILIES
from zoo.training.config import read_config, read_recipe

CONFIGS = sorted((REPOSITORY / "tools" / "configs").rglob("*.toml"))
TEXT = 'family = "texture"\nname = "mine"\nepochs = 20\n[card]\ndescription = "Mine."\n'


@dataclass(frozen=True)
class Recipe:
    name: str
    epochs: int = 5
    seed: int = 0


@pytest.fixture
def path(tmp_path):
    (tmp_path / "mine.toml").write_text(TEXT)
    return tmp_path / "mine.toml"


def test_a_file_has_a_family_a_recipe_and_words(path):
    config = read_config(path)
    assert (config.family, config.fields) == ("texture", {"name": "mine", "epochs": 20})
    assert config.card == {"description": "Mine."}
    assert config.recipe(Recipe) == read_recipe(Recipe, path) == Recipe("mine", 20)


def test_changes_take_the_place_of_what_the_file_says(path):
    changes = {"name": "other", "epochs": None, "seed": 3, "runs": "of no recipe"}
    assert read_config(path).recipe(Recipe, changes) == Recipe("other", 20, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "mine"', "has family = None: write one of quality_net, jnd"),
        ('family = "mine"', "has family = 'mine': write one of quality_net, jnd"),
        ("family = ", "cannot read the recipe"),
    ],
)
def test_what_is_no_config_says_so_in_one_line(text, message, tmp_path):
    (tmp_path / "odd.toml").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        read_config(tmp_path / "odd.toml")
    assert "odd.toml" in str(error.value) and "\n" not in str(error.value)


def test_a_file_that_is_not_there_says_so(tmp_path):
    with pytest.raises(InputError, match="nowhere.toml"):
        read_config(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("text", [TEXT.replace("epochs", "layers"), TEXT.replace('name = "mine"', "")])
def test_fields_that_do_not_fit_the_recipe_say_so(text, tmp_path):
    (tmp_path / "odd.toml").write_text(text)
    with pytest.raises(InputError, match="layers|name"):
        read_recipe(Recipe, tmp_path / "odd.toml")


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_names_its_family_and_is_named_as_its_file(path):
    config = read_config(path)
    assert config.family in FAMILIES
    assert config.fields["name"] == (f"report-{path.stem}" if path.parent.name == "report" else path.stem)
