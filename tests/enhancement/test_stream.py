"""Streams: end to end what the enhancer gives of the whole, of any blocks, channels and runtimes; bad blocks."""

import keras
import numpy as np
import pytest

from tests.support.enhancement import voice
from zoo.enhancement.model import DNNEnhancer
from zoo.enhancement.quasi_recurrent import QuasiRecurrentEnhancer
from zoo.enhancement.stream import Stream
from zoo.errors import InputError

RATE = 16000


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    return QuasiRecurrentEnhancer(channels=4, first_channels=3, blocks=1)


def noisy(samples, *channels):
    return 0.1 * np.random.default_rng(0).standard_normal((samples, *channels)).astype("float32")


def streamed(stream, recording, sizes):
    parts, start = [], 0
    for size in sizes:
        parts.append(stream.push(recording[start : start + size]))
        start += size
    return [*parts, stream.push(recording[start:]), stream.finish()]


@pytest.mark.parametrize("samples", [0, 1, 255, 256, 257, 5000])
@pytest.mark.parametrize("sizes", [(), (1, 300), (256, 256), (0, 700, 3)])
def test_end_to_end_it_is_the_whole(model, samples, sizes):
    recording = noisy(samples)
    parts = np.concatenate(streamed(Stream(model), recording, sizes))
    expected = model.enhance(recording, RATE) if samples else recording
    np.testing.assert_allclose(parts, expected, atol=1e-6)


def test_a_sample_comes_out_at_the_latest_when_a_window_has_come_in(model):
    stream, recording, received, sent = Stream(model), noisy(4000), 0, 0
    assert stream.latency == 512
    for size in (100, 412, 1, 255, 1000):
        sent += len(stream.push(recording[received : received + size]))
        received += size
        assert received - stream.latency < sent <= received


def test_channels_are_streams_of_their_own(model):
    recording = noisy(3000, 2)
    parts = streamed(Stream(model, channels=2), recording, (1000, 24))
    assert parts[-1].ndim == 2
    np.testing.assert_allclose(np.concatenate(parts), model.enhance(recording[None], RATE)[0], atol=1e-6)


def test_another_recording_may_follow(model):
    stream, recording = Stream(model), voice(0.3, seed=0)
    first, second = (np.concatenate(streamed(stream, recording, (777,))) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_bad_blocks_are_refused_and_change_nothing(model):
    stream, recording = Stream(model), noisy(2000)
    with pytest.raises(InputError, match=r"shape \(10, 2\); give \(samples, 1\)"):
        stream.push(np.zeros((10, 2)))
    with pytest.raises(InputError, match="NaN"):
        stream.push(np.array([0.0, np.nan]))
    with pytest.raises(InputError, match="NaN or infinity"), np.errstate(over="ignore"):
        stream.push(np.array([1e300]))  # beyond float32
    with pytest.raises(InputError, match="int16; give float"):
        stream.push(np.zeros(4, "int16"))
    with pytest.raises(InputError, match="divide 16-bit samples by 32768"):
        stream.push(np.array([0.0, 20000.0]))
    parts = np.concatenate(streamed(stream, recording, ()))
    np.testing.assert_allclose(parts, model.enhance(recording, RATE), atol=1e-6)


def test_an_enhancer_of_whole_recordings_is_refused():
    with pytest.raises(InputError, match="needs the whole recording"):
        Stream(DNNEnhancer(units=4))
