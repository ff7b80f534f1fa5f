"""Scores of textures, syntheses that are kept, and tables."""

import numpy as np
import pytest

from tests.support.harness import data_path
from tests.support.texture import Loudness, make_networks_small, noise
from zoo.texture import evaluate, spectrum


@pytest.fixture
def small(monkeypatch):
    make_networks_small(monkeypatch)


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
    for by_shift in (judge.by_shift, judge.inverse_by_shift):
        curve = by_shift(target, np.roll(target, -100 * spectrum.HOP_LENGTH))
        assert curve.shape == (spectrum.frame_count(len(target)),) and curve.argmax() == 100
        assert curve[100] > 2 * np.median(curve)


def test_scores_of_spectrograms_are_their_sums_written_out():
    target, copy = np.random.default_rng(0).random((2, 160, 257)).astype("float32")
    a, b = (np.fft.ifft(np.abs(np.fft.fft(x, axis=0)) ** 2, axis=0).real[50:81] for x in (copy, target))
    ratios = [np.sum(target**2) / np.sum((copy - np.roll(target, -s, axis=0)) ** 2) for s in range(160)]
    longer = np.pad(copy, ((5, 5), (0, 0)))
    for scores in (evaluate.spectrogram_scores(target, copy), evaluate.spectrogram_scores(target, target, longer)):
        expected = np.sum((a - b) ** 2) / np.sum(b**2)
        assert scores["spectrogram autocorrelation"] == pytest.approx(expected, rel=1e-3)
        assert scores["spectrogram diversity"] == pytest.approx(max(ratios), rel=1e-4)


def test_what_is_there_is_not_made_again(judge, tmp_path):
    made, textures = [], {"rain": noise(), "wind": noise(seed=2)}

    def system(target):
        made.append(len(target))
        return target[::-1].copy(), None

    first = evaluate.run({"turned": system}, textures, judge, tmp_path)
    again = evaluate.run({"turned": system}, textures, judge, tmp_path)
    assert first == again and len(made) == 2 and set(first["turned"]) == {"rain", "wind"}
    np.testing.assert_array_equal(evaluate.read_made(tmp_path, "rain", "turned"), noise()[::-1])
    cells = evaluate.table(first, {"rain": "other", "wind": "other"})["turned"]["other"]
    assert cells["n"] == 2 and cells["n_failed"] == 0
    assert cells["class"][0] == pytest.approx(np.mean([row["class"] for row in first["turned"].values()]))


def test_failures_are_counted():
    row = dict.fromkeys(evaluate.SCORES, 1.0)
    scores = {"x": {"a": row, "b": dict.fromkeys(row, float("nan"))}}
    cells = evaluate.table(scores, {"a": "other", "b": "other"})["x"]["other"]
    assert (cells["n"], cells["n_failed"], cells["class"][0]) == (1, 1, 1.0)


def test_every_shared_texture_has_a_group():
    names = {path.stem for path in data_path("textures").glob("*.flac")}
    grouped = [name for names in evaluate.GROUPS.values() for name in names]
    assert len(grouped) == len(set(grouped)) and set(grouped) == names
    textures, groups = evaluate.read_textures(data_path("textures"), 2.0, few=1)
    assert list(groups.values()) == list(evaluate.GROUPS) and all(len(audio) == 32000 for audio in textures.values())
