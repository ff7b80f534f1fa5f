"""Streams of another sample rate than the enhancer's: resampled on the way in, and back on the way out."""

import math

import numpy as np
import soxr

from zoo.audio import checks
from zoo.enhancement.stream import Stream

_SECONDS = 2  # of silence, after which a resampler has waited for as long as it ever does, but for some samples


class ResampledStream:
    """A `Stream` for sound of another rate: what comes out, end to end, is `enhance(resample=True)` of the whole.

    It resamples with soxr at its highest quality, as `zoo.audio.io.resample` does. That quality has its price in time:
    from 48 kHz to 16 kHz and back it waits for 0.16 s more. What can be recorded at the rate of the enhancer should be.

    Args:
        stream: of the enhancer.
        sample_rate: of the samples, in Hz.

    Attributes:
        sample_rate: in Hz, and `channels`.
        latency: samples at that rate from a sample's coming in to its coming out, at most, as measured on silence.

    Example:
        >>> stream = ResampledStream(Stream(zoo.load("qrnn-16k")), 48000)
        >>> noisy = np.random.default_rng(0).normal(0, 0.1, (3000, 1))
        >>> sum(map(len, [stream.push(noisy[:2000]), stream.push(noisy[2000:]), stream.finish()]))
        3000
    """

    def __init__(self, stream: Stream, sample_rate: int):
        self._stream, self.sample_rate, self.channels = stream, checks.whole_rate(sample_rate), stream.channels
        rates = self.sample_rate, stream.sample_rate
        waiting = _longest_wait(*rates) + stream.latency / stream.sample_rate + _longest_wait(*rates[::-1])
        self.latency = math.ceil(waiting * self.sample_rate)
        self._to_model, self._back = (_resampler(*rates, self.channels) for rates in (rates, rates[::-1]))
        self._received = self._sent = 0

    def reset(self) -> None:
        """Begin another recording."""
        self._stream.reset()
        self._to_model.clear()
        self._back.clear()
        self._received = self._sent = 0

    def push(self, block: np.ndarray) -> np.ndarray:
        """Take float (samples, channels) in, give those that are final, float32 (samples, channels).

        Raises:
            InputError: as of `Stream.push`.
        """
        block = self._stream.rows(block).T
        self._received += len(block)
        enhanced = self._stream.push(self._to_model.resample_chunk(_as_floats(block)))
        return self._counted(self._back.resample_chunk(_as_floats(enhanced)))

    def finish(self) -> np.ndarray:
        """The samples that are still to come, float32 (samples, channels); then `reset`."""
        nothing = np.zeros((0, self.channels), "float32")
        rest = self._to_model.resample_chunk(nothing, last=True)
        parts = [self._stream.push(rest), self._stream.finish().reshape(-1, self.channels)]
        rest = self._counted(self._back.resample_chunk(_as_floats(np.concatenate(parts)), last=True))
        # Rounding to samples of the model and back may have cost one.
        rest = np.pad(rest, ((0, self._received - self._sent), (0, 0)))
        self.reset()
        return rest

    def _counted(self, block):
        """A block without what goes beyond the samples that came in."""
        block = block[: self._received - self._sent]
        self._sent += len(block)
        return block


def _as_floats(block):
    return np.ascontiguousarray(block, "float32")


def _resampler(from_rate, to_rate, channels=1):
    return soxr.ResampleStream(from_rate, to_rate, channels, "float32", "VHQ")


def _longest_wait(from_rate, to_rate):
    """Seconds that a sample waits in a resampler at most, where it comes with those of a millisecond."""
    resampler, step = _resampler(from_rate, to_rate), max(from_rate // 1000, 1)
    received, sent, longest = 0, 0, 0.0
    while received < _SECONDS * from_rate:
        received += step
        came = len(resampler.resample_chunk(np.zeros(step, "float32")))
        longest = max(longest, received / from_rate - sent / to_rate if came else 0.0)
        sent += came
    return longest
