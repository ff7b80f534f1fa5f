"""Both networks: the paper's sizes, invariances, limits of length, bad input."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.support.harness import check_batch_invariance, check_padding_invariance, check_save_load
from zoo.errors import InputError
from zoo.nn.layers import SpectralNormalization
from zoo.quality_net.model import QualityNet, QualityNetLite

RATE = 16000


def pair(samples=14000, batch=3, seed=0):
    rng = np.random.default_rng(seed)
    reference = 0.1 * rng.standard_normal((batch, samples)).astype("float32")
    return [reference, reference + 0.03 * rng.standard_normal((batch, samples)).astype("float32")]


# The fast suite takes one of each architecture.
KINDS = ["paper", "lite", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("log-mel", "lite-sn", "tiny"))]


@pytest.fixture(scope="module", params=KINDS)
def model(request):
    keras.utils.set_random_seed(0)
    made = {
        "paper": lambda: QualityNet(features="magnitude"),
        "log-mel": QualityNet,
        "lite": QualityNetLite,
        "lite-sn": lambda: QualityNetLite(spectral_norm=True),
        "tiny": lambda: QualityNetLite(convolutions=[[8, 1, 2], [12, 2, 2], [16, 2, 1]]),
    }
    return made[request.param]()


def test_the_papers_layers():
    convolutions = [(5, 5, 2, 15), (7, 7, 15, 25), (9, 9, 25, 40), (11, 11, 40, 50)]
    model = QualityNet(features="magnitude")
    kernels = [w.shape for w in model.trainable_weights if w.path.endswith("kernel")]
    assert kernels == [*convolutions, (50, 50), (50, 10), (10, 1)]
    # 345,326 in kernels and biases; MetricGAN's count of 345,334 has 8 more in its batch norm of the input, ours 4.
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == 345_330
    assert sum(isinstance(layer, SpectralNormalization) for layer in model.core.layers) == 7


def test_lite_is_small():
    assert QualityNetLite().count_params() < 150_000


def test_batch_and_padding_invariance(model):
    check_batch_invariance(model, pair())
    check_padding_invariance(model, pair())


@pytest.mark.parametrize("padding", [1, 255, 256, 300, 511, 512])
def test_padding_invariance_at_every_parity(model, padding):
    check_padding_invariance(model, pair(samples=9000, batch=1), padding=padding)


def test_save_load(model, tmp_path):
    loaded = check_save_load(model, pair(batch=1), tmp_path / "model")
    assert loaded.sample_rate == RATE
    assert loaded.target_range == model.target_range


def test_score_is_the_call(model):
    reference, degraded = pair(batch=5)
    scores = model.score(reference, degraded, RATE, batch_size=2)
    np.testing.assert_allclose(scores, ops.convert_to_numpy(model([reference, degraded])), atol=1e-4)
    assert scores.shape == (5,)
    np.testing.assert_allclose(model.score(reference[0], degraded[0], RATE), scores[:1], atol=1e-4)


def test_recordings_of_several_lengths_are_scored_in_place(model):
    reference, degraded = pair(samples=16000, batch=5)
    lengths = np.array([16000, 9000, 12345, 9000, 15999])
    together = model.score(reference, degraded, RATE, lengths=lengths, batch_size=2)
    alone = [model.score(r[:n], d[:n], RATE)[0] for r, d, n in zip(reference, degraded, lengths, strict=True)]
    np.testing.assert_allclose(together, alone, atol=1e-4)


def test_a_long_recording_is_the_mean_of_its_stretches_without_pauses(model, monkeypatch):
    reference, degraded = pair(samples=48000, batch=1)
    thirds = [model.score(reference[0, a : a + 16000], degraded[0, a : a + 16000], RATE)[0] for a in (0, 16000, 32000)]
    monkeypatch.setattr("zoo.nn.segments._SEGMENT_SECONDS", 1.0)
    assert model.score(reference, degraded, RATE)[0] == pytest.approx(np.mean(thirds), abs=1e-4)
    degraded[0, 16000:32000] = 0  # an enhancer that went silent: that counts
    middle = ops.convert_to_numpy(model([reference[:, 16000:32000], degraded[:, 16000:32000]]))[0]
    expected = np.mean([thirds[0], middle, thirds[2]])
    assert model.score(reference, degraded, RATE)[0] == pytest.approx(expected, abs=1e-4)
    reference[0, 16000:32000] = 0  # a pause
    assert model.score(reference, degraded, RATE)[0] == pytest.approx((thirds[0] + thirds[2]) / 2, abs=1e-4)
    degraded[0, 20000] = np.nan
    assert np.isnan(model.score(reference, degraded, RATE)[0])


def test_level_does_not_matter_to_log_features():
    reference, degraded = pair()
    model = QualityNetLite()
    np.testing.assert_allclose(
        model.score(reference, 0.1 * degraded, RATE), model.score(reference, degraded, RATE), atol=2e-3
    )


def test_what_cannot_be_scored_is_nan_in_place(model):
    reference, degraded = pair(samples=12000, batch=7)
    reference[1], degraded[2], degraded[4, 5], reference[5, 7] = 0.0, 0.0, np.nan, np.inf
    degraded[6, 11000] = np.nan  # after its end
    scores = model.score(reference, degraded, RATE, lengths=[12000, 12000, 12000, 7999, 12000, 12000, 9000])
    np.testing.assert_array_equal(np.isnan(scores), [False, True, True, True, True, True, False])
    assert np.isfinite(model.score(reference[0], degraded[0], RATE, lengths=8000)).all()


def test_calls_and_gradients_are_finite_on_silence_and_full_scale(model):
    silence, full = np.zeros((1, 9000), "float32"), np.ones((1, 9000), "float32")
    for inputs in ([silence, silence], [full, silence], [silence, full], [full, -full]):
        assert np.isfinite(ops.convert_to_numpy(model(inputs))).all()


def test_resample_opts_in():
    reference, degraded = pair(samples=22050, batch=2)
    model = QualityNetLite()
    with pytest.raises(InputError, match="22050 Hz.*16000 Hz.*resample=True"):
        model.score(reference, degraded, 22050)
    assert np.isfinite(model.score(reference, degraded, 22050, resample=True)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r, d: (r, d[:, :-1], None), "differ in shape"),
        (lambda r, d: (r[None], d[None], None), r"give \(samples,\) or"),
        (lambda r, d: (r, d, [1]), "give 3 integers"),
        (lambda r, d: (r, d, [1, 2, 99999]), "must lie in 0..9000"),
    ],
)
def test_bad_input(change, message):
    reference, degraded, lengths = change(*pair(samples=9000))
    with pytest.raises(InputError, match=message):
        QualityNetLite().score(reference, degraded, RATE, lengths=lengths)


def test_unknown_features():
    with pytest.raises(ValueError, match="features must be one of magnitude, log1p"):
        QualityNet(features="mfcc")
