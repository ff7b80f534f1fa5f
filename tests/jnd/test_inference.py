"""Distances by onnxruntime are those by Keras: of batches, of lengths, of long recordings, and where there is none."""

import numpy as np
import pytest

from tests.support import checkpoints, onnx
from zoo.errors import InputError

NAMES = [name for name in onnx.ONNX_NAMES if name.startswith("jnd")]


def check_judgments(name, *pair, **options):
    expected = checkpoints.load(name).judge(*pair, 22050, **options)
    for ours, theirs in zip(onnx.load(name).judge(*pair, 22050, **options), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", checkpoints.swept(NAMES))
def test_distances_and_probabilities_are_those_of_keras(name):
    check_judgments(name, *onnx.recordings(22050, 3, 1.0), lengths=[22050, 20001, 0])


def test_those_of_a_long_recording_are_those_of_keras():
    check_judgments("jnd-22k", *onnx.recordings(22050, 1, 31))


def test_identical_recordings_have_no_distance():
    speech = onnx.recordings(22050, 1, 1)[0]
    assert onnx.load("jnd-22k").distance(speech, speech, 22050).tolist() == [0.0]
    assert 0 < onnx.load("jnd-22k").probability(speech, speech, 22050)[0] < 0.2


def test_channels_are_compared_one_after_the_other():
    metric = onnx.load("jnd-22k")
    reference, degraded = onnx.recordings(22050, 2, 1.0)
    stereo = [np.stack(pair, axis=-1)[None] for pair in ((reference[0], reference[1]), (degraded[0], degraded[1]))]
    in_turn = [np.concatenate(list(x), axis=0) for x in (reference, degraded)]
    np.testing.assert_allclose(metric.judge(*stereo, 22050), metric.judge(*in_turn, 22050), rtol=1e-6)
    twice = [np.stack([x[0], x[0]], axis=-1)[None] for x in (reference, degraded)]
    mono = metric.distance(reference[0], degraded[0], 22050)
    np.testing.assert_allclose(metric.distance(*twice, 22050), mono, rtol=0.05)
    one_channel = [twice[0], np.stack([degraded[0], reference[0]], axis=-1)[None]]
    assert 0.3 * mono < metric.distance(*one_channel, 22050) < mono


def test_channels_have_one_gain():
    metric = onnx.load("jnd-quality-22k")
    reference, (_, changed) = onnx.recordings(22050, 2, 1.0)

    def distance(gain):
        """Of stereo whose second channel changes, at a gain."""
        stereo = [np.stack([reference[0], gain * x], axis=-1)[None] for x in (reference[1], changed)]
        return metric.distance(*stereo, 22050)

    assert distance(0.01) < 0.2 * distance(1.0)  # with a gain of its own the soft channel would count as much


def test_channels_are_batched_cut_padded_and_resampled():
    metric = onnx.load("jnd-22k")
    reference, degraded = (np.stack([x, x[::-1]], axis=-1) for x in onnx.recordings(22050, 2, 1.0))
    batch = metric.distance(reference, degraded, 22050, lengths=[22050, 12000])
    alone = metric.distance(reference[1:, :12000], degraded[1:, :12000], 22050)
    np.testing.assert_allclose(batch[1:], alone, rtol=1e-4)
    half = metric.distance(reference[:1], degraded[:1, :11025], 22050, pad=True)
    assert half > batch[0]
    assert metric.distance(reference, degraded, 16000, resample=True).shape == (2,)
    reference[0, 5, 1] = np.nan
    np.testing.assert_array_equal(np.isnan(metric.distance(reference, degraded, 22050)), [True, False])


def test_channels_that_differ_in_number_or_order_are_refused():
    metric, mono = onnx.load("jnd-22k"), np.zeros((1, 22050))
    with pytest.raises(InputError, match="1 and 2 channels"):
        metric.distance(mono, np.zeros((1, 22050, 2)), 22050)
    with pytest.raises(InputError, match="channels come last"):
        metric.distance(*2 * [np.zeros((1, 2, 22050))], 22050)
    with pytest.raises(InputError, match="give 1 integers"):
        metric.distance(*2 * [np.zeros((1, 22050, 2))], 22050, lengths=[1, 1])
