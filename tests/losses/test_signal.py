"""Losses of signals against their definitions in NumPy."""

import numpy as np
from keras import ops

from zoo.audio import dsp
from zoo.audio.spectra import stft as spectra_of
from zoo.losses.signal import CompressedSpectrum, MagnitudeMSE, MultiResolutionSTFT, NegativeSISDR, WaveformL1
from zoo.metrics import speech
from zoo.texture.optimize import value_and_gradient

RNG = np.random.default_rng(0)
REFERENCE = 0.1 * RNG.standard_normal((2, 8000)).astype("float32")
ESTIMATE = REFERENCE + 0.03 * RNG.standard_normal((2, 8000)).astype("float32")


def value(loss, *signals):
    return ops.convert_to_numpy(loss.call(*signals))


def test_magnitude_mse():
    magnitudes = [ops.convert_to_numpy(dsp.magnitude(x, 256, 64)) for x in (REFERENCE, ESTIMATE)]
    expected = np.square(magnitudes[0] - magnitudes[1]).mean(axis=(1, 2))
    np.testing.assert_allclose(value(MagnitudeMSE(256, 64), REFERENCE, ESTIMATE), expected, rtol=1e-4)


def test_compressed_spectrum():
    spectra = [spectra_of(x, 256, 64) for x in (REFERENCE, ESTIMATE)]
    magnitudes = [np.abs(x) ** 0.5 for x in spectra]
    phases = [np.exp(1j * np.angle(x)) for x in spectra]
    of_magnitude = np.square(magnitudes[0] - magnitudes[1]).mean(axis=(1, 2))
    of_complex = np.square(np.abs(magnitudes[0] * phases[0] - magnitudes[1] * phases[1])).mean(axis=(1, 2))
    loss = CompressedSpectrum(256, 64, power=0.5, complex_share=0.2)
    expected = 0.8 * of_magnitude + 0.2 * of_complex
    np.testing.assert_allclose(value(loss, REFERENCE, ESTIMATE), expected, rtol=1e-4)


def test_compressed_spectrum_has_a_finite_gradient_at_silence():
    silence = np.zeros((1, 2000), "float32")

    def loss(estimate):
        return CompressedSpectrum()(silence, estimate), estimate

    _, slopes = value_and_gradient(loss)(silence)
    assert np.isfinite(ops.convert_to_numpy(slopes)).all()


def test_multi_resolution_stft():
    expected = 0.0
    for n_fft in (512, 2048):
        x, y = (ops.convert_to_numpy(dsp.magnitude(x, n_fft, n_fft // 4)) for x in (REFERENCE, ESTIMATE))
        norm = np.linalg.norm(x - y, axis=(1, 2)) / np.linalg.norm(x, axis=(1, 2))
        expected += (norm + np.abs(np.log(x) - np.log(y)).mean(axis=(1, 2))) / 2
    np.testing.assert_allclose(value(MultiResolutionSTFT((512, 2048)), REFERENCE, ESTIMATE), expected, rtol=2e-3)


def test_waveform_l1():
    expected = np.abs(REFERENCE - ESTIMATE).mean(axis=1)
    np.testing.assert_allclose(value(WaveformL1(), REFERENCE, ESTIMATE), expected, rtol=1e-5)


def test_negative_si_sdr_is_the_metrics():
    signals = [REFERENCE + 0.2, 0.5 * ESTIMATE - 0.1]
    np.testing.assert_allclose(value(NegativeSISDR(), *signals), -speech.si_sdr(*signals), atol=1e-3)
