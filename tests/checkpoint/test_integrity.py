"""What makes a checkpoint directory whole."""

import json
import shutil

import pytest

from tests.support.harness import REPOSITORY
from zoo.checkpoint import integrity
from zoo.checkpoint.card import read_card
from zoo.errors import InputError


@pytest.fixture
def checkpoint(tmp_path):
    return shutil.copytree(REPOSITORY / "checkpoints" / "quality-net-lite-stoi-16k", tmp_path / "checkpoint")


def test_a_whole_one_passes(checkpoint):
    integrity.check(checkpoint, read_card(checkpoint))
    integrity.check(checkpoint, None)
    assert integrity.missing(checkpoint) == []


def test_what_is_missing_or_changed_is_named(checkpoint):
    with open(checkpoint / "metadata.json", "a") as file:
        file.write(" ")
    with pytest.raises(InputError, match="metadata.json differs from the sha256 in its card: get it again"):
        integrity.check(checkpoint, read_card(checkpoint))
    (checkpoint / "golden.npz").unlink()
    with pytest.raises(InputError, match="has no golden.npz"):
        integrity.check(checkpoint, read_card(checkpoint))
    (checkpoint / "config.json").unlink()
    assert integrity.missing(checkpoint) == ["config.json"]
    with pytest.raises(InputError, match="has no config.json"):
        integrity.check(checkpoint, read_card(checkpoint))


def test_another_card_may_be_asked(checkpoint):
    with pytest.raises(InputError, match="config.json differs"):
        integrity.check(checkpoint, {"files": {"config.json": "0" * 64}})


def test_without_a_card_the_files_need_only_be_there(checkpoint):
    (checkpoint / "card.json").unlink()
    (checkpoint / "config.json").write_text("{}")
    integrity.check(checkpoint, read_card(checkpoint))
    assert read_card(checkpoint) is None


@pytest.mark.parametrize("text", ["no card", "[]", json.dumps({"files": []})])
def test_what_is_no_card_is_refused(checkpoint, text):
    (checkpoint / "card.json").write_text(text)
    with pytest.raises(InputError, match="get the checkpoint again"):
        integrity.check(checkpoint, read_card(checkpoint))
