"""Degradations in a known order: drawn, applied, scored and stored."""

import numpy as np
import pytest

from zoo.errors import InputError
from zoo.jnd import baselines, severity
from zoo.jnd.degradations import Degradation
from zoo.jnd.noises import Material
from zoo.jnd.rendered import Source
from zoo.jnd.severity import KINDS

CLIP = (0.2 * np.sin(0.3 * np.arange(22050)) * np.sin(0.001 * np.arange(22050)) ** 2).astype("float32")
RECORDED = ("applause", "water_drops", "crickets", "room")
MATERIAL = Material(
    {name: [np.random.default_rng(0).standard_normal(22050).astype("float32")] for name in RECORDED},
    [np.exp(-np.arange(8000) / 1000) * np.random.default_rng(1).standard_normal(8000)],
)


def codec(speech, kbps):
    """A stand-in of Lyra, whose networks are not here."""
    return speech + (0.0 if kbps is None else 0.01 / kbps)


def test_draws_are_two_values_of_two_kinds_mild_first():
    kinds, chains = set(), 0
    for seed in range(300):
        degradations = severity.draw(np.random.default_rng(seed), has_lyra=True)
        assert degradations == severity.draw(np.random.default_rng(seed), has_lyra=True)
        for mild, severe in (degradations[:2], degradations[2:]):
            ladder = KINDS[mild.kind]
            assert ladder.index(mild.value) < ladder.index(severe.value)
            assert (mild.kind, mild.before, mild.seed) == (severe.kind, severe.before, severe.seed)
            chains += mild.before is not None
            assert mild.before is None or mild.before[0] != "lyra"
        assert degradations[0].kind != degradations[2].kind
        kinds |= {degradation.kind for degradation in degradations}
    assert kinds == set(KINDS)
    assert 0.2 < chains / 600 < 0.4
    drawn = {d.kind for seed in range(100) for d in severity.draw(np.random.default_rng(seed))}
    assert drawn == set(KINDS) - {"lyra"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_loud_as_the_clip_deterministic_and_changes_it(kind):
    if kind == "world":
        pytest.importorskip("pyworld")
    severe = Degradation(kind, KINDS[kind][-1], ("clipping", 0.01), seed=4)
    changed, again = (severity.apply(CLIP, severe, MATERIAL, codec) for _ in range(2))
    assert changed.shape == CLIP.shape
    np.testing.assert_array_equal(changed, again)
    assert not np.array_equal(changed, severity.apply(CLIP, Degradation("clipping", 0.01, None, 5), MATERIAL))


def test_another_kind_is_refused():
    with pytest.raises(InputError, match="'mnur': use noise, mnru"):
        severity.degrade(CLIP, "mnur", 20, MATERIAL, None, seed=0)


def test_teachers_score_the_kinds_that_they_are_valid_for(monkeypatch):
    monkeypatch.setattr(severity, "_teacher", lambda name: baselines.squared_error())
    degradations = [
        Degradation(kind, value, before, 0)
        for kind, value, before in (
            ("noise", 20, None), ("noise", 20, ("mp3", 8.0)), ("opus", 9.0, ("mp3", 8.0)), ("lyra", None, None),
            ("reverberation", 0.0, None), ("noise", 20, ("reverberation", 0.0)),
        )
    ]  # fmt: skip
    recordings = np.stack([CLIP, *(CLIP + 0.01 * i for i in range(1, 7))])
    missed = severity.missed_scores(recordings, degradations)
    np.testing.assert_array_equal(np.isfinite(missed), [[1, 0], [1, 0], [1, 1], [0, 1], [0, 0], [0, 0]])
    assert missed[2, 0] == pytest.approx(0.03**2, rel=1e-3)


def test_groups_are_rendered_scored_and_read_again(monkeypatch, tmp_path):
    speech = {"f1": [np.random.default_rng(0).standard_normal(48000).astype("float32")]}
    monkeypatch.setattr(severity.rendered, "read", lambda source: (speech, MATERIAL))
    monkeypatch.setattr(severity, "missed_scores", lambda audio, degradations: np.full((4, 2), len(audio), "float32"))
    monkeypatch.setattr(severity, "KINDS", {kind: KINDS[kind] for kind in ("mnru", "clipping", "low-pass")})
    graded = severity.render(Source(str(tmp_path), split="train"), 3, tmp_path, n_jobs=1)
    assert [len(group) for group in graded.degradations] == [4, 4, 4]
    (audio,) = graded.audio
    assert audio.shape == (3, 5, 55125) and audio.dtype == np.int16
    np.testing.assert_array_equal(graded.missed, np.full((3, 4, 2), 5))
    monkeypatch.setattr(severity, "apply", None)  # nothing is rendered again
    again = severity.render(Source(str(tmp_path), split="train"), 3, tmp_path, n_jobs=1)
    np.testing.assert_array_equal(again.audio[0], audio)
    assert again.degradations == graded.degradations


def test_ladders_have_every_value_in_order(monkeypatch, tmp_path):
    speech = {"f1": [np.random.default_rng(0).standard_normal(48000).astype("float32")]}
    monkeypatch.setattr(severity.rendered, "read", lambda source: (speech, MATERIAL))
    monkeypatch.setattr(severity, "missed_scores", lambda audio, rungs: np.full((len(rungs), 2), len(audio), "float32"))
    monkeypatch.setattr(severity, "KINDS", {kind: KINDS[kind] for kind in ("clipping", "low-pass", "lyra")})
    ladders = severity.render_ladders(Source(str(tmp_path)), 2, tmp_path, n_jobs=1)
    values = [(rung.kind, rung.value) for rung in ladders.degradations[0]]
    assert values == [(kind, value) for kind in ("clipping", "low-pass") for value in KINDS[kind]]
    audio = np.concatenate(ladders.audio)
    assert audio.shape == (2, 15, 55125) and ladders.missed.shape == (2, 14, 2)
    assert not np.array_equal(audio[0, 0], audio[1, 0])


def test_lyra_without_its_networks_says_what_to_give(tmp_path):
    with pytest.raises(InputError, match="lacks soundstream_encoder.tflite.*give lyra/model_coeffs"):
        severity.Lyra(tmp_path)
