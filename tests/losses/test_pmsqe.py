"""PMSQE against P.862's steps written again, figures of others, PESQ's order, and what a loss must do."""

import itertools

import keras
import numpy as np
import pytest
import scipy.signal
from keras import ops

from tests.support.harness import REPOSITORY, data_path
from zoo.audio import dsp, io
from zoo.losses import pmsqe
from zoo.losses.pmsqe import PMSQE

ON_BACKENDS = [pytest.mark.on_jax, pytest.mark.on_torch]

DATA = REPOSITORY / "zoo" / "data" / "audio"
RNG = np.random.default_rng(0)


def speech(name):
    return io.read(DATA / f"speech_{name}.flac", sample_rate=16000)[0][None]


def value(reference, estimate, **arguments):
    return ops.convert_to_numpy(PMSQE().call(reference, estimate, **arguments))


def plain_pmsqe(reference, estimate):
    """One pair, band by band in float64: what `disturbance` must compute."""
    bands = []
    for signal in (reference, estimate):
        power = np.square(ops.convert_to_numpy(dsp.magnitude(signal[None]))[0].astype("float64"))
        power *= 1e7 * 0.375 * 512**2 / 2 / power[:, 12:105].sum(axis=1).mean()
        power[:, 0] = 0
        edges = np.concatenate([[0], np.cumsum(pmsqe._BINS)])
        sums = [power[:, low:high].sum(axis=1) for low, high in itertools.pairwise(edges)]
        bands.append(np.stack(sums, axis=1) * pmsqe._CORRECTION * 6.910853e-6)
    (r, e), threshold = bands, np.array(pmsqe._THRESHOLD)
    active = np.where(r > 100 * threshold, r, 0).sum(axis=1) > 1e7
    for b in range(49):
        loud = active & (r[:, b] > 100 * threshold[b])
        r[:, b] *= np.clip((e[loud, b].sum() + 1000) / (r[loud, b].sum() + 1000), 0.01, 100)
    total = 0.0
    for x, y in zip(r, e, strict=True):
        audible = x[x > threshold].sum()
        y = y * np.clip((audible + 5000) / (y[y > threshold].sum() + 5000), 3e-4, 5)
        bark = np.array(pmsqe._CENTRE)
        power = 0.23 * np.where(bark < 4, np.minimum(6 / (bark + 2), 2), 1) ** 0.15
        scale = 0.1866055 * (2 * threshold) ** power
        sone = [scale * np.where(z > threshold, (0.5 + 0.5 * z / threshold) ** power - 1, 0) for z in (x, y)]
        difference = np.maximum(np.abs(sone[0] - sone[1]) - 0.25 * np.minimum(*sone), 0) * pmsqe._WIDTH
        factor = ((y + 50) / (x + 50)) ** 1.2
        factor = np.where(factor < 3, 0, np.minimum(factor, 12))
        weight = ((audible + 1e5) / 1e7) ** 0.04
        width = sum(pmsqe._WIDTH[1:])
        total += 0.1 * min(45, np.sqrt(width * np.sum(difference**2)) / weight)
        total += 0.0309 * min(45, np.sum(difference * factor) / weight)
    return total / len(r)


def test_tables():
    for table in (pmsqe._BINS, pmsqe._CENTRE, pmsqe._WIDTH, pmsqe._CORRECTION, pmsqe._THRESHOLD):
        assert len(table) == 49
    assert sum(pmsqe._BINS) == 256
    # A band reaches half its width below and above its centre, and bands touch.
    edges = np.cumsum(pmsqe._WIDTH)
    np.testing.assert_allclose(edges - np.array(pmsqe._WIDTH) / 2, pmsqe._CENTRE, atol=2e-3)
    matrix = pmsqe.bark_matrix()
    assert matrix.shape == (257, 49)
    assert not matrix[[0, 256]].any()
    assert ((matrix[1:256] > 0).sum(axis=1) == 1).all()


@pytest.mark.parametrize("name", ["mild", pytest.param("degraded", marks=ON_BACKENDS), "enhanced"])
def test_is_p862_step_by_step(name):
    reference, estimate = speech("reference"), speech(name)
    assert value(reference, estimate)[0] == pytest.approx(plain_pmsqe(reference[0], estimate[0]), rel=1e-3)


def test_orders_speech_as_it_sounds():
    clean, mild, degraded = (value(speech("reference"), speech(name))[0] for name in ("reference", "mild", "degraded"))
    assert 0 <= clean < 3e-4
    assert clean < mild < degraded < 5.9


def sample_audio(rate):
    names = [data_path("upstream_dpam", "sample_audio", f"{name}.wav") for name in ("ref", "2", "4")]
    return [io.read(name, sample_rate=rate, resample=True)[0] for name in names]


def test_dpams_samples():
    reference, second, fourth = (x[None] for x in sample_audio(16000))
    assert value(reference, second)[0] == pytest.approx(0.479, abs=0.01)
    assert value(reference, fourth)[0] == pytest.approx(0.240, abs=0.01)


def test_figures_of_another_implementation():
    """0.33 and 1.04 for these files come from magnitudes in the place of powers, at 22.05 kHz, square-root Hann."""
    window = np.sqrt(scipy.signal.get_window("hann", 512))
    transform = scipy.signal.ShortTimeFFT(window, 256, fs=22050)
    spectra = [np.abs(transform.stft(x)).T[None].astype("float32") for x in sample_audio(22050)]
    mask = np.ones(spectra[0].shape[:2], "float32")
    for spectrum, expected in zip(spectra[1:], (0.33, 1.04), strict=True):
        measured = ops.convert_to_numpy(pmsqe.disturbance(spectra[0], spectrum, mask))
        assert measured == pytest.approx(expected, rel=0.1)


def test_follows_true_pesq():
    """Speech in white noise at six levels: the order is PESQ's."""
    reference = speech("reference")
    noise = RNG.standard_normal(reference.shape).astype("float32") * reference.std()
    values = [value(reference, reference + noise * 10 ** (-snr / 20))[0] for snr in (-6, 0, 6, 12, 18, 30)]
    assert (np.diff(values) < 0).all()


def test_gain_does_not_count():
    reference, estimate = speech("reference"), speech("degraded")
    np.testing.assert_allclose(value(reference, 0.1 * estimate), value(reference, estimate), rtol=1e-3)


@pytest.mark.parametrize("length", [700, pytest.param(12000, marks=ON_BACKENDS), 16100])
def test_batch_and_padding(length):
    pair = [np.concatenate([x[:, 8000:24200], x[:, 20000:36200]]) for x in (speech("reference"), speech("degraded"))]
    bare = [value(*(x[i : i + 1, :length] for x in pair))[0] for i in range(2)]
    np.testing.assert_allclose(value(*pair, lengths=np.array([length, length], "int32")), bare, rtol=1e-3)
    mixed = value(*pair, lengths=np.array([length, 16200], "int32"))
    np.testing.assert_allclose(mixed, [bare[0], value(*(x[1:] for x in pair))[0]], rtol=1e-3)


def gradient(reference, estimate):
    """Value and gradient by the estimate: SGD at rate 1 on a waveform that is the model's only variable."""
    model = keras.Sequential([keras.Input(batch_shape=(len(estimate), 1)), Held(estimate)])
    model.compile(keras.optimizers.SGD(1.0), loss=PMSQE(reduction="sum"), jit_compile=False)
    loss = model.train_on_batch(np.ones((len(estimate), 1), "float32"), reference)
    return float(loss), estimate - model.get_weights()[0]


class Held(keras.layers.Layer):
    """A trainable waveform, whatever the input."""

    def __init__(self, waveform):
        super().__init__()
        self.waveform = self.add_weight(shape=waveform.shape, initializer="zeros")
        self.waveform.assign(waveform)

    def call(self, inputs):
        return self.waveform + 0.0 * inputs


def test_a_step_against_the_gradient_helps():
    reference, estimate = (x[:, 8000:40000] for x in (speech("reference"), speech("degraded")))
    loss, slope = gradient(reference, estimate)
    step = 1e-3 * np.abs(estimate).max() / np.abs(slope).max()
    stepped = value(reference, estimate - step * slope)[0]
    assert stepped < loss
    assert loss - stepped == pytest.approx(step * np.square(slope).sum(), rel=0.3)


@pytest.mark.on_jax
@pytest.mark.on_torch
def test_extremes_are_finite():
    clip = speech("reference")[0, 8000:20000]
    signals = [np.zeros_like(clip), 1e-7 * clip, clip, np.sign(clip), np.ones_like(clip)]
    reference, estimate = (np.stack(x) for x in zip(*itertools.product(signals, signals), strict=True))
    values = value(reference, estimate)
    assert np.isfinite(values).all()
    assert ((values >= 0) & (values < 5.9)).all()
    assert np.isfinite(gradient(reference, estimate)[1]).all()
