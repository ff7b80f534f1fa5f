"""Settings of the suite: quiet logs, a fixed seed before each test, the `slow` marker."""

import functools
import os
import random
import sys
from types import SimpleNamespace

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # oneDNN sums in an order that depends on the machine
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# On JAX the tests spend most of their time in XLA's compiler: the small networks here are as fast without its passes.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores: threads of one would wait for those of the other. NumPy reads this when it is imported.
    for threads in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(threads, "1")

import numpy as np

# Files with a test that runs alone for a minute. With the others they are handed out one by one, so these go first.
LONGEST = ("sweeps/test_backends.py", "training/test_distribution.py", "architecture/test_new_family.py")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONGEST))


@pytest.fixture(autouse=True)
def fixed_seed():
    """The same random numbers in every run; Keras is seeded only where something has imported it."""
    random.seed(0)
    np.random.seed(0)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """A function that exports a bundled checkpoint, once a session; gives what `zoo.serving.export.export` gives."""
    folder = tmp_path_factory.mktemp("exported")

    @functools.cache
    def export_once(name):
        from zoo.serving import export

        return export.export(name, folder / name)

    return export_once


@pytest.fixture(scope="session")
def probe():
    """A `tests.support.probe.Probe`: one process that checks exports, and starts with the first."""
    from tests.support.probe import Probe

    probe = Probe({**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"})
    yield probe
    probe.close()


@pytest.fixture(scope="module")
def one_probe(probe):
    """Exports of a module are checked by `probe`, not each by a process of its own."""
    from zoo.serving import export

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "subprocess", SimpleNamespace(run=probe.run))
        yield


@pytest.fixture(scope="module")
def pushes_here(one_probe):
    """A push exports in this process: tests/serving/test_publish.py has one in a process of its own."""
    from zoo.serving import publish

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(publish, "_run_export", publish._export)
        yield


@pytest.fixture
def run(capsys):
    """Run a command of `zoo` in this process; gives (status, stdout, stderr)."""
    from zoo import cli

    def command(*arguments):
        status = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return command


@pytest.fixture
def rated(tmp_path):
    """A CSV of two talkers whose ratings fall with noise (one in a straight order, one with a swap), and its rows."""
    from tests.support.harness import RECORDED
    from tests.support.jnd import write_ratings
    from zoo.audio import io, mix

    clip = io.read(RECORDED, 16000)[0][16000:32000]
    noise = mix.colored_noise(len(clip), 0.0, np.random.default_rng(0))
    io.write(tmp_path / "clean.wav", clip, 16000)
    for snr_db in (30, 20, 10, 0):
        noisy = mix.mix_at_snr(clip, noise, snr_db)
        io.write(tmp_path / f"{snr_db}.wav", np.stack([noisy[: -snr_db or None]] * 2, axis=1) / 2, 16000)
    scores = {"ann": {30: 4.5, 20: 4.0, 10: 2.0, 0: 1.0}, "bob": {30: 4.5, 20: 2.0, 10: 3.0, 0: 1.0}}
    rows = [
        {"file": f"{snr_db}.wav", "reference": "clean.wav", "mos": mos, "speaker": speaker}
        for speaker, by_snr in scores.items()
        for snr_db, mos in by_snr.items()
    ]
    return write_ratings(tmp_path, rows), rows
