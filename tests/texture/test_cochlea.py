"""The model of the ear: its filters tile, tones and modulations land in their bands, silence has a gradient."""

import keras
import numpy as np
import pytest
import scipy.signal
from keras import ops

from zoo.errors import InputError
from zoo.texture import cochlea

RATE = cochlea.SAMPLE_RATE


def tone(frequency, samples=RATE):
    return 0.1 * np.sin(2 * np.pi * frequency * np.arange(samples) / RATE)[None].astype("float32")


def envelopes(waveform):
    return ops.convert_to_numpy(cochlea.cochleagram(waveform)[1])


@pytest.mark.parametrize("samples", [20_000, 20_050, 20_001])
def test_squared_responses_sum_to_one(samples):
    filters = cochlea.cochlear_filters(samples)
    assert filters.shape == (32, samples // 2 + 1)
    np.testing.assert_allclose(np.square(filters).sum(axis=0), 1.0, rtol=0, atol=1e-12)


def test_subbands_filtered_again_sum_to_the_waveform():
    x = 0.1 * np.random.default_rng(0).standard_normal((1, RATE)).astype("float32")
    subbands = ops.convert_to_numpy(cochlea.cochleagram(x)[0])
    spectrum = (np.fft.rfft(subbands) * cochlea.cochlear_filters(RATE)).sum(axis=1)
    np.testing.assert_allclose(np.fft.irfft(spectrum), x, atol=1e-6)


def test_centers_are_the_papers():
    centers = cochlea.band_centers()
    assert [round(f) for f in (centers[1], centers[30])] == [52, 8844]
    assert centers[[0, -1]] == pytest.approx([20, 10_000])


@pytest.mark.parametrize("band", [1, 2, 9, 20, 30])
def test_a_tone_peaks_in_its_band(band):
    x = tone(cochlea.band_centers()[band])
    subbands, compressed = (ops.convert_to_numpy(part)[0] for part in cochlea.cochleagram(x))
    assert np.square(subbands).mean(axis=1).argmax() == band
    assert compressed.mean(axis=1).argmax() == band
    np.testing.assert_allclose(compressed[band].mean(), 0.1**0.3, rtol=0.02)


def test_the_envelope_is_the_analytic_magnitude():
    x = 0.1 * np.random.default_rng(0).standard_normal(RATE)
    band = 12
    subband = np.fft.irfft(np.fft.rfft(x) * cochlea.cochlear_filters(RATE)[band])
    # Fourier resampling is the same low-pass filter, but for the bin at 200 Hz.
    expected = scipy.signal.resample(np.abs(scipy.signal.hilbert(subband)) ** 0.3, 400)
    np.testing.assert_allclose(envelopes(x[None].astype("float32"))[0, band], expected, atol=2e-3)


@pytest.mark.parametrize("samples", [40_000, 20_050])
def test_shapes_and_the_rest_of_a_frame(samples):
    x = 0.1 * np.random.default_rng(0).standard_normal((2, samples)).astype("float32")
    subbands, compressed = cochlea.cochleagram(np.pad(x, ((0, 0), (0, 49))))
    assert tuple(subbands.shape) == (2, 32, samples)
    assert tuple(compressed.shape) == (2, 32, samples // 50)
    np.testing.assert_array_equal(ops.convert_to_numpy(compressed), envelopes(x))
    np.testing.assert_allclose(envelopes(x[1:])[0], ops.convert_to_numpy(compressed)[1], atol=1e-6)


def test_time_is_circular():
    x = 0.1 * np.random.default_rng(0).standard_normal((1, RATE)).astype("float32")
    moved = envelopes(np.roll(x, 7 * cochlea.STEP, axis=1))
    np.testing.assert_allclose(moved, np.roll(envelopes(x), 7, axis=-1), atol=1e-4)


def test_modulation_bands_have_their_quality():
    frames = 400 * 20  # bins so narrow that their mean is their centre
    frequency = np.arange(frames // 2 + 1) * 400 / frames
    for centers, quality in ((cochlea.MODULATIONS[12:-1:2], 2), (cochlea.OCTAVES[3:], 2**0.5)):
        for center, response in zip(centers, cochlea.modulation_filters(frames, centers, quality), strict=True):
            passed = frequency[np.square(response) >= 0.5]
            assert center / (passed[-1] - passed[0]) == pytest.approx(quality, rel=0.01)
            assert frequency[response.argmax()] == pytest.approx(center, rel=0.01)


def test_octave_bands_tile():
    filters = cochlea.modulation_filters(4000, cochlea.OCTAVES, cochlea.OCTAVE_QUALITY)
    within = slice(20, 1000)  # 2..100 Hz
    np.testing.assert_allclose(np.square(filters).sum(axis=0)[within], 1.0, atol=0.02)


def test_modulation_bands_measure_the_same_in_any_length():
    # Power that a flat spectrum of modulation has in each band: its mean over the bins.
    short, long = (np.square(cochlea.modulation_filters(n)).sum(axis=1) / n for n in (800, 2000))
    np.testing.assert_allclose(short, long, rtol=0.05)


def test_silence_is_even_and_has_a_gradient():
    silence = np.zeros((1, RATE), "float32")
    np.testing.assert_allclose(envelopes(silence), 1e-10**0.15, rtol=1e-3)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        x = tf.constant(silence)
        with tf.GradientTape() as tape:
            tape.watch(x)
            total = ops.sum(cochlea.cochleagram(x)[1])
        assert np.isfinite(tape.gradient(total, x)).all()


@pytest.mark.parametrize("shape", [(20_000,), (1, 20_000, 2), (1, 49)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(InputError, match="give \\(batch, samples\\), 50 samples or more"):
        cochlea.cochleagram(np.zeros(shape, "float32"))
