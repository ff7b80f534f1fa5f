"""Bundled enhancers: intervals of every true score, shapes, levels, chunks, and speech that is nearer to the clean."""

import numpy as np
import pytest

import zoo
from tests.support.checkpoints import CARDS, NAMES, golden_inputs, load, of_family, swept, swept_architectures
from tests.support.harness import REPOSITORY
from zoo.audio import io
from zoo.enhancement.evaluate import bases
from zoo.metrics import speech

ENHANCERS = of_family("enhancement")
# Networks on waveforms, which nothing brings to one level, nor to the statistics of the whole recording.
WAVEFORM = [name for name in ENHANCERS if CARDS[name]["architecture"] == "ContextAggregationEnhancer"]
SNR_ROWS = ["-6", "0", "6", "12", "18", "average"]
SCORES = ["pesq-wb", "pesq-nb", "stoi", "si-sdr", "jnd"]


@pytest.mark.parametrize("name", ENHANCERS)
def test_every_true_score_has_an_interval(name):
    evaluation = zoo.info(name)["evaluation"]
    for system in ("results", "noisy", "wiener", "spectral_gating"):
        assert list(evaluation[system]) == SNR_ROWS
        for row, result in evaluation[system].items():
            assert result["n"] > 0 and result["n_failed"] >= 0
            for metric in SCORES:
                value, low, high = result[metric]
                assert low <= value <= high, (system, row, metric)
    assert set(evaluation["gains"]) == {"over noisy", *(f"over {base}" for base in bases(name) if base in NAMES)}
    for gain in evaluation["gains"].values():
        for metric in SCORES:
            value, low, high = gain[metric]
            assert low <= value <= high, metric


@pytest.mark.parametrize("name", swept(ENHANCERS))
def test_the_card_says_how_training_went(name):
    card = zoo.info(name)
    assert card["lookahead"] == load(name).lookahead
    curve, best = card["training"]["curve"], card["training"]["best_iteration"]
    assert {"iteration", "pesq-wb", "predicted", "stoi", "si-sdr"} <= set(curve)
    assert len({len(column) for column in curve.values()}) == 1
    assert best in curve["iteration"]


@pytest.mark.parametrize("name", swept_architectures(ENHANCERS))
@pytest.mark.parametrize("shape", [(1,), (160,), (16001,), (2, 12345), (1, 9000, 2)])
def test_enhance_keeps_the_shape(name, shape):
    noisy = np.random.default_rng(0).normal(0, 0.1, shape).astype("float32")
    enhanced = load(name).enhance(noisy, sample_rate=16000)
    assert enhanced.shape == shape and enhanced.dtype == np.float32
    assert np.isfinite(enhanced).all()


@pytest.mark.parametrize("name", swept(sorted(set(ENHANCERS) - set(WAVEFORM))))
def test_enhance_follows_the_level(name):
    (noisy,) = golden_inputs(name)
    enhanced = load(name).enhance(noisy, sample_rate=16000)
    quiet = load(name).enhance(0.1 * noisy, sample_rate=16000)
    np.testing.assert_allclose(quiet, 0.1 * enhanced, atol=1e-3 * np.abs(enhanced).max())


@pytest.mark.parametrize("name", swept(ENHANCERS))
def test_chunks_of_a_long_recording_are_like_the_whole(name, monkeypatch):
    """Equal where the network sees less than the chunks' context; a trained BLSTM remembers longer than its 5 s.

    The statistics of a chunk, which a network on waveforms normalises by, are not those of the whole.
    """
    samples = (20 if load(name).lookahead is None else 4) * 16000 - 123
    noisy = (np.resize(golden_inputs(name), samples) * np.linspace(0.3, 1, samples)).astype("float32")
    whole = load(name).enhance(noisy, sample_rate=16000)
    monkeypatch.setattr("zoo.enhancement.inference.CHUNK_SECONDS", samples / 2 / 16000)
    chunked = load(name).enhance(noisy, sample_rate=16000)
    assert np.any(chunked != whole)  # or nothing was cut
    if load(name).lookahead is None or name in WAVEFORM:
        most = 0.25 if name in WAVEFORM else 0.05
        assert np.sqrt(np.mean(np.square(chunked - whole))) < most * np.sqrt(np.mean(np.square(whole)))
    else:
        np.testing.assert_allclose(chunked, whole, atol=1e-3)


@pytest.mark.parametrize("name", swept(ENHANCERS))
def test_enhanced_speech_is_nearer_to_the_clean(name):
    """By SI-SDR; what a learned distance trained is nearer by that distance, and of the same polarity."""
    data = REPOSITORY / "zoo" / "data" / "audio"
    (reference, rate), (noisy, _) = (io.read(data / f"speech_{kind}.flac") for kind in ("reference", "degraded"))
    enhanced = load(name).enhance(noisy, sample_rate=rate)
    if name == "can-jnd-16k":
        before, after = (load("jnd-22k").distance(reference, x, rate, resample=True)[0] for x in (noisy, enhanced))
        assert after < 0.8 * before and np.sum(reference * enhanced) > 0
        return
    before, after = (speech.si_sdr(reference, audio)[0] for audio in (noisy, enhanced))
    assert after > before + 1
