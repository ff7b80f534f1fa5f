"""Labels: in order, cached by content, kept over an interruption, of any function."""

import dataclasses
import platform
import resource
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from tests.support.quality_net import RATE, TARGET, known_pair, loudness, noise_pairs
from zoo.errors import InputError
from zoo.quality_net import labels


def test_labels_are_in_order_with_nan_in_place(tmp_path):
    batches = noise_pairs()
    batches[1][2, 0] = 0
    scores = labels.label(batches, TARGET, tmp_path / "labels.sqlite", RATE, n_jobs=1)
    expected = [loudness(*(pair / np.float32(32768)), RATE) for batch in batches for pair in batch]
    np.testing.assert_allclose(scores, expected, rtol=1e-5)
    assert np.flatnonzero(np.isnan(scores)).tolist() == [8]


def test_labels_are_cached_by_content_and_metric(tmp_path):
    batches, cache, calls = noise_pairs(), tmp_path / "labels.sqlite", []

    def counted(*pair):
        calls.append(pair)
        return loudness(*pair)

    target = dataclasses.replace(TARGET, function=counted)
    first = labels.label(batches, target, cache, RATE, n_jobs=1)
    again = labels.label(batches[::-1], target, cache, RATE, n_jobs=1)
    assert len(calls) == 12
    np.testing.assert_array_equal(again, np.concatenate([first[6:], first[:6]]))
    batches[0][0, 1, 0] += 1
    labels.label(batches, target, cache, RATE, n_jobs=1)
    assert len(calls) == 13
    labels.label(batches, dataclasses.replace(target, name="other"), cache, RATE, n_jobs=1)
    assert len(calls) == 25


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc")
def test_workers_keep_what_arrays_free(tmp_path):
    """Else each array of a MB comes with page faults by the hundred, whenever it is made."""

    def faults(reference, degraded, sample_rate):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(20):
            arrays = [np.ones(125_000) for _ in range(8)]
            del arrays
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    target = dataclasses.replace(TARGET, function=faults)
    scores = labels.label(noise_pairs(), target, tmp_path / "labels.sqlite", RATE, n_jobs=2)
    assert np.median(scores) < 100


def test_labels_before_an_interruption_are_kept(tmp_path):
    batches, cache = noise_pairs(), tmp_path / "labels.sqlite"

    def interrupted(reference, degraded, rate):
        if np.array_equal(reference, batches[1][0, 0] / np.float32(32768)):
            raise KeyboardInterrupt
        return loudness(reference, degraded, rate)

    with pytest.raises(KeyboardInterrupt):
        labels.label(batches, dataclasses.replace(TARGET, function=interrupted), cache, RATE, n_jobs=1)
    with sqlite3.connect(cache) as store:
        assert store.execute("SELECT COUNT(*) FROM labels").fetchone() == (len(batches[0]),)


def test_failures_are_cached_too(tmp_path):
    silent = [np.zeros((2, 2, 8000), "int16")]
    for _ in range(2):
        assert np.isnan(labels.label(silent, TARGET, tmp_path / "labels.sqlite", RATE, n_jobs=1)).all()
    with sqlite3.connect(tmp_path / "labels.sqlite") as store:
        assert store.execute("SELECT COUNT(*) FROM labels").fetchone() == (1,)


def test_targets_by_name():
    assert labels.target("pesq-nb").metric["mode"] == "nb"
    custom = labels.target("tests.support.quality_net:loudness", -1.0, 2.0)
    assert (custom.function.__name__, custom.low, custom.high) == ("loudness", -1.0, 2.0)
    with pytest.raises(InputError, match="pesq-wb"):
        labels.target("pesq")


@pytest.mark.parametrize(("name", "score"), [("pesq-wb", 1.0832337), ("pesq-nb", 1.6072082), ("stoi", 0.6739178)])
def test_targets_on_the_known_pair(name, score):
    assert labels.target(name).function(*known_pair()) == pytest.approx(score, abs=1e-5)


def test_a_function_of_the_working_directory_reaches_the_workers(tmp_path):
    """In a process of its own, as a script of another folder would: there the working directory is not on the path."""
    (tmp_path / "own_metric.py").write_text("def score(reference, degraded, sample_rate):\n    return 0.25\n")
    script = tmp_path / "elsewhere" / "script.py"
    script.parent.mkdir()
    script.write_text(
        "import numpy as np\n"
        "from zoo.quality_net import labels\n"
        "if __name__ == '__main__':\n"
        "    pairs = [np.ones((2, 2, 100), 'int16')]\n"
        "    print(labels.label(pairs, labels.target('own_metric:score'), 'labels.sqlite', 16000, n_jobs=2))\n"
    )
    done = subprocess.run([sys.executable, script], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[0.25 0.25]"


def test_functions_that_cannot_be_imported_say_so():
    with pytest.raises(InputError, match="cannot import the metric nowhere:score"):
        labels.target("nowhere:score")
