"""Settings of the suite: quiet logs, a fixed seed before each test, tools/ importable, the `slow` marker."""

import os
import random
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).resolve().parent.parent / "tools"))  # its scripts are tested as modules

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # oneDNN sums in an order that depends on the machine
os.environ.setdefault("KERAS_BACKEND", "tensorflow")


def pytest_configure(config):
    config.addinivalue_line("markers", 'slow: takes over 20 s; leave out with -m "not slow"')


@pytest.fixture(autouse=True)
def fixed_seed():
    """The same random numbers in every run; Keras is seeded only where something has imported it."""
    random.seed(0)
    np.random.seed(0)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture
def run(capsys):
    """Run a command of `zoo` in this process; gives (status, stdout, stderr)."""
    from zoo import cli

    def command(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return command
