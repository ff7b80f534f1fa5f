"""`zoo evaluate separation`: the cards of bundled checkpoints renewed, other songs, and what it refuses."""

import json

import pytest

from tests.support.evaluation import evaluate as run_command
from tests.support.separation import held_back_songs, separator, stems, write_song
from zoo.checkpoint import preset, registry
from zoo.errors import InputError
from zoo.separation import card, report
from zoo.separation.tracks import SOURCES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return held_back_songs(tmp_path_factory.mktemp("music"))


pytestmark = pytest.mark.usefixtures("quick")


def test_the_command_renews_the_card(folder, tmp_path, monkeypatch, capsys):
    facts = {"name": "chandna-4stem-44k", "family": "separation", "sources": list(SOURCES), "latency": 0.2}
    monkeypatch.setattr(registry, "root", lambda: tmp_path)
    preset.save(separator(), tmp_path / facts["name"], card=facts)
    options = ["--tracks", folder, "--seconds", 1, "--jobs", 1, "--cache", tmp_path / "cache"]
    run_command("separation", *options)
    printed = capsys.readouterr().out
    evaluation = registry.info(facts["name"])["evaluation"]
    again = f"--checkpoint chandna-4stem-44k --tracks {folder} --seconds 1.0"
    assert evaluation["command"] == f"python tools/evaluate.py separation {again}"
    assert set(evaluation["results"]) == {
        "silent voice",
        "test 0",
        "held-back renders with held-back sounds and voices",
    }
    assert evaluation["results"]["silent voice"]["vocals"]["sdr"]["mean"] is None
    assert list(evaluation["references"]) == ["mixture"] and "held-back renders" in printed
    read = {"name": facts["name"], "sources": list(SOURCES), "evaluation": json.loads(json.dumps(evaluation))}
    page = card.evaluation(read)
    assert "| mixture | silent voice | vocals | - |" in page


def test_another_set_is_one_group_and_needs_a_separator(tmp_path, capsys):
    write_song(tmp_path / "music" / "test" / "a", stems(0, 0.3))
    write_song(tmp_path / "music" / "test" / "b", stems(1, 0.3))
    preset.save(separator(), tmp_path / "mine")
    options = ["--tracks", tmp_path / "music", "--jobs", 1, "--cache", tmp_path]
    run_command("separation", *options, "--checkpoint", f"{tmp_path / 'mine'}/")
    assert "all tracks" in capsys.readouterr().out
    with pytest.raises(InputError, match="separates nothing"):
        run_command("separation", *options, "--checkpoint", "quality-net-lite-stoi-16k")


def test_a_page_to_listen_to_comes_instead_of_scores(folder, tmp_path, quick, capsys):
    preset.save(separator(), tmp_path / "mine")
    path, mine = tmp_path / "page.html", f"{tmp_path / 'mine'}/"
    run_command("separation", "--tracks", folder, "--seconds", 1, "--checkpoint", mine, "--listen", path)
    html = path.read_text()
    assert html.count("<audio") == 1 + 3 * len(SOURCES) and f"<h3>drums, {mine}</h3>" in html
    assert "silent voice" in html and "MB" in capsys.readouterr().out and not quick
    with pytest.raises(InputError, match="folder does not exist"):
        run_command("separation", "--tracks", tmp_path, "--checkpoint", "x/", "--listen", "no/such/page.html")


def test_the_command_needs_tracks(tmp_path):
    with pytest.raises(InputError, match="no test tracks"):
        run_command("separation", "--tracks", tmp_path, "--checkpoint", "x/")


def test_a_trained_checkpoint_gets_its_card(tmp_path, quick):
    write_song(tmp_path / "music" / "test" / "a", stems(0, 0.3))
    preset.save(separator(), tmp_path / "mine", card={"name": "mine", "family": "separation"})
    report.evaluate_checkpoint(tmp_path / "mine", tmp_path / "music", tmp_path / "runs", 1, "python again")
    evaluation = registry.info(tmp_path / "mine")["evaluation"]
    assert list(evaluation) == ["command", "commit", "data", "results", "gains", "by_song", "limits", "references"]
    assert evaluation["command"] == "python again" and evaluation["data"].startswith("1 tracks, whole; v4")
    assert list(evaluation["results"]) == ["all tracks"] and set(quick) == {f"{tmp_path}/runs/museval"}


def test_other_levels_renew_no_card(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(registry, "root", lambda: tmp_path)
    facts = {"name": "chandna-4stem-44k", "family": "separation", "sources": list(SOURCES), "latency": 0.2}
    preset.save(separator(), tmp_path / facts["name"], card=facts)
    options = ["--tracks", folder, "--seconds", 0.5, "--jobs", 1, "--cache", tmp_path / "cache", "--gain", -6]
    run_command("separation", *options)
    assert "silent voice" in capsys.readouterr().out and "evaluation" not in registry.info(facts["name"])
    assert report.Setting(gain=-6.0).options() == " --gain -6.0"
