"""The report's experiments: every config runs, and the tool trains them briefly and tells a card."""

import dataclasses
import json
import shutil
import sys

import numpy as np
import pytest

from tests.support.separation import songs
from tools import ablate_separation
from tools.ablate_separation import EXPERIMENTS, REPORT
from zoo.checkpoint import preset, registry
from zoo.errors import InputError
from zoo.separation import card as card_page
from zoo.separation.model import ChandnaSeparator
from zoo.separation.train import Recipe, train


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    folder = tmp_path_factory.mktemp("music")
    return folder, songs(folder)


def test_there_are_eight_and_each_has_a_config():
    assert len(EXPERIMENTS) == 8
    assert {path.stem for path in REPORT.glob("*.toml")} == set(EXPERIMENTS)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_configs_run(name, music, tmp_path):
    recipe = Recipe.read(REPORT / f"{name}.toml")
    assert recipe.name == f"report-{name}"
    assert recipe.batch_size * recipe.steps == pytest.approx(22500, rel=0.01)  # as many examples in each
    small = dataclasses.replace(recipe, batch_size=2, steps=1, epochs=1, n_validation=2)
    model, facts, _ = train(small, *music[1], tmp_path, verbose=0)
    assert np.isfinite(facts["val_loss"])
    assert model.separate(np.ones(9000, "float32"), 44100)["bass"].shape == (9000,)


def test_milestones_and_steps_shrink_with_the_budget():
    recipe = ablate_separation.briefly(Recipe.read(REPORT / "milestones.toml"), 900, 20)
    assert (recipe.steps, recipe.epochs, recipe.milestones) == (30, 20, [10, 17])
    assert recipe.name == "report-milestones-900x20" and recipe.patience == 20
    assert ablate_separation.briefly(Recipe.read(REPORT / "early-stopping.toml"), 900, 20).patience == 5
    with pytest.raises(InputError, match="no batch of 128; give more --examples"):
        ablate_separation.briefly(Recipe.read(REPORT / "batch-128.toml"), 100, 20)


@pytest.mark.slow
def test_the_tool_writes_a_table_on_the_card(music, tmp_path, monkeypatch, capsys):
    model = ChandnaSeparator(filters=2, across=2, hidden=2)
    about = {"name": "mine", "family": "separation", "sources": list(model.sources)}
    preset.save(model, tmp_path / "mine", card=about, golden=[np.ones((1, 4000), "float32")])
    monkeypatch.setattr(registry, "root", lambda: tmp_path)
    monkeypatch.setattr(ablate_separation, "EXPERIMENTS", ("batch-30", "dropout"))
    asked = ["mine", "--examples", "30", "--epochs", "1", "--seconds", "0.5", "--tracks", str(music[0])]
    monkeypatch.setattr(sys, "argv", ["tools/ablate_separation.py", *asked, "--runs", str(tmp_path / "runs")])
    ablate_separation.main()
    card = json.loads((tmp_path / "mine" / "card.json").read_text())
    rows = {row["experiment"]: row for row in card["report"]["rows"]}
    assert list(rows) == ["batch-30", "dropout"] and rows["dropout"]["epochs"] == 1
    assert set(rows["dropout"]["gains"]) == set(model.sources) and card["report"]["n_tracks"] == 1
    assert capsys.readouterr().out.count(" dB, ") == 2
    (page,) = card_page.studies(card)
    assert "| dropout | Half of the shared" in page and "--examples 30" in page
    shutil.rmtree(tmp_path / "runs")
