"""A new family is a folder, a row and a config: with no other edit it trains, has a card, scores, exports and is swept."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.support.harness import REPOSITORY

ROW = '        Family("toy", "Levels", "level difference", loss="LevelLoss"),\n'
CONFIG = """family = "toy"
name = "toy-16k"

[card]
description = "How much louder a recording is than its reference."
data = "White noise of known levels."
licence = { code = "MIT", weights = "MIT", data = "none" }
"""
# Everything that a user does with it, in one process: each import of a backend takes seconds.
USES = """
import json
import runpy
import sys

import numpy as np
import pytest
import zoo
from zoo import cli
from zoo.checkpoint.card import card_flaws


def run_tool(name, *arguments):
    sys.argv = [f"tools/{name}.py", *arguments]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        assert not end.code, (name, end.code)


assert zoo.list() == ["toy-16k"]
assert card_flaws(zoo.info("toy-16k")) == ([], []), card_flaws(zoo.info("toy-16k"))
model, noise = zoo.load("toy-16k", verify=True), 0.1 * np.random.default_rng(0).standard_normal(8000).astype("float32")
np.testing.assert_allclose(model.score(noise, noise / 2, sample_rate=16000), -20 * np.log10(2), atol=0.1)
loss = zoo.loss("toy-16k")
assert float(loss(noise[None], noise[None])) < 0.01 < 30 < float(loss(noise[None], noise[None] / 2))
exec(compile(zoo.toy.card.usage(zoo.info("toy-16k"), "toy-16k"), "usage", "exec"), {"zoo": zoo})
audio = "zoo/data/audio/speech_"
assert cli.main(["list"]) == 0
pair = [f"{audio}reference.flac", f"{audio}mild.flac"]
assert cli.main(["score", *pair, "--metric", "toy-16k", "--json", "scores.json"]) == 0
assert json.load(open("scores.json"))["summary"]["toy-16k"]["n"] == 1
run_tool("evaluate", "toy", "toy-16k")
assert cli.main(["export", "toy-16k", "models"]) == 0
run_tool("make_cards")
assert pytest.main(["-q", "-p", "no:cacheprovider", "tests/sweeps/test_checkpoints.py", "-k", "toy"]) == 0
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the repository whose only checkpoint is of the new family, trained here."""
    root = tmp_path_factory.mktemp("house")
    ignore = shutil.ignore_patterns("__pycache__", "configs", "results")
    for folder in ("zoo", "tools", "tests"):
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=ignore)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(REPOSITORY / name, root / name)
    shutil.copytree(REPOSITORY / "tests" / "support" / "new_family", root / "zoo" / "toy")
    rows = root / "zoo" / "families.py"
    head, row, tail = rows.read_text().partition('        Family("texture",')
    rows.write_text(head + ROW + row + tail)
    (root / "tools" / "configs").mkdir()
    (root / "tools" / "configs" / "toy-16k.toml").write_text(CONFIG)
    (root / "checkpoints").mkdir()
    run(root, "tools/train.py", "tools/configs/toy-16k.toml", "--n-train", "48")
    return root


def run(root, *command):
    """The output of a Python command in the copy; a failure shows what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(root), "ZOO_DATA": str(root / "no data")}
    how = {"cwd": root, "env": environment, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, *command], check=False, **how)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_a_folder_a_row_and_a_config_make_a_family(house):
    card = json.loads((house / "checkpoints" / "toy-16k" / "card.json").read_text())
    assert card["family"] == "toy" and card["evaluation"]["rmse"] < 0.5
    assert card["training"]["command"] == "python tools/train.py tools/configs/toy-16k.toml --n-train 48"
    printed = run(house, "-c", USES)
    assert "toy-16k" in printed and "serving_default" in printed and " passed" in printed
    assert "toy-16k" in (house / "MODEL_CARDS.md").read_text()
    assert "python tools/evaluate.py toy toy-16k" in (house / "checkpoints" / "toy-16k" / "README.md").read_text()
