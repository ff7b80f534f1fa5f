"""`python -m zoo` is the `zoo` command."""

import runpy
import sys

import pytest


def test_it_runs_the_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["zoo", "list", "zzz*"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_module("zoo", run_name="__main__")
    assert stopped.value.code == 2 and "no checkpoint matches 'zzz*'" in capsys.readouterr().err
