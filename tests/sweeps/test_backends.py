"""Tests marked `on_jax` or `on_torch` pass on that backend too: one process runs those of all files, as each takes
seconds to start."""

import importlib.util
import os
import subprocess
import sys

import pytest

from tests.support.harness import REPOSITORY

ALLOWED = (
    "takes spectrograms",
    "one backend is enough",
    "could not import 'optax'",
    "could not import 'lightning'",
)  # reasons to skip a test there


def run_marked(backend):
    """Run the tests that are marked for a backend, in one process with it."""
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    marker = f"mark.on_{backend}"
    files = [str(path) for path in sorted((REPOSITORY / "tests").rglob("test_*.py")) if marker in path.read_text()]
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-m", f"on_{backend}", *files]
    environment = {**os.environ, "KERAS_BACKEND": backend}
    return subprocess.run(command, cwd=REPOSITORY, check=False, capture_output=True, text=True, env=environment)


@pytest.mark.slow
@pytest.mark.parametrize(
    "backend", [pytest.param("jax", marks=pytest.mark.jax), pytest.param("torch", marks=pytest.mark.torch)]
)
def test_what_is_marked_passes_on_the_backend(backend):
    done = run_marked(backend)
    assert done.returncode == 0, done.stdout[-3000:]
    skipped = [line for line in done.stdout.splitlines() if line.startswith("SKIPPED")]
    assert all(any(reason in line for reason in ALLOWED) for line in skipped), skipped
