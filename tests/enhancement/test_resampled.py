"""A stream of another rate gives what `enhance(resample=True)` gives of the whole, and says how late."""

import numpy as np
import pytest

from tests.support.streams import Gain, noise
from zoo.enhancement.resampled import ResampledStream
from zoo.enhancement.stream import Stream
from zoo.errors import InputError


def pushed(stream, audio, block):
    parts = [stream.push(audio[start : start + block]) for start in range(0, len(audio), block)]
    return np.concatenate([*parts, stream.finish()])


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000, 96000])
def test_a_stream_gives_what_the_whole_gives(rate):
    stream = ResampledStream(Stream(Gain(), channels=2), rate)
    assert stream.sample_rate == rate and stream.channels == 2
    for samples, block in ((1, 1), (3, 2), (1001, 256), (30001, 777), (rate, rate)):
        audio = noise(samples, channels=2)
        enhanced = pushed(stream, audio, block)  # one stream for all: `finish` begins another recording
        whole = [Gain().enhance(channel, rate, resample=True) for channel in audio.T]
        np.testing.assert_allclose(enhanced, np.stack(whole, axis=1), atol=1e-6)


def test_nothing_gives_nothing():
    assert ResampledStream(Stream(Gain()), 48000).finish().shape == (0, 1)


@pytest.mark.parametrize("rate", [8000, 44100, 48000])
def test_no_sample_is_later_than_the_latency(rate):
    stream, audio = ResampledStream(Stream(Gain()), rate), noise(5 * rate)
    block, sent, longest = rate // 100, 0, 0
    for start in range(0, len(audio), block):
        part = stream.push(audio[start : start + block])
        longest = max(longest, start + block - sent if len(part) else 0)
        sent += len(part)
    assert 0.5 * stream.latency < longest <= stream.latency + block


def test_a_reset_begins_anew():
    stream, audio = ResampledStream(Stream(Gain()), 48000), noise(5000)
    first = pushed(stream, audio, 500)
    stream.push(audio[:3000])
    stream.reset()
    np.testing.assert_array_equal(pushed(stream, audio, 500), first)


def test_bad_blocks_are_refused_and_change_nothing():
    stream, audio = ResampledStream(Stream(Gain(), channels=2), 48000), noise(3000, channels=2)
    for bad, words in (
        (np.full((10, 2), np.nan), "NaN"),
        (audio[:10, :1], "shape"),
        (np.zeros((4, 2), "int16"), "int16"),
    ):
        with pytest.raises(InputError, match=words):
            stream.push(bad)
    whole = [Gain().enhance(channel, 48000, resample=True) for channel in audio.T]
    np.testing.assert_allclose(pushed(stream, audio, 700), np.stack(whole, axis=1), atol=1e-6)


def test_a_rate_is_a_number():
    with pytest.raises(InputError, match="whole number in Hz"):
        ResampledStream(Stream(Gain()), 0)
