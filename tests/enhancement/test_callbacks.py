"""True scores in the log, and the refresh of the surrogate."""

import keras
import numpy as np
import pytest

import zoo
from tests.support.enhancement import RATE
from zoo.enhancement import examples
from zoo.enhancement.callbacks import Refresh, TrueScores
from zoo.enhancement.model import DNNEnhancer
from zoo.metrics import speech


def test_true_scores_are_those_of_the_metrics(validation):
    enhancer = DNNEnhancer(units=8)
    scores = TrueScores(enhancer, validation, n_jobs=1)
    measured = scores.measure()
    enhanced = enhancer.enhance(scores.noisy, RATE)
    assert measured["si-sdr"] == pytest.approx(np.nanmean(speech.si_sdr(scores.reference, enhanced)), abs=1e-3)
    assert measured["stoi"] == pytest.approx(np.nanmean(speech.stoi(scores.reference, enhanced, RATE)), abs=1e-4)
    assert measured["pesq-wb"] == pytest.approx(np.nanmean(speech.pesq(scores.reference, enhanced, RATE)), abs=1e-3)
    assert measured["n_failed"] == 0 and "predicted" not in measured


def test_what_a_surrogate_predicts_is_not_clipped(validation):
    """The log is there to show a surrogate that is fooled, which predicts more than PESQ can be."""

    class Fooled:
        def score(self, reference, degraded, sample_rate, clip=True):
            return np.full(len(reference), 4.64 if clip else 9.0)

    assert TrueScores(DNNEnhancer(units=8), validation, Fooled(), n_jobs=1).measure()["predicted"] == 9.0


@pytest.mark.slow
def test_a_round_teaches_the_surrogate_what_the_enhancer_makes(source, surrogate, tmp_path):
    teacher, student = zoo.load(surrogate), zoo.load(surrogate, trainable=True)
    student.compile(keras.optimizers.Adam(1e-2), loss="mse", loss_weights=1 / 25)
    student.optimizer.build(student.trainable_variables)
    batches = examples.Batches(source, RATE, 8, 1, seed=3)
    refresh = Refresh(DNNEnhancer(units=8), teacher, student, batches, tmp_path, steps=40, n_jobs=1)
    reference, degraded, scores = refresh._label(0)
    assert len(scores) == 8 + 2 and np.isfinite(scores).all()

    def error():
        return np.mean(np.square(teacher.score(reference / 32767, degraded / 32767, RATE) - scores))

    before = error()
    for epoch in range(2):
        refresh.on_epoch_begin(epoch)
    assert error() < 0.5 * before
    for ours, theirs in zip(teacher.get_weights(), student.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert not teacher.trainable_variables
    stored = np.load(tmp_path / "round_0000.npz")
    np.testing.assert_array_equal(stored["arr_2"], scores)


def test_a_round_takes_mixtures_of_any_peak(source, surrogate, tmp_path, monkeypatch):
    """A slam at a low SNR; enhancers refuse recordings that peak so far above full scale."""
    draw = source.draw
    monkeypatch.setattr(source, "draw", lambda *arguments: [100 * audio for audio in draw(*arguments)])
    batches = examples.Batches(source, RATE, 4, 1, seed=3)
    refresh = Refresh(DNNEnhancer(units=8), None, None, batches, tmp_path, steps=1, n_jobs=1)
    _, degraded, scores = refresh._label(0)
    assert len(scores) == 5 and np.isfinite(scores).all()
    assert np.abs(degraded[4]).max() == 32767  # the first, unenhanced
