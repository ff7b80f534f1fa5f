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
USES = """
import numpy as np
import zoo
from zoo.checkpoint.card import card_flaws

assert zoo.list() == ["toy-16k"]
assert card_flaws(zoo.info("toy-16k")) == ([], []), card_flaws(zoo.info("toy-16k"))
model, noise = zoo.load("toy-16k", verify=True), 0.1 * np.random.default_rng(0).standard_normal(8000).astype("float32")
np.testing.assert_allclose(model.score(noise, noise / 2, sample_rate=16000), -20 * np.log10(2), atol=0.1)
loss = zoo.loss("toy-16k")
assert float(loss(noise[None], noise[None])) < 0.01 < 30 < float(loss(noise[None], noise[None] / 2))
exec(compile(zoo.toy.card.usage(zoo.info("toy-16k"), "toy-16k"), "usage", "exec"), {"zoo": zoo})
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the repository with the new family as its only one with a checkpoint, which is trained."""
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
def test_a_folder_a_row_and_a_config_make_a_family(house, tmp_path):
    card = json.loads((house / "checkpoints" / "toy-16k" / "card.json").read_text())
    assert card["family"] == "toy" and card["evaluation"]["rmse"] < 0.5
    assert card["training"]["command"] == "python tools/train.py tools/configs/toy-16k.toml --n-train 48"
    run(house, "-c", USES)
    assert "toy-16k" in run(house, "-m", "zoo", "list")
    audio = house / "zoo" / "data" / "audio"
    scored = run(
        house, "-m", "zoo", "score", str(audio / "speech_reference.flac"), str(audio / "speech_mild.flac"),
        "--metric", "toy-16k", "--json", "-",
    )  # fmt: skip
    assert json.loads(scored)["summary"]["toy-16k"]["n"] == 1
    run(house, "tools/evaluate.py", "toy", "toy-16k")
    assert "serving_default" in run(house, "-m", "zoo", "export", "toy-16k", str(tmp_path / "models"))
    run(house, "tools/make_cards.py")
    assert "toy-16k" in (house / "MODEL_CARDS.md").read_text()
    assert "python tools/evaluate.py toy toy-16k" in (house / "checkpoints" / "toy-16k" / "README.md").read_text()


@pytest.mark.slow
def test_the_sweeps_take_the_new_family(house):
    sweeps = ["tests/sweeps/test_checkpoints.py", "-k", "toy"]
    assert " passed" in run(house, "-m", "pytest", "-q", "-p", "no:cacheprovider", *sweeps)
