"""The report's experiments: every config is as printed and runs, and the tool prints its figures beside the report's."""

import dataclasses
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.separation import songs
from tools import ablate_separation
from tools.ablate_separation import EXPERIMENTS, REPORT
from zoo.errors import InputError
from zoo.separation.train import ARCHITECTURES, Recipe, split_songs, train


def recipe(name):
    return Recipe.read(REPORT / f"{name}.toml")


def test_each_experiment_has_a_config_as_the_tables_print_it():
    assert {path.stem for path in REPORT.glob("*.toml")} == set(EXPERIMENTS)
    recipes = {name: recipe(name) for name in EXPERIMENTS}
    for name, each in recipes.items():
        assert each.name == f"report-{name}" and each.loss == "report" and each.segment_seconds == 20
        assert (each.epochs, each.patience, each.decay) == (200, 7, 0.1) and each.milestones[-2:] == [60, 120]
        assert each.split == ([0.5, 0.5] if name == "experiment-1" else [0.8, 0.1, 0.1])
    rates = [recipes[f"experiment-{i}"].learning_rate for i in range(1, 9)]
    assert rates == [1e-5, 1e-3, 1e-3, 1e-3, 1e-3, 1e-3, 1e-5, 1e-5]
    assert [recipes[f"experiment-{i}"].batch_size for i in range(1, 9)] == [30, 30, 64, 128, 30, 30, 30, 30]
    assert recipes["experiment-8"].milestones == [10, 50, 60, 120]  # 1e-6 after 10, 1e-7 after 50


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("experiment-2", 585_742), ("experiment-5", 207_970), ("experiment-6-row", 585_742), ("perceptron", 585_222)],
)
def test_parameters_by_the_reports_reading(name, parameters):
    """Experiment 5 is there to have fewer: 343 bins in two groups of 342, and N2 = 6."""
    each = recipe(name)
    assert ARCHITECTURES[each.architecture](**each.model).count_params() == parameters


def test_the_rest_of_the_bins_may_be_left_out():
    each = recipe("experiment-5")
    assert ARCHITECTURES["chandna"](**each.model, pool_rest=False).count_params() == 134_554


def test_the_published_figures_are_all_there():
    figures = ablate_separation.published()
    assert set(figures) == {f"experiment-{i}" for i in range(1, 9)} | {"authors"}
    assert figures["experiment-1"]["vocals"] == {"sdr": (-22.73, 2.51), "sir": (-3.3, 2.17), "sar": (-17.59, 1.69)}
    assert figures["experiment-8"]["drums"]["sir"] == (-6.31, 2.28) and figures["authors"]["bass"]["sdr"] == (0.9, 2.7)


def test_the_split_is_of_all_songs(tmp_path):
    songs(tmp_path, count=8, seconds=0.3)
    parts = split_songs(tmp_path, recipe("experiment-2"))
    assert [len(part) for part in parts] == [8, 1, 1]
    assert len({track.name for part in parts for track in part}) == 10
    training, validation, test = split_songs(tmp_path, recipe("experiment-1"))
    assert len(training) == 5 and validation == test and not set(map(str, training)) & set(map(str, test))
    with pytest.raises(InputError, match="that sum to 1"):
        split_songs(tmp_path, dataclasses.replace(recipe("experiment-1"), split=(0.5, 0.4)))


def test_a_smaller_run_has_a_name_of_its_own():
    small = ablate_separation.smaller(recipe("experiment-3"), 5, 2, None)
    assert (small.name, small.steps, small.epochs) == ("report-experiment-3-5-steps-2-epochs", 5, 2)
    assert ablate_separation.smaller(recipe("experiment-3"), None, None, None) == recipe("experiment-3")


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_configs_run(name, tmp_path):
    tracks = songs(tmp_path / "music")
    small = dataclasses.replace(recipe(name), batch_size=2, steps=1, epochs=1, n_validation=2)
    model, facts, _ = train(small, *tracks, tmp_path, verbose=0)
    assert np.isfinite(facts["val_loss"])
    assert model.separate(np.ones(9000, "float32"), 44100)["bass"].shape == (9000,)


def test_the_tool_prints_the_reports_figures_beside_ours(tmp_path, monkeypatch, capsys):
    songs(tmp_path / "music", count=8, seconds=0.3)
    by_source = dict.fromkeys(("vocals", "drums", "bass", "other"), dict.fromkeys(ablate_separation.SCORES, (1.0, 2.0)))
    facts = {"best_epoch": 1, "curve": {"epoch": [1], "loss": [5.0], "val_loss": [6.0]}}
    model = SimpleNamespace(count_params=lambda: 7)
    monkeypatch.setattr(ablate_separation, "train", lambda *_: (model, facts, 0.1))
    monkeypatch.setattr(ablate_separation, "songs_scores", lambda *_: by_source)
    arguments = ["experiment-2", "--tracks", str(tmp_path / "music"), "--runs", str(tmp_path), "--epochs", "1"]
    monkeypatch.setattr(sys, "argv", ["tools/ablate_separation.py", *arguments])
    ablate_separation.main()
    printed = capsys.readouterr().out
    row = next(line for line in printed.splitlines() if "SDR" in line and "vocals" in line)
    for cell in ("1.00 ± 2.00", "-21.70 ± 2.21", "1.30 ± 2.40"):
        assert cell in row
    result = json.loads((tmp_path / "report-experiment-2-1-epochs.json").read_text())
    assert result["losses"] == [5.0, 6.0] and result["n_songs"] == {"training": 8, "test": 1}
    monkeypatch.setattr(sys, "argv", ["tools/ablate_separation.py", "batch-30"])
    with pytest.raises(InputError, match="no experiment 'batch-30'"):
        ablate_separation.main()
