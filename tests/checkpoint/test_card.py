"""The schema of cards: what is read, written, missing, and built from a training."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

import zoo
from tests.support.harness import REPOSITORY
from zoo.checkpoint import card as cards
from zoo.checkpoint import integrity, registry
from zoo.errors import InputError

WHOLE = {
    "name": "mine",
    "family": "jnd",
    "architecture": "JND",
    "description": "Hears differences.",
    "sample_rate": 22050,
    "parameters": 7,
    "data": "Answers.",
    "licence": {"code": "MIT", "weights": "MIT", "data": "CC0"},
    "training": {
        "command": "python train",
        "commit": "abc",
        "seed": 0,
        "versions": {"keras": "3"},
        "minutes": 0,
        "machine": "one core",
    },
    "evaluation": {"command": "python evaluate", "commit": "abc", "data": "80 pairs"},
    "departures": [],
    "limits": [],
    "files": {"config.json": "0" * 64},
}


@pytest.mark.parametrize("name", zoo.list())
def test_bundled_cards_are_whole_and_written_back_as_they_are(name, tmp_path):
    directory = registry.root() / name
    card = cards.read_card(directory)
    assert cards.card_flaws(card) == ([], [])
    for file in integrity.CHECKED_FILES:
        (tmp_path / file).symlink_to(directory / file)
    cards.write_card(tmp_path, card)
    assert (tmp_path / "card.json").read_text() == (directory / "card.json").read_text()


def test_a_whole_card_has_no_flaws():
    assert cards.card_flaws(WHOLE) == ([], [])
    assert cards.card_flaws(WHOLE | {"datasets": ["org/speech"], "curve": object()}) == ([], [])


@pytest.mark.parametrize("path", ["family", "data", "licence.data", "training.seed", "evaluation.command", "limits"])
@pytest.mark.parametrize("empty", [None, "", {}, "not stated"])
def test_what_is_missing_is_named(path, empty):
    *parents, last = path.split(".")
    card = json.loads(json.dumps(WHOLE))
    (card[parents[0]] if parents else card)[last] = empty
    assert cards.card_flaws(card) == ([path], [])
    del (card[parents[0]] if parents else card)[last]
    assert cards.card_flaws(card) == ([path], [])


@pytest.mark.parametrize(
    "change, says",
    [
        ({"sample_rate": "16 kHz"}, "sample_rate is '16 kHz', not of type int"),
        ({"limits": "English"}, "limits is 'English', not of type list"),
        ({"licence": "MIT"}, "licence is 'MIT', not of type dict"),
        ({"training": WHOLE["training"] | {"minutes": "long"}}, "training.minutes is 'long', not of type float"),
        (
            {"served": {**WHOLE["evaluation"], "machine": "x", "n": "9", "megabytes": 1, "milliseconds": [1]}},
            "served.n",
        ),
        ({"family": "own"}, "family is 'own', not one of quality_net, jnd"),
    ],
)
def test_what_is_of_the_wrong_type_is_named(change, says):
    missing, (wrong,) = cards.card_flaws(WHOLE | change)
    assert wrong.startswith(says) and missing == []


def test_nan_becomes_null_and_the_files_are_pinned(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    cards.write_card(tmp_path, WHOLE | {"evaluation": {"pearson": (float("nan"), np.float64("nan"), 1.0)}, "n": 3})
    card = cards.read_card(tmp_path)
    assert card["evaluation"] == {"pearson": [None, None, 1.0]} and card["n"] == 3
    assert card["files"] == {"config.json": integrity.sha256(tmp_path / "config.json")}
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("config.json", "card.json")] == []


def test_a_card_that_cannot_be_written_leaves_the_old_one(tmp_path):
    cards.write_card(tmp_path, WHOLE)
    with pytest.raises(TypeError):
        cards.write_card(tmp_path, WHOLE | {"evaluation": object()})
    assert cards.read_card(tmp_path) == WHOLE | {"files": {}}
    assert [path.name for path in tmp_path.iterdir()] == ["card.json"]


@pytest.mark.parametrize("text", ["no card", "[]", json.dumps({"files": []})])
def test_what_is_no_card_is_refused(tmp_path, text):
    assert cards.read_card(tmp_path) is None
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(InputError, match="get the checkpoint again"):
        cards.read_card(tmp_path)


def test_a_training_and_an_evaluation_make_a_whole_card(tmp_path):
    config = tmp_path / "mine.toml"
    config.write_text(
        '[card]\ndescription = "Hears."\ndata = "None."\nlicence = {code="MIT",weights="MIT",data="none"}\n'
    )
    model = SimpleNamespace(sample_rate=22050, count_params=lambda: 7)
    recipe = SimpleNamespace(name="mine", seed=3)
    words = cards.read_words(config)
    card = cards.training_card(
        "jnd", recipe, model, {"curve": [1, 2]}, 1.23, "python train", "abc", words, {"sources": ["vocals"]}
    )
    assert card["training"]["minutes"] == 1.2 and card["training"]["curve"] == [1, 2] and card["sources"] == ["vocals"]
    assert card["architecture"] == "SimpleNamespace" and card["parameters"] == 7
    assert cards.card_flaws(card) == (["evaluation", "files"], [])
    card = cards.evaluated_card(card, "python evaluate", "abd", "80 pairs", {"auc": 0.5})
    assert cards.card_flaws(card) == (["files"], []) and card["evaluation"]["auc"] == 0.5


def test_words_that_a_recipe_does_not_state_are_missing():
    missing, _ = cards.card_flaws(cards.card_words({"description": "Hears."}))
    assert {"data", "licence.code", "licence.weights", "licence.data"} <= set(missing)
    assert not {"description", "limits", "departures"} & set(missing)


def test_words_are_renewed_from_the_recipe_of_a_bundled_checkpoint(tmp_path, monkeypatch):
    card = {"name": "jnd-22k", "limits": ["old"], "parameters": 7}
    renewed = cards.with_words(card)
    config = REPOSITORY / "tools" / "configs" / "jnd-22k.toml"
    assert renewed == card | cards.read_words(config) and renewed["limits"] != ["old"]
    assert cards.with_words(card | {"name": "mine"}) == card | {"name": "mine"}
