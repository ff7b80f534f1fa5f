"""Processes that score are set up by themselves; clusters are tested where they score pairs."""

import os

from zoo import scoring


def _threads(_):
    return os.environ.get("TF_NUM_INTRAOP_THREADS")


def test_processes_are_told_to_use_one_core_and_the_callers_environment_is_left_alone(monkeypatch):
    monkeypatch.delenv("TF_NUM_INTRAOP_THREADS", raising=False)
    assert list(scoring.scored(_threads, [1, 2], jobs=3)) == ["1", "1"]
    assert "TF_NUM_INTRAOP_THREADS" not in os.environ
    assert list(scoring.scored(_threads, [1], jobs=1)) == [None]
