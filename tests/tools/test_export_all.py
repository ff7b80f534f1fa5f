"""tools/export_all.py exports what is not there yet, and writes the configuration of all."""

import sys

import pytest

from tools import export_all
from zoo import cli
from zoo.checkpoint import registry


def run(monkeypatch, tmp_path, *names, status=0):
    """What the tool asks of the command line, and its exit status."""
    calls = []
    monkeypatch.setattr(cli, "main", lambda arguments: calls.append(arguments) or status)
    monkeypatch.setattr(registry, "names", lambda: ["one", "two"])
    monkeypatch.setattr(sys, "argv", ["export_all.py", str(tmp_path), *names])
    with pytest.raises(SystemExit) as stopped:
        export_all.main()
    return calls, stopped.value.code


def test_every_checkpoint_that_is_missing_is_exported(monkeypatch, tmp_path):
    (tmp_path / "one" / "1").mkdir(parents=True)
    (tmp_path / "one" / "1" / "saved_model.pb").write_bytes(b"")
    calls, status = run(monkeypatch, tmp_path)
    assert status == 0
    assert calls == [["export", "two", str(tmp_path / "two")], ["serve-config", str(tmp_path)]]


def test_only_the_named_ones_and_an_error_ends_it(monkeypatch, tmp_path):
    assert run(monkeypatch, tmp_path, "two", status=2) == ([["export", "two", str(tmp_path / "two")]], 2)
