"""Spectra against SciPy's, masks and mel bands."""

import numpy as np
import pytest
import scipy.signal
from keras import ops

from zoo.audio import dsp


def test_magnitude_is_scipys():
    x = np.random.default_rng(0).standard_normal(4001).astype("float32")
    transform = scipy.signal.ShortTimeFFT(scipy.signal.get_window("hamming", 512), 256, fs=16000)
    expected = np.abs(transform.stft(x, p0=0, p1=1 + len(x) // 256)).T
    np.testing.assert_allclose(ops.convert_to_numpy(dsp.magnitude(x[None]))[0], expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("length", [513, 768, 1000, 2048])
def test_padding_does_not_change_the_frames_that_count(length):
    x = np.random.default_rng(0).standard_normal((1, 4000)).astype("float32")
    padded = ops.convert_to_numpy(dsp.magnitude(x, lengths=np.array([length], "int32")))
    bare = ops.convert_to_numpy(dsp.magnitude(x[:, :length]))
    assert bare.shape[1] == dsp.frame_count(length, 256)
    np.testing.assert_allclose(padded[:, : bare.shape[1]], bare, atol=1e-5)


def test_sequence_mask():
    mask = ops.convert_to_numpy(dsp.sequence_mask(np.array([0, 2, 3], "int32"), 3))
    np.testing.assert_array_equal(mask, [[0, 0, 0], [1, 1, 0], [1, 1, 1]])


@pytest.mark.parametrize("bands", [29, 48, 64, 128])
def test_mel_bands_average_and_rise(bands):
    mel = dsp.mel_matrix(bands, 512, 16000)
    assert mel.shape == (257, bands)
    assert (mel >= 0).all()
    np.testing.assert_allclose(mel.sum(axis=0), 1.0, rtol=1e-5)
    centres = np.arange(257) @ mel
    assert (np.diff(centres) >= 0).all()
