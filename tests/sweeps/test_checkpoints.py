"""Every bundled checkpoint, on both backends: whole, documented, reproducible, read by Keras; then family by family."""

import functools
import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

import zoo
from examples.demo import separation as demo_separation
from tests.support.harness import (
    REPOSITORY,
    check_batch_invariance,
    check_frozen,
    check_padding_invariance,
    check_save_load,
    predict,
)
from zoo.audio import io
from zoo.checkpoint import integrity, registry
from zoo.enhancement.evaluate import bases
from zoo.jnd import rendered
from zoo.metrics import speech
from zoo.metrics.separation import mixture_as_estimate, si_sdr

NAMES = zoo.list()
METRICS = [name for name in NAMES if zoo.info(name)["family"] == "quality_net"]
DISTANCES = [name for name in NAMES if zoo.info(name)["family"] == "jnd"]
ENHANCERS = [name for name in NAMES if zoo.info(name)["family"] == "enhancement"]
# Networks on waveforms, which nothing brings to one level, nor to the statistics of the whole recording.
WAVEFORM = [name for name in ENHANCERS if zoo.info(name)["architecture"] == "ContextAggregationEnhancer"]
SEPARATORS = [name for name in NAMES if zoo.info(name)["family"] == "separation"]
TEXTURES = [name for name in NAMES if zoo.info(name)["family"] == "texture"]
# Random networks on spectrograms: no waveforms, and nothing to train.
ENSEMBLES = [name for name in TEXTURES if zoo.info(name)["architecture"] == "RandomConvEnsemble"]
CARD_KEYS = {
    "": {
        "name", "family", "architecture", "description", "sample_rate", "parameters", "files", "licence", "data",
        "training", "evaluation", "departures", "limits",
    },
    "licence": {"code", "weights", "data"},
    "training": {"command", "commit", "seed", "versions", "minutes", "machine"},
    "evaluation": {"command", "commit", "data"},
}  # fmt: skip
METRIC_KEYS = {"name", "mode", "range", "higher_is_better"}
SNR_ROWS = ["-6", "0", "6", "12", "18", "average"]
SCORES = ["pesq-wb", "pesq-nb", "stoi", "si-sdr", "jnd"]

KERAS_ONLY = """
import sys
import keras, zoo.enhancement.context, zoo.jnd.spectral, zoo.quality_net.model, zoo.separation.model
import zoo.texture.classifier
import numpy as np
for directory in sys.argv[1:]:
    golden = np.load(directory + "/golden.npz")
    inputs = [golden[f"input_{i}"] for i in range(len(golden.files) - 1)]
    model = keras.saving.load_model(directory)
    output = model(inputs if len(inputs) > 1 else inputs[0])
    if isinstance(output, list):
        output = np.concatenate([keras.ops.convert_to_numpy(one).ravel() for one in output])
    output = keras.ops.convert_to_numpy(output)
    np.testing.assert_allclose(output, golden["output"], rtol=1e-3, atol=1e-3)
print(keras.backend.backend(), len(sys.argv) - 1)
"""


@functools.cache
def load(name):
    return zoo.load(name, verify=True)


def golden_inputs(name):
    """The waveforms of the golden, each (batch, samples): reference and degraded, or noisy alone."""
    with np.load(registry.resolve(name) / "golden.npz") as golden:
        return [golden[f"input_{i}"] for i in range(len(golden.files) - 1)]


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def model(name):
    return load(name)


@pytest.fixture
def waveforms(name):
    if name in ENSEMBLES:
        pytest.skip("takes spectrograms; tests/test_texture_model.py has its properties")
    inputs = golden_inputs(name)
    if len(inputs[0]) > 1:
        return inputs
    return [np.concatenate([x, x[:, ::-1]]) for x in inputs]


def test_there_are_checkpoints():
    assert NAMES and sorted(METRICS + DISTANCES + ENHANCERS + SEPARATORS + TEXTURES) == NAMES


def test_the_card_is_complete(name):
    card = zoo.info(name)
    assert card["name"] == name
    for part, keys in CARD_KEYS.items():
        assert keys <= set(card[part] if part else card), part or "card"
    assert set(card["files"]) == {*integrity.KERAS_FILES, "golden.npz"}
    for text in (card["description"], card["data"], *card["licence"].values(), card["training"]["command"]):
        assert text.strip() and "\n" not in text
    assert len(card["training"]["commit"]) >= 7 and len(card["evaluation"]["commit"]) >= 7


def test_the_card_agrees_with_the_model(name, model):
    card = zoo.info(name)
    assert card["parameters"] == model.count_params()
    assert card["sample_rate"] == model.sample_rate
    assert card["architecture"] == type(model).__name__


def test_batch_invariance(model, waveforms):
    check_batch_invariance(model, waveforms)


def test_padding_invariance(model, waveforms):
    check_padding_invariance(model, waveforms)


def test_save_load(model, waveforms, tmp_path):
    check_save_load(model, waveforms, tmp_path / "again")


def test_trainable_only_when_asked(name, model):
    assert model.trainable_variables == []
    assert bool(zoo.load(name, trainable=True).trainable_variables) == (name not in ENSEMBLES)


def test_silence_and_full_scale_are_finite(model, waveforms):
    *reference, other = waveforms
    for signal in (np.zeros_like(other), np.ones_like(other), np.sign(other)):
        assert np.all(np.isfinite(predict(model, [*reference, signal])))


@pytest.mark.parametrize("backend", ["tensorflow", pytest.param("jax", marks=pytest.mark.slow)])
def test_keras_reads_them_on_both_backends(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    directories = [str(registry.resolve(name)) for name in NAMES]
    done = subprocess.run(
        [sys.executable, "-c", KERAS_ONLY, *directories],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "KERAS_BACKEND": backend},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == [backend, str(len(NAMES))]


def test_files_are_pinned(name):
    """The card's sha256 are of these files: one byte more and loading refuses."""
    directory = registry.resolve(name)
    pinned = json.loads((directory / "card.json").read_text())["files"]
    assert pinned == {file: integrity.sha256(directory / file) for file in pinned}


# --- learned metrics --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", METRICS)
def test_every_agreement_has_intervals(name):
    card = zoo.info(name)
    assert METRIC_KEYS <= set(card["metric"])
    results = card["evaluation"]["results"]
    assert {"all", "noisy", "enhanced", "clean"} <= set(results)
    for group, result in results.items():
        assert result["n"] > 0 and result["n_failed"] >= 0, group
        for statistic in ("pearson", "spearman", "rmse", "mae"):
            # Clean pairs all have the same true score: no correlation is defined there.
            value, low, high = (np.nan if figure is None else figure for figure in result[statistic])
            assert low <= value <= high or (group == "clean" and np.isnan(value)), (group, statistic)


@pytest.mark.parametrize("name", METRICS + DISTANCES)
def test_frozen_while_the_gradient_passes(name):
    reference, degraded = golden_inputs(name)
    loss = zoo.loss(name)

    class Distortion(keras.layers.Layer):
        def build(self, shape):
            self.amount = self.add_weight(shape=(), initializer="zeros")

        def call(self, x):
            return x + self.amount * keras.ops.abs(x)

    enhancer = keras.Sequential([keras.Input((None,)), Distortion()])
    enhancer.compile(keras.optimizers.Adam(1e-2), loss=loss)
    check_frozen(loss.metric, lambda: enhancer.fit(degraded, reference, epochs=2, batch_size=1, verbose=0))
    (amount,) = enhancer.get_weights()
    assert np.isfinite(amount) and amount != 0


# --- perceptual distances ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DISTANCES)
def test_every_figure_of_the_answers_has_an_interval(name):
    found = zoo.info(name)["evaluation"]
    for facts in (found, *found["compared"].values()):
        assert set(facts["answers"]) == {"all", "combined", "eq", "linear", "reverb"}
        for group, result in facts["answers"].items():
            assert result["n"] > 0 and result["n_failed"] >= 0, group
            value, low, high = result["auc"]
            assert low <= value <= high, group
    assert {"cross_entropy", "calibration_error"} <= set(found["answers"]["all"])
    assert len(found["ladders"]) == len(rendered.LADDERS) and all(
        facts["n"] == 50 for facts in found["ladders"].values()
    )


@pytest.mark.parametrize("name", DISTANCES)
def test_the_distance_is_zero_for_identical_recordings_and_symmetric(name):
    reference, degraded = golden_inputs(name)
    np.testing.assert_array_equal(predict(load(name), [degraded, degraded]), 0.0)
    there, back = predict(load(name), [reference, degraded]), predict(load(name), [degraded, reference])
    np.testing.assert_allclose(there, back, rtol=1e-4)


@pytest.mark.parametrize("name", DISTANCES)
def test_probabilities_are_probabilities(name):
    reference, degraded = golden_inputs(name)
    probability = load(name).probability(reference, degraded, sample_rate=load(name).sample_rate)
    assert ((probability > 0) & (probability < 1)).all()


def test_the_best_distance_does_what_upstreams_does_not():
    """On speech that it never saw: rises with noise, hardly hears a shift, hears level, is 1 about where people hear."""
    metric, rate = zoo.load("jnd-22k"), 22050
    speech_path = REPOSITORY / "zoo" / "data" / "audio" / "speech_reference.flac"
    reference, _ = io.read(speech_path, rate, resample=True)
    noise = np.random.default_rng(0).standard_normal(len(reference)).astype("float32")
    noise *= np.sqrt(np.mean(reference**2) / np.mean(noise**2))
    by_snr = [metric.distance(reference, reference + 10 ** (-snr / 20) * noise, rate)[0] for snr in range(60, -1, -10)]
    assert (np.diff(by_snr) > 0).all()
    assert by_snr[0] < 1 < by_snr[-1]
    for shift in (1, 10, 100):
        assert metric.distance(reference[shift:], reference[:-shift], rate)[0] < 1
    assert metric.distance(0.25 * reference, 0.5 * reference, rate)[0] > 1


# --- enhancers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ENHANCERS)
def test_every_true_score_has_an_interval(name):
    found = zoo.info(name)["evaluation"]
    for system in ("results", "noisy", "wiener", "spectral_gating"):
        assert list(found[system]) == SNR_ROWS
        for row, result in found[system].items():
            assert result["n"] > 0 and result["n_failed"] >= 0
            for metric in SCORES:
                value, low, high = result[metric]
                assert low <= value <= high, (system, row, metric)
    assert set(found["gains"]) == {"over noisy", *(f"over {base}" for base in bases(name) if base in NAMES)}
    for gain in found["gains"].values():
        for metric in SCORES:
            value, low, high = gain[metric]
            assert low <= value <= high, metric


@pytest.mark.parametrize("name", ENHANCERS)
def test_the_card_says_how_training_went(name):
    card = zoo.info(name)
    assert card["lookahead"] == load(name).lookahead
    curve, best = card["training"]["curve"], card["training"]["best_iteration"]
    assert {"iteration", "pesq-wb", "predicted", "stoi", "si-sdr"} <= set(curve)
    assert len({len(column) for column in curve.values()}) == 1
    assert best in curve["iteration"]


@pytest.mark.parametrize("name", ENHANCERS)
@pytest.mark.parametrize("shape", [(1,), (160,), (16001,), (2, 12345), (1, 9000, 2)])
def test_enhance_keeps_the_shape(name, shape):
    noisy = np.random.default_rng(0).normal(0, 0.1, shape).astype("float32")
    enhanced = load(name).enhance(noisy, sample_rate=16000)
    assert enhanced.shape == shape and enhanced.dtype == np.float32
    assert np.isfinite(enhanced).all()


@pytest.mark.parametrize("name", sorted(set(ENHANCERS) - set(WAVEFORM)))
def test_enhance_follows_the_level(name):
    (noisy,) = golden_inputs(name)
    enhanced = load(name).enhance(noisy, sample_rate=16000)
    quiet = load(name).enhance(0.1 * noisy, sample_rate=16000)
    np.testing.assert_allclose(quiet, 0.1 * enhanced, atol=1e-3 * np.abs(enhanced).max())


@pytest.mark.parametrize("name", ENHANCERS)
def test_chunks_of_a_long_recording_are_like_the_whole(name, monkeypatch):
    """Equal where the network sees less than the chunks' context; a trained BLSTM remembers longer than its 5 s.

    The statistics of a chunk, which a network on waveforms normalises by, are not those of the whole.
    """
    samples = 20 * 16000 - 123
    noisy = (np.resize(golden_inputs(name), samples) * np.linspace(0.3, 1, samples)).astype("float32")
    whole = load(name).enhance(noisy, sample_rate=16000)
    monkeypatch.setattr("zoo.enhancement.model.CHUNK_SECONDS", samples / 2 / 16000)
    chunked = load(name).enhance(noisy, sample_rate=16000)
    assert np.any(chunked != whole)  # or nothing was cut
    if load(name).lookahead is None or name in WAVEFORM:
        most = 0.25 if name in WAVEFORM else 0.05
        assert np.sqrt(np.mean(np.square(chunked - whole))) < most * np.sqrt(np.mean(np.square(whole)))
    else:
        np.testing.assert_allclose(chunked, whole, atol=1e-3)


@pytest.mark.parametrize("name", ENHANCERS)
def test_enhanced_speech_is_nearer_to_the_clean(name):
    """By SI-SDR; what a learned distance trained is nearer by that distance, and of the same polarity."""
    data = REPOSITORY / "zoo" / "data" / "audio"
    (reference, rate), (noisy, _) = (io.read(data / f"speech_{kind}.flac") for kind in ("reference", "degraded"))
    enhanced = load(name).enhance(noisy, sample_rate=rate)
    if name == "can-jnd-16k":
        before, after = (zoo.load("jnd-22k").distance(reference, x, rate, resample=True)[0] for x in (noisy, enhanced))
        assert after < 0.8 * before and np.sum(reference * enhanced) > 0
        return
    before, after = (speech.si_sdr(reference, audio)[0] for audio in (noisy, enhanced))
    assert after > before + 1


# --- separators -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SEPARATORS)
def test_every_source_is_scored_beside_the_mixture_and_ideal_masks(name):
    card = zoo.info(name)
    found = card["evaluation"]
    assert set(found["references"]) == {"mixture", "ideal binary mask", "ideal ratio mask"}
    assert len(found["results"]) == 3  # a played song, one kept out of training, held-back renders
    for group, sources in found["results"].items():
        assert set(sources) == set(card["sources"])
        for source, facts in sources.items():
            gain = found["gains"][group][source]
            assert {"sdr", "isr", "sir", "sar", "si-sdr", "silent"} == set(facts)
            assert gain is None if facts["sdr"]["n"] == 0 else gain > 0, (group, source)


@pytest.mark.parametrize("name", SEPARATORS)
def test_separated_sources_sum_to_the_song_and_are_nearer_than_it(name):
    true, model = demo_separation.song(), load(name)
    mixture = sum(true.values())
    found = model.separate(mixture, demo_separation.RATE)
    np.testing.assert_allclose(sum(found.values()), mixture, atol=1e-4)
    before, after = si_sdr(true, mixture_as_estimate(true)), si_sdr(true, found)
    assert all(after[source] > before[source] for source in true)


# --- textures ---------------------------------------------------------------------------------------------------


def test_the_bundled_ensemble_is_the_papers_and_the_losses_own():
    from zoo.texture.loss import GramLoss

    bundled, own = load("texture-ensemble-16k").get_config(), GramLoss().ensemble.get_config()
    assert {**bundled, "name": ""} == {**own, "name": ""}
    assert bundled["widths"] == [2, 4, 8, 16, 32, 64] and bundled["filters"] == 512 and bundled["seed"] == 0


def test_the_classifier_tells_sounds_apart():
    found = zoo.info("texture-classifier-16k")["evaluation"]
    value, low, high = found["accuracy"]
    assert 3 * found["chance"] < low <= value <= high <= 1 and found["n"] > 100
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, 16000)).astype("float32")
    probabilities = load("texture-classifier-16k").probabilities(noise, 16000)
    assert probabilities.shape == (2, len(found["by_class"])) and np.allclose(probabilities.sum(axis=1), 1, atol=1e-4)
