"""Exports of these tests are checked by one process that stays; `real_probe` starts the true one."""

import subprocess

import keras
import numpy as np
import pytest


@pytest.fixture(autouse=True, scope="module")
def checked_by_one_process(request):
    """Exports of these modules go through `one_probe`."""
    if keras.backend.backend() == "tensorflow":
        request.getfixturevalue("one_probe")


@pytest.fixture
def real_probe(monkeypatch):
    """The exporter starts a process of its own for its check, as it does outside of tests."""
    from zoo.serving import export

    monkeypatch.setattr(export, "subprocess", subprocess)


@pytest.fixture(scope="session")
def unlike_batches():
    """A function of a served model's inputs, {name: array}: the same, with one of them of another batch size or length.

    Which of these a graph took would have been broadcast to the others, or cut.
    """

    def unlike(inputs):
        names = [name for name in inputs if name != "lengths"]
        three = {name: np.repeat(x[:1], 3, axis=0) for name, x in inputs.items()}
        for name in three:
            yield three | {name: three[name][:1]}
        if len(names) == 2:
            yield three | {names[0]: three[names[0]][:1], "lengths": three["lengths"][:1]}
            yield three | {names[0]: three[names[0]][:, :1]}
            # As many samples in all, in another number of recordings.
            yield three | {names[0]: three[names[0]][:2, :900], names[1]: three[names[1]][:, :600]}

    return unlike
