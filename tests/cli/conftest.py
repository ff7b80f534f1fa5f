"""What the tests of `zoo enhance` share."""

import pytest

from tests.support.enhance_command import Scale
from zoo.checkpoint import network


@pytest.fixture
def gain(monkeypatch):
    """Puts an enhancer of this gain in the place of the checkpoint."""
    return lambda value: monkeypatch.setattr(network, "load", lambda source: Scale(value))


@pytest.fixture
def enhance(run):
    """Run `zoo enhance` in this process; gives (status, stdout, stderr)."""
    return lambda *arguments: run("enhance", *arguments)
