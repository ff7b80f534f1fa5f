"""Where a result comes from."""

import platform
import subprocess
from types import SimpleNamespace

import pytest

from zoo.checkpoint import provenance


@pytest.mark.parametrize("changed, expected", [(0, "abc"), (1, "abc+changes")])
def test_the_commit_says_whether_code_differs_from_it(monkeypatch, changed, expected):
    results = [SimpleNamespace(returncode=0, stdout="abc\n"), SimpleNamespace(returncode=changed)]
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: results.pop(0))
    assert provenance.commit() == expected


def test_outside_a_clone_the_commit_is_unknown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.commit() == "unknown"


def test_versions_are_of_what_ran():
    import keras

    versions = provenance.versions()
    assert versions["python"] == platform.python_version() and versions["keras"] == keras.__version__
    assert versions["backend"] == keras.backend.backend() and None not in versions.values()


@pytest.mark.parametrize("devices, start", [(["cpu:0"], ""), (["cpu:0", "gpu:0", "gpu:1"], "2 GPU, ")])
def test_the_machine_names_an_accelerator(monkeypatch, devices, start):
    monkeypatch.setattr(provenance.keras.distribution, "list_devices", lambda: devices)
    words = provenance.machine()
    assert words.startswith(start) and words.removeprefix(start)[0].isdigit() and "CPU cores" in words
