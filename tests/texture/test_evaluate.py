"""Scores of textures, what they are compared with, tables, figures, the command and its card."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools import evaluate as command
from zoo.audio import io
from zoo.checkpoint import integrity, preset, registry
from zoo.errors import InputError
from zoo.texture import baselines, card, evaluate, figures, spectrum
from zoo.texture.model import RandomConvEnsemble

RATE = 16000


class Loudness:
    """Two classes: the second the likelier, the louder a clip."""

    sample_rate = RATE

    def __call__(self, waveform):
        loud = np.clip(np.sqrt(np.mean(np.square(waveform), axis=1)), 0.01, 0.99)
        return np.stack([1 - loud, loud], axis=1)


def noise(seconds=1.5, seed=0):
    return (0.1 * np.random.default_rng(seed).standard_normal(int(seconds * RATE))).astype("float32")


@pytest.fixture
def small(monkeypatch):
    """Small networks wherever none are named."""

    def ensemble(widths=(2, 8), filters=8, **options):
        return RandomConvEnsemble(widths[:2], filters=8, **options)

    for module in ("evaluate", "synthesis"):
        monkeypatch.setattr(f"zoo.texture.{module}.RandomConvEnsemble", ensemble)


@pytest.fixture
def judge(small):
    return evaluate.Judge(Loudness())


def test_scores_are_best_for_the_target_itself_but_for_copying(judge):
    target = noise()
    itself, other = judge(target, target), judge(target, 0.5 * noise(seed=1))
    assert itself["class"] == itself["autocorrelation"] == 0 and itself["diversity"] > 1e5
    assert other["class"] > 0 and other["autocorrelation"] > 1e-5 and 0.1 < other["diversity"] < 10
    assert all(np.isnan(value) for value in judge(target, np.zeros_like(target)).values())


def test_a_copy_is_found_at_its_shift(judge):
    target = noise()
    curve = judge.by_shift(target, np.roll(target, -100 * spectrum.HOP_LENGTH))
    assert curve.shape == (spectrum.frame_count(len(target)),) and curve.argmax() == 100
    assert curve[100] > 2 * np.median(curve)


def test_a_round_trip_is_aligned_with_its_target():
    time = np.arange(16000) / RATE
    target = (0.3 * np.sin(2 * np.pi * 440 * time) * (np.floor(4 * time) % 2)).astype("float32")
    found = baselines.round_trip(target, phase_iterations=30)
    assert found.shape == target.shape
    envelope = [np.convolve(np.square(x), np.ones(400), "same") for x in (target, found)]
    assert np.corrcoef(envelope)[0, 1] > 0.98


def test_one_network_lowers_its_gram_loss(monkeypatch):
    losses = []
    plain = baselines.optimize.minimize

    def watched(function, *rest):
        def noted(x):
            value, gradient = function(x)
            losses.append(value)
            return value, gradient

        return plain(noted, *rest)

    monkeypatch.setattr(baselines.optimize, "minimize", watched)
    found = baselines.one_network(noise(2.0), RATE, iterations=25, phase_iterations=2, filters=16)
    assert found.shape == (32000,) and found.dtype == np.float32 and losses[-1] < 0.5 * losses[0]
    assert baselines.one_network(noise(2.0), RATE, 1.0, 1, 1, filters=4).shape == (16000,)


def test_what_is_there_is_not_made_again(judge, tmp_path):
    made, textures = [], {"rain": noise(), "wind": noise(seed=2)}

    def system(target):
        made.append(len(target))
        return target[::-1].copy()

    first = evaluate.run({"turned": system}, textures, judge, tmp_path)
    again = evaluate.run({"turned": system}, textures, judge, tmp_path)
    assert first == again and len(made) == 2 and set(first["turned"]) == {"rain", "wind"}
    np.testing.assert_array_equal(evaluate.read_made(tmp_path, "rain", "turned"), noise()[::-1])
    found = evaluate.table(first, {"rain": "other", "wind": "other"})["turned"]["other"]
    assert found["n"] == 2 and found["n_failed"] == 0
    assert found["class"][0] == pytest.approx(np.mean([row["class"] for row in first["turned"].values()]))


def test_failures_are_counted():
    row = {"class": 1.0, "autocorrelation": 2.0, "diversity": 3.0}
    scores = {"x": {"a": row, "b": dict.fromkeys(row, float("nan"))}}
    found = evaluate.table(scores, {"a": "other", "b": "other"})["x"]["other"]
    assert (found["n"], found["n_failed"], found["class"][0]) == (1, 1, 1.0)


def test_every_shared_texture_has_a_group():
    from tests.support.harness import data_path

    names = {path.stem for path in data_path("textures").glob("*.flac")}
    grouped = [name for names in evaluate.GROUPS.values() for name in names]
    assert len(grouped) == len(set(grouped)) and set(grouped) == names
    textures, groups = evaluate.read_textures(data_path("textures"), 2.0, few=1)
    assert list(groups.values()) == list(evaluate.GROUPS) and all(len(audio) == 32000 for audio in textures.values())


def test_figures_are_small_png(tmp_path):
    results = {f"x {beta:g}": {"rhythmic": {"class": [beta, 0, 1], "diversity": [1, 0.5, 2]}} for beta in (0.1, 0.2)}
    figures.trade_off(results, "rhythmic", tmp_path / "a.png")
    figures.by_shift({"one": np.random.default_rng(0).random(500)}, "rain", tmp_path / "b.png")
    for path in tmp_path.glob("*.png"):
        assert Image.open(path).format == "PNG" and path.stat().st_size < 300_000


@pytest.fixture
def bundled(small, tmp_path, monkeypatch):
    """An ensemble as a bundled checkpoint, two textures, and a classifier."""
    about = {"name": "texture-ensemble-16k", "family": "texture"}
    preset.save(RandomConvEnsemble((2,), filters=4), tmp_path / "zoo" / about["name"], card=about)
    monkeypatch.setattr(registry, "root", lambda: tmp_path / "zoo")
    (tmp_path / "textures").mkdir()
    for name in ("clock_tick_a", "rain_city"):
        io.write(tmp_path / "textures" / f"{name}.flac", noise(1.2, len(name)), RATE)
    monkeypatch.setattr("zoo.checkpoint.preset.load", lambda _: Loudness())
    monkeypatch.setattr(integrity, "sha256", lambda _: "0")
    monkeypatch.setattr(registry, "resolve", lambda name: tmp_path / "zoo" / name)
    monkeypatch.setattr(baselines, "one_network", lambda target, *_, **__: target[::-1].copy())
    monkeypatch.setattr(evaluate, "match_statistics", lambda target, *_, **__: (target[::-1].copy(), []))
    return tmp_path


def test_the_command_renews_the_card(bundled, monkeypatch, capsys):
    arguments = [
        "--data",
        bundled,
        "--runs",
        bundled / "runs",
        "--seconds",
        1,
        "--iterations",
        2,
        "--phase-iterations",
        1,
    ]
    monkeypatch.setattr(sys, "argv", ["evaluate.py", "texture", *map(str, arguments)])
    command.main()
    printed = capsys.readouterr().out
    found = registry.info("texture-ensemble-16k")["evaluation"]
    assert found["command"] == "python tools/evaluate.py texture --seconds 1.0 --iterations 2 --phase-iterations 1"
    assert list(found["results"]) == list(evaluate.systems({"iterations": 1, "phase_iterations": 1, "seed": 0}))
    assert len(found["trade_off"]) == 4 and len(found["networks"]) == 9
    for system in found["results"]:
        assert system in printed and set(found["results"][system]) == {"rhythmic", "other"}
    directory = bundled / "zoo" / "texture-ensemble-16k"
    assert {path.name for path in directory.glob("*.png")} == {"shifts.png", "trade-off.png"}
    page = card.evaluation({"architecture": "RandomConvEnsemble", "evaluation": json.loads(json.dumps(found))})
    assert "Table 1" in page and "| Gram alone | rhythmic |" in page
    assert len(list(Path(bundled / "runs").rglob("*.wav"))) == 2 * 7 + 3 + 8  # one weight is in both


def test_the_command_needs_textures(bundled, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["evaluate.py", "texture", "--data", str(tmp_path / "none")])
    with pytest.raises(InputError, match="none of the textures"):
        command.main()
