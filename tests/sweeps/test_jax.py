"""Tests marked `on_jax` pass on JAX too: one process runs those of all files, for JAX takes seconds to start."""

import os
import subprocess
import sys

import pytest

from tests.support.harness import REPOSITORY

MARKER = "mark.on_" + "jax"  # written so that this file is not one of them


@pytest.mark.slow
def test_what_is_marked_passes_on_jax():
    pytest.importorskip("jax")
    files = [str(path) for path in sorted((REPOSITORY / "tests").rglob("test_*.py")) if MARKER in path.read_text()]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "on_jax", *files]
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    done = subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "skipped" not in done.stdout.splitlines()[-1]
