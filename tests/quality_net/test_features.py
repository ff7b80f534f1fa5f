"""The input channels of a pair and of a recording: values by hand, level, frames that do not count."""

import numpy as np
import pytest
from keras import ops

from zoo.audio import dsp
from zoo.quality_net.features import FEATURES, PairFeatures, RecordingFeatures

RNG = np.random.default_rng(0)
DEGRADED, REFERENCE = RNG.random((2, 2, 12, 257)).astype("float32")
FRAMES = np.array([12, 7], "int32")


def channels(features, degraded=DEGRADED, reference=REFERENCE, frames=FRAMES):
    return ops.convert_to_numpy(PairFeatures(features, 20, 512, 16000)(degraded, reference, frames))


def test_magnitudes_and_their_logarithms_are_the_papers_two_channels():
    both = np.stack([DEGRADED, REFERENCE], axis=-1) * (np.arange(12) < FRAMES[:, None])[:, :, None, None]
    np.testing.assert_allclose(channels("magnitude"), both, rtol=1e-6)
    np.testing.assert_allclose(channels("log1p"), np.log1p(both), rtol=1e-5)


@pytest.mark.parametrize(("features", "width"), [("log-power", 257), ("log-mel", 20)])
def test_level_does_not_count_and_the_third_channel_is_the_difference(features, width):
    values = channels(features)
    assert values.shape == (2, 12, width, 3)
    np.testing.assert_allclose(values[..., 2], values[..., 0] - values[..., 1], atol=1e-5)
    np.testing.assert_allclose(channels(features, degraded=10 * DEGRADED), values, atol=1e-3)


@pytest.mark.parametrize("features", FEATURES)
def test_frames_after_the_length_count_for_nothing(features):
    degraded = DEGRADED.copy()
    degraded[1, 7:] = 100.0
    values = channels(features, degraded=degraded)
    assert not values[1, 7:].any()
    np.testing.assert_allclose(values, channels(features), atol=1e-5)


@pytest.mark.parametrize("features", FEATURES)
def test_the_shape_is_known_before_and_the_layer_comes_back_from_its_config(features):
    layer = PairFeatures(features, 20, 512, 16000)
    assert layer.compute_output_shape((2, 12, 257)) == channels(features).shape
    assert PairFeatures.from_config(layer.get_config()).get_config() == layer.get_config()


def test_other_features_are_refused():
    with pytest.raises(ValueError, match="features must be one of magnitude, log1p"):
        PairFeatures("mfcc", 20, 512, 16000)


def recording_channel(magnitude=DEGRADED):
    return ops.convert_to_numpy(RecordingFeatures(20, 512, 16000)(magnitude, FRAMES))


def test_a_recording_is_its_log_power_in_mel_bands_over_a_floor_60_db_below_its_mean():
    counted = (np.arange(12) < FRAMES[:, None])[:, :, None]
    power = DEGRADED.astype("float64") ** 2 * counted
    power /= power.sum((1, 2), keepdims=True) / (257 * FRAMES[:, None, None])
    expected = counted * np.log(power @ ops.convert_to_numpy(dsp.mel_matrix(20, 512, 16000)) + 1e-6)
    values = recording_channel()
    assert RecordingFeatures(20, 512, 16000).compute_output_shape((2, 12, 257)) == values.shape == (2, 12, 20, 1)
    np.testing.assert_allclose(values[..., 0], expected, atol=1e-4)
    np.testing.assert_allclose(recording_channel(10 * DEGRADED), values, atol=1e-3)


def test_frames_of_a_recording_after_its_length_count_for_nothing():
    magnitude = DEGRADED.copy()
    magnitude[1, 7:] = 100.0
    np.testing.assert_allclose(recording_channel(magnitude), recording_channel(), atol=1e-5)
