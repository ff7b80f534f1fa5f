"""Spectra of arrays are those of tensors, and are turned back."""

import numpy as np
import pytest
from keras import ops

from zoo.audio import dsp, spectra


@pytest.fixture
def noise():
    return np.random.default_rng(0).standard_normal((2, 3000)).astype("float32")


@pytest.mark.parametrize(
    ("n_fft", "hop_length", "window"), [(512, 256, "hamming"), (1024, 256, "hann"), (512, 256, "sqrt-hann")]
)
def test_they_are_the_spectra_of_tensors(noise, n_fft, hop_length, window):
    real, imaginary = (ops.convert_to_numpy(x) for x in dsp.stft(noise, n_fft, hop_length, window=window))
    spectrum = spectra.stft(noise, n_fft, hop_length, window)
    assert spectrum.dtype == "complex64"
    np.testing.assert_allclose(spectrum, real + 1j * imaginary, atol=2e-4)
    back = ops.convert_to_numpy(dsp.istft(real, imaginary, 2900, n_fft, hop_length, window))
    turned = spectra.istft(spectrum, 2900, n_fft, hop_length, window)
    assert turned.dtype == "float32"
    np.testing.assert_allclose(turned, back, atol=1e-5)
    np.testing.assert_allclose(turned, noise[:, :2900], atol=1e-5)


def test_magnitudes_are_those_of_tensors(noise):
    expected = ops.convert_to_numpy(dsp.magnitude(noise))
    np.testing.assert_allclose(spectra.magnitude(noise), expected, rtol=1e-4, atol=1e-4)
    assert spectra.magnitude(np.zeros((1, 600), "float32")).max() == pytest.approx(1e-6)
