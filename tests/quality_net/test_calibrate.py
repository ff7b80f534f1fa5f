"""Intervals that are fitted: they hold as often as they are to, where errors differ, and are counted right."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

from tests.support.quality_net import noise_pairs
from zoo.audio import io
from zoo.checkpoint import preset, registry
from zoo.data.speech import Corpus
from zoo.errors import InputError
from zoo.quality_net import calibrate, train
from zoo.quality_net.intervals import Intervals
from zoo.quality_net.model import QualityNetLite

METRIC = SimpleNamespace(target_range=(1.0, 5.0))


def drawn(n, seed):
    """Pairs whose errors, in the metric's units, grow with the first number of their description, and lie above."""
    rng = np.random.default_rng(seed)
    described, quality = rng.normal(size=(n, 3)), rng.uniform(0.2, 0.8, n)
    errors = np.exp(0.5 * described[:, 0] - 3) * np.where(rng.random(n) < 0.2, -1, 2) * rng.exponential(size=n)
    facts = [{"kind": "noisy" if one else "band", "snr_db": None} for one in rng.random(n) < 0.8]
    predicted = 1 + 4 * quality
    return calibrate.Scored(facts, predicted + 4 * errors, predicted, described)


@pytest.mark.parametrize("level", [0.7, 0.9])
def test_they_hold_as_often_as_they_say_whatever_the_errors_are(level):
    held, other = drawn(6000, 0), drawn(6000, 1)
    intervals = calibrate.fit(METRIC, held, held.described, level)
    bounds = 1 + 4 * intervals.bounds(other.described, (other.predicted - 1) / 4)
    for chosen in (np.ones(6000, bool), other.described[:, 0] > 0.7, other.described[:, 0] < -0.7):
        inside = (bounds[:, 0] <= other.truth) & (other.truth <= bounds[:, 1])
        assert inside[chosen].mean() == pytest.approx(level, abs=0.05)
    # The errors below are rarer and smaller.
    assert np.mean(bounds[:, 1] - other.predicted) > 2 * np.mean(other.predicted - bounds[:, 0])


def test_99_of_100_training_pairs_are_familiar_and_what_is_far_has_wide_intervals():
    held = drawn(2000, 0)
    intervals = calibrate.fit(METRIC, held, held.described)
    distance = np.linalg.norm(intervals.coordinates(held.described), axis=1)
    assert np.mean(distance <= 1) == pytest.approx(0.99, abs=0.001)
    far = np.array([[0.0, 30.0, 0.0]])
    near, wide = (np.diff(intervals.bounds(x, np.array([0.5])))[0, 0] for x in (np.zeros((1, 3)), far))
    assert wide > 5 * near


def test_pairs_without_a_truth_are_left_out():
    held = drawn(500, 0)
    truth = held.truth.copy()
    truth[::3] = np.nan
    usable = np.isfinite(truth)
    with_gaps = calibrate.fit(METRIC, dataclasses.replace(held, truth=truth), held.described)
    facts = [fact for fact, one in zip(held.facts, usable, strict=True) if one]
    alone = calibrate.Scored(facts, held.truth[usable], held.predicted[usable], held.described[usable])
    np.testing.assert_allclose(with_gaps.upper, calibrate.fit(METRIC, alone, held.described).upper, atol=1e-6)


def test_coverage_is_counted_by_group():
    facts = [{"kind": kind, "snr_db": None} for kind in ("codec", "codec", "band", "codec")]
    truth, bounds = np.array([1.0, 2.0, 3.0, np.nan]), np.array([[0.5, 1.5], [2.5, 3.0], [3.0, 3.4], [0, 1]])
    results = calibrate.coverage(calibrate.Scored(facts, truth, truth, None, bounds))
    assert results["codec"]["coverage"][0] == 0.5 and results["band"]["coverage"][0] == 1.0
    assert results["all"]["n"] == 3 and results["all"]["n_failed"] == 1
    assert results["all"]["width"] == pytest.approx((1.0 + 0.5 + 0.4) / 3)
    # Wilson's interval of 2 of 3, computed by hand.
    np.testing.assert_allclose(results["all"]["coverage"], [2 / 3, 0.2077, 0.9385], atol=1e-4)


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder with a song, and pairs, labels and noise that are drawn in no time."""
    song = tmp_path / "data" / "music" / "test" / "Act - Song"
    song.mkdir(parents=True)
    io.write(song / "mixture.wav", 0.1 * np.random.default_rng(0).standard_normal((16000 * 5, 2)), 16000)
    (song.parents[1] / "MANIFEST.csv").write_text("path\ntest/Act - Song/mixture.wav\n")
    noise = np.random.default_rng(1).standard_normal(16000 * 5).astype("float32")
    monkeypatch.setattr(calibrate, "read_corpus", lambda *_: Corpus({}, [noise], []))
    facts = [{"kind": "noisy", "snr_db": 3.0}, {"kind": "band", "snr_db": None}] * 6
    chunks = SimpleNamespace(audio=noise_pairs(), facts=facts)
    monkeypatch.setattr(train, "draw", lambda *_: chunks)
    truth = np.random.default_rng(2).uniform(0.2, 0.9, 12)
    monkeypatch.setattr(train, "prepare", lambda *_: (chunks, truth))
    return tmp_path / "data"


def test_what_is_no_speech_is_music_and_clicks(data):
    pairs = calibrate.unlike_speech(data)
    assert {name: audio.shape for name, audio in pairs.items()} == dict.fromkeys(
        ("music", "clicks in silence"), (48, 2, 48000)
    )
    assert (np.count_nonzero(pairs["clicks in silence"][:, 0], axis=1) <= 6).all()
    (data / "music" / "MANIFEST.csv").write_text("path\n")
    with pytest.raises(InputError, match="has no mixture under music/test"):
        calibrate.unlike_speech(data)


def test_a_checkpoint_gets_intervals_and_keeps_its_scores(data, tmp_path):
    recipe, directory = train.Recipe("x", "QualityNetLite", "stoi"), tmp_path / "mine"
    before = QualityNetLite(convolutions=((2, 2, 2),), target_range=(0, 1))
    card = {"name": "x", "training": {"recipe": dataclasses.asdict(recipe)}}
    preset.save(before, directory, card=card, golden=[*np.zeros((2, 1, 16000), "float32")])
    calibrate.calibrate(directory, recipe, data, tmp_path, 1, "python fit")
    after, pair = preset.load(directory, verify=True), np.moveaxis(noise_pairs()[0] / 32768, 1, 0)
    scores, bounds = after.score(*pair, 16000, interval=True)
    np.testing.assert_array_equal(scores, before.score(*pair, 16000))
    assert bounds.shape == (6, 2)
    intervals = registry.info(f"{directory}/")["intervals"]
    rows = {row["pairs"]: row for row in intervals["rows"]}
    assert list(rows) == [f"{split} test, {group}" for split in ("first", "second") for group in
                          ("all", "noisy", "other", "band", "snr 0..10")] + ["music", "clicks in silence"]  # fmt: skip
    assert rows["music"]["n"] + rows["music"]["n_failed"] == 48 and intervals["n_fitted"] == 12
    assert (directory / "intervals.png").stat().st_size > 5000
    assert isinstance(Intervals(**after.intervals), Intervals)
