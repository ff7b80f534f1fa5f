"""Evaluation of enhancers: scores in place, intervals by utterance, paired gains."""

import math
import subprocess
import sys

import numpy as np
import pytest
import soundfile

import zoo
from tests.support.harness import REPOSITORY, data_path
from zoo.audio import io, mix
from zoo.data.speech import SAMPLE_RATE
from zoo.enhancement import evaluate, measures
from zoo.enhancement.examples import Example
from zoo.errors import InputError
from zoo.metrics import dnsmos, speech

CLEAN, _ = io.read(REPOSITORY / "zoo" / "data" / "audio" / "speech_reference.flac", SAMPLE_RATE)
CLEAN = CLEAN[8000:25000]
NOISE = mix.colored_noise(len(CLEAN), 1.0, np.random.default_rng(0))
TRUE = measures.TRUE


@pytest.fixture(autouse=True)
def without_dnsmos(monkeypatch):
    """Its network takes longer than all of these tests."""
    monkeypatch.setattr(dnsmos, "available", lambda: False)


def identity(noisy):
    return noisy


def example(name, snr_db):
    return Example(name, snr_db, CLEAN, mix.mix_at_snr(CLEAN, NOISE, snr_db))


class Listener:
    """The mean absolute difference of what counts, as a distance."""

    def distance(self, reference, degraded, sample_rate, lengths, resample):
        assert sample_rate == SAMPLE_RATE and resample and reference.shape == degraded.shape
        return np.abs(reference - degraded).sum(axis=1) / lengths


LISTENER = Listener()


def rows(scores, metric="pesq-wb"):
    """Rows of {utterance: {snr: score}} with 0 for the other metrics."""
    zeros = dict.fromkeys(measures.METRICS, 0.0)
    return [
        {"name": name, "snr_db": snr_db, **zeros, metric: score}
        for name, by_snr in scores.items()
        for snr_db, score in by_snr.items()
    ]


# --- scores -----------------------------------------------------------------------------------------------------


def test_scores_are_true_in_order_and_nan_in_place():
    silent = Example("silent", 0, np.zeros(len(NOISE), "float32"), NOISE)
    scored = evaluate.score(identity, [example("one", 12), silent, example("one", 0)], LISTENER, n_jobs=1)
    assert [(row["name"], row["snr_db"]) for row in scored] == [("one", 12), ("silent", 0), ("one", 0)]
    assert all(math.isnan(scored[1][metric]) for metric in TRUE)
    assert scored[1]["jnd"] == pytest.approx(np.abs(NOISE).mean())
    assert scored[2]["jnd"] == pytest.approx(np.abs(example("one", 0).noisy - CLEAN).mean())
    assert scored[2]["jnd"] > scored[0]["jnd"] > 0
    for metric in TRUE:
        expected = speech.score_pair(metric, CLEAN, example("one", 0).noisy, SAMPLE_RATE)
        assert scored[2][metric] == expected < scored[0][metric]


def test_attenuation_does_not_change_what_ignores_level():
    scores = [
        evaluate.score(system, [example("one", 6)], LISTENER, n_jobs=1)[0]
        for system in (identity, lambda noisy: [0.5 * audio for audio in noisy])
    ]
    for metric in ("stoi", "si-sdr"):
        assert scores[1][metric] == pytest.approx(scores[0][metric], abs=1e-4)


def test_on_real_recordings():
    clean = min(data_path("speech", "test").rglob("*.flac"))
    noise = min(data_path("noise", "test").rglob("*.flac"))
    clean, noise = (soundfile.read(path, frames=32000, dtype="float32")[0] for path in (clean, noise))
    examples = [Example("real", snr, clean, mix.mix_at_snr(clean, noise, snr)) for snr in (0, 6, 18)]
    scored = evaluate.score(identity, examples, zoo.load(measures.LISTENER), n_jobs=2)
    for metric in TRUE:
        assert scored[0][metric] < scored[1][metric] < scored[2][metric]
    assert scored[0]["jnd"] > scored[1]["jnd"] > scored[2]["jnd"] > 0
    assert scored[1]["si-sdr"] == pytest.approx(6, abs=0.5)


class Halver:
    """An enhancer without a network, that takes what counts at half the level."""

    name = "halver"

    def enhance(self, noisy, sample_rate, lengths):
        assert sample_rate == SAMPLE_RATE and len(noisy) <= 16
        assert all(not row[n:].any() for row, n in zip(noisy, lengths, strict=True))
        return noisy / 2


def test_an_enhancer_gets_batches_and_gives_each_recording_back_in_order():
    rng = np.random.default_rng(0)
    noisy = [rng.standard_normal(n).astype("float32") for n in rng.integers(100, 900, 35)]
    for recording, made in zip(noisy, evaluate.enhance(Halver(), noisy), strict=True):
        np.testing.assert_array_equal(made, recording / 2)


def test_a_system_that_loses_recordings_or_samples_raises():
    with pytest.raises(InputError, match="gave 0 recordings for 1"):
        evaluate.score(lambda noisy: [], [example("one", 0)], LISTENER, n_jobs=1)
    with pytest.raises(InputError, match="differ in shape"):
        evaluate.score(lambda noisy: [audio[1:] for audio in noisy], [example("one", 0)], LISTENER, n_jobs=1)


def test_processes_that_score_load_no_backend():
    code = "import sys, zoo.enhancement.evaluate; print({'keras', 'tensorflow', 'jax'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


# --- means and gains --------------------------------------------------------------------------------------------


def test_results_by_snr_and_average():
    summary = evaluate.results(rows({"a": {6: 2.0, -6: 1.0}, "b": {6: 4.0, -6: math.nan}, "c": {6: 3.0, -6: 2.0}}))
    assert list(summary) == ["-6", "6", "average"]
    assert [summary[row]["pesq-wb"][0] for row in summary] == [1.5, 3.0, 2.4]
    assert [(summary[row]["n"], summary[row]["n_failed"]) for row in summary] == [(3, 1), (3, 0), (6, 1)]
    _, low, high = summary["6"]["pesq-wb"]
    assert 2 <= low < 3 < high <= 4


def test_examples_without_an_snr_have_an_average_only():
    assert list(evaluate.results(rows({"a": {None: 1.0}, "b": {None: 2.0}}))) == ["average"]


def test_intervals_resample_utterances():
    by_utterance = {f"{i}": float(score) for i, score in enumerate(np.random.default_rng(0).normal(2, 1, 40))}
    once = rows({name: {0: score} for name, score in by_utterance.items()})
    fivefold = rows({name: dict.fromkeys((-6, 0, 6, 12, 18), score) for name, score in by_utterance.items()})
    narrow, wide = (evaluate.results(each)["average"]["pesq-wb"] for each in (once, fivefold))
    assert wide == pytest.approx(narrow)  # the same score at five SNRs tells nothing new


def test_gains_are_paired():
    base = {"a": {0: 1.0, 6: 2.0}, "b": {0: 3.0, 6: 4.0}}
    better = {name: {snr: score + 0.1 for snr, score in by_snr.items()} for name, by_snr in base.items()}
    gain = evaluate.gains(rows(better), rows(base))
    assert gain["pesq-wb"] == pytest.approx([0.1, 0.1, 0.1]) and gain["stoi"] == [0, 0, 0]
    better["a"][0] = math.nan
    gain = evaluate.gains(rows(better), rows(base))
    assert gain["pesq-wb"][0] == pytest.approx(0.1) and (gain["n"], gain["n_failed"]) == (4, 1)
    with pytest.raises(InputError, match="different mixtures"):
        evaluate.gains(rows(better), rows({"a": base["a"]}))


def test_gains_are_of_what_both_were_scored_by():
    fewer = [{key: value for key, value in row.items() if key != "free-pesq"} for row in rows({"a": {0: 1.0}})]
    assert "free-pesq" in evaluate.gains(rows({"a": {0: 1.5}}), rows({"a": {0: 1.0}}))
    gain = evaluate.gains(rows({"a": {0: 1.5}}), fewer)
    assert gain["pesq-wb"][0] == 0.5 and "jnd" in gain and "free-pesq" not in gain and gain["n_failed"] == 0


def test_a_card_has_every_system_that_was_scored():
    scored = {name: rows({"a": {0: 1.0}}) for name in ("mine", *evaluate.BASELINES, "DTLN", "GTCRN")}
    evaluated = evaluate.evaluation(scored, "mine", ["DTLN", "GTCRN"])
    assert list(evaluated) == ["results", *evaluate.BASELINES, "outside", "gains"]
    assert list(evaluated["outside"]) == ["DTLN", "GTCRN"] and list(evaluated["gains"]) == ["over noisy"]
    headings = ["noisy", "Wiener", "OM-LSA", "spectral gating"]
    assert list(evaluate.other_systems(evaluated)) == [*headings, "DTLN", "GTCRN"]
    assert list(evaluate.other_systems(evaluate.evaluation(scored, "mine"))) == headings
