"""Exports of these tests are checked by one process that stays; `real_probe` starts the true one."""

import os
import subprocess
from types import SimpleNamespace

import keras
import pytest


@pytest.fixture(scope="session")
def probe():
    """A `tests.support.probe.Probe`, which starts with the first export."""
    from tests.support.probe import Probe

    probe = Probe({**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"})
    yield probe
    probe.close()


@pytest.fixture(autouse=True, scope="module")
def one_probe(request):
    """Exports of a module go through `probe`."""
    if keras.backend.backend() != "tensorflow":
        yield
        return
    from zoo.serving import export

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "subprocess", SimpleNamespace(run=request.getfixturevalue("probe").run))
        yield


@pytest.fixture
def real_probe(monkeypatch):
    """The exporter starts a process of its own for its check, as it does outside of tests."""
    from zoo.serving import export

    monkeypatch.setattr(export, "subprocess", subprocess)
