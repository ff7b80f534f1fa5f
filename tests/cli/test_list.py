"""`zoo list`: a line a checkpoint."""

import json

from zoo.checkpoint import registry


def test_it_lists_a_checkpoint_in_a_line(run, tmp_path, monkeypatch):
    card = {
        "name": "blstm",
        "family": "enhancement",
        "sample_rate": 16000,
        "parameters": 9,
        "description": "Cleans speech.",
        "lookahead": None,
    }
    (tmp_path / card["name"]).mkdir()
    (tmp_path / card["name"] / "card.json").write_text(json.dumps(card))
    monkeypatch.setattr(registry, "root", lambda: tmp_path)
    status, out, _ = run("list")
    assert status == 0 and out.splitlines()[0].split() == list(card)[:5]
    assert out.splitlines()[2] == "blstm  enhancement  16000        9           Cleans speech."


def test_it_lists_every_bundled_name_that_matches(run):
    assert [line.split()[0] for line in run("list")[1].splitlines()[2:]] == registry.names()
    lines = run("list", "quality-net*")[1].splitlines()[2:]
    assert [line.split()[0] for line in lines] == registry.names("quality-net*")


def test_a_pattern_that_nothing_matches_is_one_line(run):
    assert run("list", "zzz*") == (2, "", "zoo: no checkpoint matches 'zzz*'; `zoo list` names them all\n")
