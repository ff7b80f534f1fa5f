"""Rendered ladders and judgments: seeded, kept, of any speech, by processes without a backend."""

import subprocess
import sys

import numpy as np
import pytest

from tests.support.harness import RECORDED, REPOSITORY, data_path
from tests.support.jnd import judgment
from zoo.audio import io, mix
from zoo.errors import InputError
from zoo.jnd import rendered
from zoo.jnd.examples import as_float
from zoo.jnd.judgments import read_judgments, split_of
from zoo.jnd.noises import Material
from zoo.metrics import speech


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A folder of two talkers at 48 kHz, little material, and two short ladders."""
    speech_48k = io.resample(io.read(RECORDED, 16000)[0], 16000, 48000)
    for talker in ("one", "two"):
        (tmp_path / "speech" / talker).mkdir(parents=True)
        io.write(tmp_path / "speech" / talker / "a.wav", speech_48k, 48000)
    monkeypatch.setattr(Material, "read", classmethod(lambda cls, data, split: cls({}, [])))
    monkeypatch.setattr(rendered, "LADDERS", {rendered.SNR: (60.0, 20.0), "pops": (20.0, 80.0)})
    rendered.read.cache_clear()
    yield rendered.Source("data", str(tmp_path / "speech"))
    rendered.read.cache_clear()


def test_rungs_are_seeded_kept_and_alike_but_for_strength(source, tmp_path):
    one, two = rendered.render_ladders(source, 2, tmp_path, n_jobs=1)
    assert one.shape == (5, 55125) and (one[0] != two[0]).any()
    clip, *rungs = as_float(one)
    soft, loud = (rung - clip * (rung @ clip) / (clip @ clip) for rung in rungs[:2])  # the noise of two SNRs
    assert soft @ loud > 0.95 * np.linalg.norm(soft) * np.linalg.norm(loud)
    assert mix.rms(loud) / mix.rms(soft) == pytest.approx(100, rel=0.1)
    written = {path: path.stat().st_mtime_ns for path in (tmp_path / "jnd").rglob("*.npy")}
    again = rendered.render_ladders(source, 3, tmp_path, n_jobs=1)
    assert (again[0] == one).all() and {path: path.stat().st_mtime_ns for path in written} == written
    assert len(again) == 3 and len(list((tmp_path / "jnd").rglob("*.npy"))) == 3
    with pytest.raises(InputError, match="1 or more"):
        rendered.render_ladders(source, 0, tmp_path)


def test_judgments_are_rendered_on_any_speech(source, tmp_path):
    chunks = rendered.render_judgments(source, [judgment(0, True), judgment(1, False)], tmp_path, n_jobs=1)
    assert [chunk.shape for chunk in chunks] == [(2, 2, 55125)]
    (reference, degraded), _ = as_float(chunks[0])
    assert speech.si_sdr(reference, degraded)[0] == pytest.approx(20, abs=1.5)
    other = rendered.Source("data", str(tmp_path / "speech" / "one"))
    assert other.digest() != source.digest() and len(source.digest()) == 8
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no"):
        rendered.Source("data", str(tmp_path / "empty")).digest()


def test_processes_that_render_load_no_backend():
    code = "import sys, zoo.jnd.rendered; print({'keras', 'tensorflow', 'jax'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_real_tables_keep_talkers_for_the_test():
    judgments, _ = read_judgments(data_path("jnd_judgments"))
    kept = [one for one in judgments if split_of(one.talker) == "test"]
    assert {one.table for one in kept} == {"combined", "eq", "linear", "reverb"}
    assert all(20 < sum(one.different for one in kept if one.table == table) for table in ("combined", "eq", "reverb"))
