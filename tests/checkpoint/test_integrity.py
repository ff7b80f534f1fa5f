"""What makes a checkpoint directory whole."""

import json
import shutil

import numpy as np
import pytest

from tests.support.damage import DAMAGES
from tests.support.harness import REPOSITORY
from zoo.checkpoint import integrity
from zoo.checkpoint.card import read_card, write_card
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


def test_without_a_sha256_the_files_need_only_be_whole(checkpoint):
    (checkpoint / "card.json").unlink()
    (checkpoint / "config.json").write_text("{}")
    integrity.check(checkpoint, read_card(checkpoint))
    assert read_card(checkpoint) is None and integrity.pins(checkpoint, None) == {}


@pytest.mark.parametrize(("name", "damage"), DAMAGES, ids=lambda value: getattr(value, "__name__", value))
def test_what_is_not_whole_is_damaged(checkpoint, name, damage):
    """As a model that Keras saved: nothing says what its files were."""
    (checkpoint / "card.json").unlink()
    damage(checkpoint / name)
    with pytest.raises(InputError, match=f"{name} is damaged, get it again: it ") as raised:
        integrity.check(checkpoint, None)
    assert "\n" not in str(raised.value)
    assert ("git lfs pull" in str(raised.value)) == (damage.__name__ == "pointer")
    assert ("is a web page" in str(raised.value)) == (damage.__name__ == "web_page")


@pytest.mark.parametrize("name", integrity.CHECKED_FILES)
def test_checksums_stand_in_for_a_card(checkpoint, name):
    (checkpoint / "card.json").unlink()
    integrity.write_checksums(checkpoint)
    integrity.check(checkpoint, None)
    assert set(integrity.pins(checkpoint, None)) == set(integrity.CHECKED_FILES)
    content = bytearray((checkpoint / name).read_bytes())
    content[len(content) // 2] ^= 1
    (checkpoint / name).write_bytes(content)
    with pytest.raises(InputError, match=f"{name} differs from the sha256 in checksums.json: get it again"):
        integrity.check(checkpoint, None)
    (checkpoint / name).unlink()
    with pytest.raises(InputError, match=f"has no {name}: get the checkpoint again"):
        integrity.check(checkpoint, None)


def test_a_card_without_files_leaves_them_to_the_checksums(checkpoint):
    integrity.write_checksums(checkpoint)
    assert integrity.pins(checkpoint, {"name": "mine"}) == integrity.digests(checkpoint)
    assert integrity.pins(checkpoint, {"files": {"config.json": "0"}}) == {"config.json": "0"}
    write_card(checkpoint, {"name": "mine"})
    assert not (checkpoint / integrity.CHECKSUMS).exists()  # the card has them


def test_damaged_checksums_are_named(checkpoint):
    (checkpoint / integrity.CHECKSUMS).write_text("{")
    with pytest.raises(InputError, match="checksums.json is damaged, get it again"):
        integrity.check(checkpoint, None)


def test_a_whole_archive_of_any_array_passes(checkpoint):
    (checkpoint / "card.json").unlink()
    np.savez(checkpoint / "golden.npz", input_0=np.zeros(3), output=np.zeros(0))
    integrity.check(checkpoint, None)


@pytest.mark.parametrize("text", ["no card", "[]", json.dumps({"files": []})])
def test_what_is_no_card_is_refused(checkpoint, text):
    (checkpoint / "card.json").write_text(text)
    with pytest.raises(InputError, match="get the checkpoint again"):
        integrity.check(checkpoint, read_card(checkpoint))
