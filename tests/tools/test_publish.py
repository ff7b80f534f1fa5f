"""tools/publish.py: many checkpoints at once, pinned in their cards."""

import shutil
import subprocess
import sys

import pytest

import zoo
from tests.support.harness import REPOSITORY
from tools import publish as tool
from zoo.checkpoint import preset
from zoo.errors import InputError


def test_the_tool_pins_what_it_published(tmp_path, monkeypatch, capsys):
    for name in ("jnd-22k", "can-l1-16k", "dnn-mse-16k"):
        shutil.copytree(REPOSITORY / "checkpoints" / name, tmp_path / name)

    def push(name, repository, private, dry_run):
        if name == "can-l1-16k":
            raise InputError("no token")
        source = None if dry_run else f"hf://{repository}@{'a' * 40}"
        return {"source": source, "folder": tmp_path / "dry" if dry_run else None, "files": {"config.json": 1000}}

    monkeypatch.setattr(tool.registry, "root", lambda: tmp_path)
    monkeypatch.setattr(tool.publish, "push", push)
    monkeypatch.setattr(sys, "argv", ["publish.py", "--organization", "org", "--all", "--dry-run"])
    with pytest.raises(SystemExit, match="1 not published: can-l1-16k"):
        tool.main()
    assert "hub" not in zoo.info("jnd-22k") and f"not uploaded, in {tmp_path / 'dry'}" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["publish.py", "--organization", "org", "jnd-22k"])
    tool.main()
    assert zoo.info("jnd-22k")["hub"] == {"repository": "org/jnd-22k", "revision": "a" * 40}
    assert "hub" not in zoo.info("dnn-mse-16k")
    preset.load(tmp_path / "jnd-22k")


@pytest.mark.parametrize("arguments", [[], ["--all", "jnd-22k"]])
def test_the_tool_wants_names_or_all(arguments):
    command = [sys.executable, "tools/publish.py", "--organization", "org", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "give names, or --all" in done.stderr
