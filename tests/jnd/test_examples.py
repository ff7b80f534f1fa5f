"""Judged pairs rendered again: what differs is what the names say, and a seed fixes everything."""

import numpy as np
import pytest

from tests.support import harness
from zoo.audio import mix
from zoo.errors import InputError
from zoo.jnd import examples, rendered
from zoo.jnd.judgments import Judgment
from zoo.jnd.noises import Material

pytest.importorskip("pyloudnorm")


def speech():
    """A talker with syllables of a harmonic tone."""
    time = np.arange(5 * 16000) / 16000
    tone = sum(np.sin(2 * np.pi * 150 * k * time) for k in range(1, 40))
    return {"one": [(tone * np.sin(9 * time) ** 2 * 0.01).astype("float32")]}


def material():
    room = np.exp(-np.arange(4000) / 600) * np.random.default_rng(0).standard_normal(4000)
    room[0] = 4.0
    return Material({}, [room.astype("float32")])


def judge(reference, degraded):
    return Judgment("combined", "f1", "1", "2.5", reference, degraded, "", True)


def render(reference, degraded, seed=0):
    return examples.render(judge(reference, degraded), speech(), material(), seed)


def test_a_pair_is_alike_but_for_what_was_judged():
    pair = render({"noise": "white", "snr_db": 40.0}, {"noise": "white", "snr_db": 10.0})
    assert pair.shape == (2, examples.SAMPLES)
    assert pair.dtype == np.float32
    # The same speech, and the same noise at 30 dB more: what is left of the pair is that noise.
    gain = np.dot(*pair) / np.dot(pair[0], pair[0])
    left = pair[1] - gain * pair[0]
    assert 8 < 20 * np.log10(mix.rms(gain * pair[0]) / mix.rms(left)) < 12


@pytest.mark.parametrize(
    "condition",
    [{}, {"noise": "pink", "snr_db": 20.0}, {"drr_db": 5.0, "rt60": 0.5}, {"kbps": 300.0}, {"eq": (0.0, 50.0, 100.0)}],
)
def test_equal_conditions_give_equal_recordings(condition):
    reference, degraded = render(condition, dict(condition))
    np.testing.assert_array_equal(reference, degraded)


@pytest.mark.parametrize(
    ("reference", "degraded"),
    [
        ({}, {"drr_db": 0.0, "rt60": 0.8}),
        ({"kbps": 300.0}, {"kbps": 1.0}),
        ({"eq": (0.0, 0.0, 0.0)}, {"eq": (0.0, 90.0, 0.0)}),
    ],
)
def test_unequal_conditions_differ(reference, degraded):
    pair = render(reference, degraded)
    assert np.isfinite(pair).all()
    assert mix.rms(pair[0] - pair[1]) > 0.003


def test_a_seed_fixes_the_pair_and_another_changes_it():
    conditions = {"noise": "white", "snr_db": 20.0}, {"noise": "white", "snr_db": 10.0}
    np.testing.assert_array_equal(render(*conditions), render(*conditions))
    assert np.abs(render(*conditions) - render(*conditions, seed=1)).max() > 0.01


def test_ladders_share_all_but_the_strength(monkeypatch):
    monkeypatch.setattr(examples.perturb, "LADDER", {"noise:white": (0.0, 50.0, 100.0)})
    ladder = examples.draw_ladder(speech(), material(), np.random.default_rng(0))
    clip, mild, severe = ladder
    errors = [mix.rms(rung - clip * np.dot(rung, clip) / np.dot(clip, clip)) for rung in (mild, severe)]
    assert errors[0] < 0.5 * errors[1]


def test_chunks_are_kept_and_made_again_only_where_they_lack(tmp_path):
    data = harness.data_path()
    judgments = [judge({"kbps": 300.0}, {"eq": (0.0, float(i), 0.0)}) for i in range(1, 4)]
    source = rendered.Source(str(data))
    (chunk,) = rendered.render_judgments(source, judgments, tmp_path, n_jobs=1)
    assert chunk.shape == (3, 2, examples.SAMPLES)
    assert chunk.dtype == np.int16
    (path,) = tmp_path.rglob("*.npy")
    before = path.stat().st_mtime_ns
    rendered.render_judgments(source, judgments, tmp_path, n_jobs=1)
    assert path.stat().st_mtime_ns == before
    kept = np.array(chunk)
    path.unlink()
    (again,) = rendered.render_judgments(source, judgments, tmp_path, n_jobs=1)
    np.testing.assert_array_equal(again, kept)


def test_nothing_to_render_raises(tmp_path):
    with pytest.raises(InputError, match="no judgments to render"):
        rendered.render_judgments(rendered.Source("data"), [], tmp_path)
