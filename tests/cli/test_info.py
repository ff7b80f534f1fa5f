"""`zoo info`: a card as JSON."""

import json

from zoo.checkpoint import registry


def test_it_prints_the_card_as_it_is(run, tmp_path, monkeypatch):
    card = {"name": "blstm", "family": "enhancement", "description": "Räumt auf.", "lookahead": None}
    (tmp_path / card["name"]).mkdir()
    for name in ("card.json", "config.json"):
        (tmp_path / card["name"] / name).write_text(json.dumps(card))
    monkeypatch.setattr(registry, "root", lambda: tmp_path)
    for source in (card["name"], f"{tmp_path}/blstm/"):
        status, out, _ = run("info", source)
        assert status == 0 and json.loads(out) == card and "Räumt auf." in out


def test_an_unknown_name_is_one_line(run):
    status, out, err = run("info", "zzz")
    assert status == 2 and out == "" and err.startswith("zoo: ") and "zzz" in err and err.count("\n") == 1
