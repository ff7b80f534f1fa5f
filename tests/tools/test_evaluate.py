"""tools/evaluate.py is `zoo evaluate`."""

import runpy
import sys

import pytest

from tests.support.harness import REPOSITORY
from zoo import cli


def test_it_is_the_command_with_its_arguments(monkeypatch):
    calls = []
    monkeypatch.setattr(cli, "main", lambda arguments: calls.append(arguments) or 2)
    monkeypatch.setattr(sys, "argv", ["tools/evaluate.py", "jnd", "jnd-22k", "--files", "1"])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(REPOSITORY / "tools" / "evaluate.py"), run_name="__main__")
    assert stopped.value.code == 2 and calls == [["evaluate", "jnd", "jnd-22k", "--files", "1"]]
