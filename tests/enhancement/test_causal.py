"""Layers of causal enhancers: equations in NumPy, states from part to part, what a constant offset and a level change."""

import keras
import numpy as np
import pytest
from keras import ops

from zoo.audio import spectra
from zoo.enhancement import causal
from zoo.enhancement.quasi_recurrent import _band_matrix

RNG = np.random.default_rng(0)


def spectrum(waveform, n_fft=64):
    """float32 (batch, frames, bins, 2), of whole frames alone."""
    parts = spectra.stft(waveform.astype("float32"), n_fft, n_fft // 2, "sqrt-hann")[:, 1:-1]
    return np.stack([parts.real, parts.imag], axis=3)


def numpy(tensors):
    return [ops.convert_to_numpy(x) for x in tensors]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_parts_of_a_state_are_its_numbers_in_order():
    first, second = numpy(causal.StateParts([(2,), (1, 3)])(np.arange(10.0).reshape(2, 5)))
    assert first.tolist() == [[0, 1], [5, 6]] and second.tolist() == [[[2, 3, 4]], [[7, 8, 9]]]


def without_offset(x, totals=((0.0, 0.0),)):
    return numpy(causal.WithoutOffset(64, "sqrt-hann", 0.8)(x, np.array(totals)))


def recording_spectrum(wave):
    """As `spectrum`, with the first frame, of which half lies before the recording."""
    return spectrum(np.pad(wave, ((0, 0), (32, 0))))


def test_a_constant_offset_goes_from_the_first_frame_on_and_leaves_the_rest():
    wave = 0.1 * RNG.standard_normal((1, 640))
    (with_offset, _), (without, _) = (without_offset(recording_spectrum(x)) for x in (wave + 0.7, wave))
    np.testing.assert_allclose(with_offset[:, 1:], without[:, 1:], atol=1e-4)
    alone, _ = without_offset(recording_spectrum(np.full((1, 640), 0.7)))
    np.testing.assert_allclose(alone[:, 1:], 0, atol=1e-4)


def test_the_offset_is_the_running_mean_of_bin_0():
    x, window = recording_spectrum(0.1 * RNG.standard_normal((1, 320))), spectra.window_samples("sqrt-hann", 64)
    lowest = x[0, :, 0, 0].astype("float64")
    lowest[0] *= window.sum() / window[32:].sum()
    weights = [0.8 ** np.arange(i, -1, -1) for i in range(len(lowest))]
    means = np.array([(weight * lowest[: i + 1]).sum() / weight.sum() for i, weight in enumerate(weights)])
    shape = np.fft.rfft(window).real / window.sum()
    level, totals = without_offset(x)
    np.testing.assert_allclose(level[0, :, :, 0], x[0, :, :, 0] - means[:, None] * shape, atol=1e-5)
    np.testing.assert_array_equal(level[..., 1], x[..., 1])
    np.testing.assert_allclose(totals, [[means[-1] * weights[-1].sum(), weights[-1].sum()]], rtol=1e-5)
    (begin, totals), half = without_offset(x[:, :4]), x[:, 4:]
    np.testing.assert_allclose(np.concatenate([begin, without_offset(half, totals)[0]], axis=1), level, atol=1e-5)


def test_rumble_stays():
    rumble = np.sin(2 * np.pi * np.arange(6400) / 128)[None]  # in bin 0 and its neighbour
    x = recording_spectrum(rumble)
    level, _ = numpy(causal.WithoutOffset(64, "sqrt-hann", 0.99)(x, np.zeros((1, 2))))
    assert np.abs(level[:, 50:] - x[:, 50:]).max() < 0.03 * np.abs(x).max()


def test_running_features():
    decay, x = 0.8, spectrum(0.1 * RNG.standard_normal((1, 320)))
    power = np.square(x).sum(axis=3)[0]
    weights = decay ** np.arange(len(power))
    levels, logs, usual = [], [], []
    for i in range(len(power)):
        past = weights[: i + 1][::-1]
        levels.append((past * power[: i + 1].mean(axis=1)).sum() / past.sum())
        logs.append(np.log(power[i] / levels[i] + 1e-7))
        absolute = np.array(logs) + np.log(levels)[:, None]
        usual.append((past[:, None] * absolute).sum(axis=0) / past.sum())
    expected_change = np.array(logs) + np.log(levels)[:, None] - np.array(usual)
    features, totals, log_totals = numpy(causal.RunningFeatures(decay)(x, np.zeros((1, 2)), np.zeros((1, 33))))
    np.testing.assert_allclose(features[0, :, :, 0], 0.2 * np.array(logs) + 0.8, atol=1e-4)
    np.testing.assert_allclose(features[0, :, :, 1], 0.4 * expected_change, atol=1e-4)
    magnitude = np.sqrt(power / np.array(levels)[:, None])
    np.testing.assert_allclose(np.hypot(*np.moveaxis(features[0, :, :, 2:], 2, 0)), magnitude**0.3, atol=2e-3)
    np.testing.assert_allclose(totals[0, 1], weights.sum(), rtol=1e-5)
    assert log_totals.shape == (1, 33)


def test_running_features_do_not_know_the_level():
    x, start = spectrum(RNG.standard_normal((1, 640))), (np.zeros((1, 2)), np.zeros((1, 33)))
    loud, soft = (ops.convert_to_numpy(causal.RunningFeatures(0.8)(gain * x, *start)[0]) for gain in (1.0, 1e-3))
    np.testing.assert_allclose(soft, loud, atol=1e-3)


def test_running_features_stay_bounded_after_digital_silence():
    x = spectrum(np.concatenate([np.zeros((1, 320)), RNG.standard_normal((1, 640))], axis=1))
    features = ops.convert_to_numpy(causal.RunningFeatures(0.8)(x, np.zeros((1, 2)), np.zeros((1, 33)))[0])
    assert np.isfinite(features).all() and np.abs(features).max() < 10


def test_bands_share_each_bin_between_the_two_nearest_peaks():
    matrix = _band_matrix(512, 16000)
    assert matrix.shape == (192, 64)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, atol=1e-5)
    assert ((matrix > 0).sum(axis=1) <= 2).all() and (matrix.sum(axis=0) > 0).all()


def test_bands_are_the_matrix_product():
    matrix, x = RNG.uniform(size=(3, 2)), RNG.standard_normal((1, 4, 5, 2)).astype("float32")
    bands = ops.convert_to_numpy(causal.Bands(2, matrix)(x))
    np.testing.assert_array_equal(bands[:, :, :2], x[:, :, :2])
    np.testing.assert_allclose(bands[:, :, 2:], np.einsum("btmc,mn->btnc", x[:, :, 2:], matrix), atol=1e-5)


@pytest.fixture(scope="module")
def recurrence():
    keras.utils.set_random_seed(0)
    layer = causal.QuasiRecurrence(3)
    layer(np.zeros((1, 2, 4, 2)), np.zeros((1, 1, 4, 2)), np.zeros((1, 4, 3)))
    return layer


def test_quasi_recurrence_is_the_papers_equations(recurrence):
    """Bradbury et al. 2017, fo-pooling, with a window of two frames."""
    x, past = RNG.standard_normal((2, 6, 4, 2)), RNG.standard_normal((2, 1, 4, 2))
    memory = RNG.standard_normal((2, 4, 3))
    kernel, bias = numpy(recurrence.gates.get_weights())
    both = np.concatenate([past, x], axis=1)
    values, forget, output = np.split(both[:, :-1] @ kernel[0, 0] + both[:, 1:] @ kernel[1, 0] + bias, 3, axis=3)
    expected, state = [], memory
    for time in range(6):
        gate = sigmoid(forget[:, time])
        state = gate * state + (1 - gate) * np.tanh(values[:, time])
        expected.append(sigmoid(output[:, time]) * state)
    outputs, next_past, next_memory = numpy(recurrence(*(a.astype("float32") for a in (x, past, memory))))
    np.testing.assert_allclose(outputs, np.stack(expected, axis=1), atol=1e-5)
    np.testing.assert_allclose(next_past, x[:, -1:], atol=1e-6)
    np.testing.assert_allclose(next_memory, state, atol=1e-5)


def test_memories_of_the_channels_begin_from_1_to_100_frames(recurrence):
    forget = sigmoid(recurrence.gates.bias.numpy()[3:6])
    np.testing.assert_allclose(1 / (1 - forget) - 1, [1, 10, 100], rtol=1e-3)


def test_a_complex_mask_multiplies_and_is_bounded():
    x, mask = (RNG.standard_normal((1, 2, 3, 2)) for _ in range(2))
    expected = (x[..., 0] + 1j * x[..., 1]) * (2 * np.tanh(mask[..., 0] / 2) + 2j * np.tanh(mask[..., 1] / 2))
    masked = ops.convert_to_numpy(causal.ComplexMask()(x, mask))
    np.testing.assert_allclose(masked[..., 0] + 1j * masked[..., 1], expected, atol=1e-5)
    unit = np.broadcast_to(ops.convert_to_numpy(causal.UnitMask()((2,))), x.shape)
    np.testing.assert_allclose(ops.convert_to_numpy(causal.ComplexMask()(x, unit)), x, atol=1e-5)


def test_running_means_forget_in_two_seconds():
    assert causal.running_decay(256, 16000) ** 125 == pytest.approx(np.exp(-1))
