"""Spectra against SciPy's, masks and mel bands."""

import keras
import numpy as np
import pytest
import scipy.signal
from keras import ops

from zoo import backend
from zoo.audio import dsp
from zoo.texture.optimize import value_and_gradient


@pytest.mark.parametrize("window", ["hamming", "hann", "sqrt-hann"])
def test_magnitude_is_scipys(window):
    x = np.random.default_rng(0).standard_normal(4001).astype("float32")
    values = scipy.signal.get_window(window.removeprefix("sqrt-"), 512)
    values = np.sqrt(values) if window == "sqrt-hann" else values
    transform = scipy.signal.ShortTimeFFT(values, 256, fs=16000)
    expected = np.abs(transform.stft(x, p0=0, p1=1 + len(x) // 256)).T
    actual = ops.convert_to_numpy(dsp.magnitude(x[None], window=window))[0]
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(("window", "hop_length"), [("hamming", 256), ("hann", 256), ("hann", 128), ("sqrt-hann", 256)])
def test_the_inverse_gives_the_waveform_back(window, hop_length):
    x = np.random.default_rng(0).standard_normal((2, 16 * hop_length)).astype("float32")
    spectrum = dsp.stft(x, 512, hop_length, window=window)
    back = ops.convert_to_numpy(dsp.istft(*spectrum, x.shape[1], 512, hop_length, window))
    np.testing.assert_allclose(back, x, atol=1e-5)


@pytest.mark.on_torch
@pytest.mark.parametrize("n_fft, hop_length", [(512, 256), (512, 128), (400, 100), (75, 25), (512, 200)])
def test_the_gradient_is_that_of_a_product_with_the_transform(n_fft, hop_length):
    rng = np.random.default_rng(0)
    waveform = rng.standard_normal((2, 3000)).astype("float32")
    weights = rng.standard_normal((2, *dsp.stft(waveform, n_fft, hop_length)[0].shape)).astype("float32")

    def loss(x):
        parts = zip(weights, dsp.stft(x, n_fft, hop_length), strict=True)
        return sum(ops.sum(ops.multiply(w, ops.sin(part))) for w, part in parts), ()

    actual = np.asarray(value_and_gradient(loss)(waveform)[1])
    with backend.portable_operations():
        expected = np.asarray(value_and_gradient(loss)(waveform)[1])
    np.testing.assert_allclose(actual, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="the gradient is JAX's own there")
def test_the_gradient_has_a_gradient():
    import tensorflow as tf

    waveform = tf.constant(np.random.default_rng(0).standard_normal((1, 1500)), tf.float32)

    def second():
        with tf.GradientTape() as outer:
            outer.watch(waveform)
            with tf.GradientTape() as inner:
                inner.watch(waveform)
                total = sum(tf.reduce_sum(tf.sin(part)) for part in dsp.stft(waveform))
            first = inner.gradient(total, waveform)
        return outer.gradient(first, waveform).numpy()

    actual = second()
    with backend.portable_operations():
        expected = second()
    np.testing.assert_allclose(actual, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("samples", [None, 4000])
def test_what_only_has_a_shape_has_a_spectrum(samples):
    waveform = keras.Input((samples,))
    model = keras.Model(waveform, dsp.magnitude(waveform))
    x = np.random.default_rng(0).standard_normal((2, 4000)).astype("float32")
    np.testing.assert_allclose(
        model.predict(x, verbose=0), ops.convert_to_numpy(dsp.magnitude(x)), rtol=1e-4, atol=1e-4
    )


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


@pytest.mark.parametrize("rates", [(16000, 22050), (44100, 22050), (22050, 16000), (48000, 22050)])
def test_resample_keeps_tones_and_drops_what_does_not_fit(rates):
    low, high = rates
    time = np.arange(low // 2) / low
    tones = np.stack([np.sin(2 * np.pi * f * time) for f in (440.0, 5000.0)]).astype("float32")
    actual = ops.convert_to_numpy(dsp.resample(tones, *rates))
    expected = np.stack([np.sin(2 * np.pi * f * np.arange(actual.shape[1]) / high) for f in (440.0, 5000.0)])
    assert actual.shape[1] == dsp.resampled_length(len(time), *rates) == -(-len(time) * high // low)
    inner = slice(200, -200)
    np.testing.assert_allclose(actual[:, inner], expected[:, inner], atol=2e-3)
    if high < low:
        above = np.sin(2 * np.pi * 0.57 * high * time)[None].astype("float32")
        assert np.abs(ops.convert_to_numpy(dsp.resample(above, *rates))[:, inner]).max() < 2e-3


def test_resample_does_not_see_what_lies_after_the_lengths():
    audio = np.random.default_rng(0).standard_normal((2, 4000)).astype("float32")
    lengths = np.array([1234, 4000], "int32")
    padded = ops.convert_to_numpy(dsp.resample(audio, 16000, 22050, lengths))
    bare = ops.convert_to_numpy(dsp.resample(audio[:1, :1234], 16000, 22050))
    counted = dsp.resampled_length(lengths, 16000, 22050)
    assert counted[0] == bare.shape[1]
    np.testing.assert_allclose(padded[0, : counted[0]], bare[0], atol=1e-5)
    assert dsp.resampled_length(np.int32(2**31 - 1), 22050, 16000) > 1.5e9  # no overflow


@pytest.mark.parametrize("n_fft, hop_length, window", [(512, 256, "hamming"), (1024, 256, "hann")])
def test_spectra_by_products_are_those_of_the_transform(n_fft, hop_length, window):
    waveform = np.random.default_rng(0).standard_normal((2, 4 * n_fft)).astype("float32")
    expected = dsp.stft(waveform, n_fft, hop_length, window=window)
    with backend.portable_operations():
        actual = dsp.stft(waveform, n_fft, hop_length, window=window)
        back = dsp.istft(*actual, waveform.shape[1], n_fft, hop_length, window)
    for ours, theirs in zip(actual, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-4)  # of sums up to about 40
    np.testing.assert_allclose(back, waveform, atol=1e-5)


def test_what_is_missing_to_a_multiple():
    assert [dsp.pad_to_multiple(samples, 4) for samples in (0, 1, 4, 7)] == [0, 3, 0, 1]
