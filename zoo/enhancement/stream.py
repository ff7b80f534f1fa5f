"""Enhancement of sound that is still coming in: blocks of any size, by a network that needs no later sample to begin."""

from typing import Any

import numpy as np

from zoo.audio import checks
from zoo.errors import InputError


class Stream:
    """Enhances a recording block by block; what comes out, end to end, is `model.enhance` of the whole.

    A sample comes out as soon as it is final: `latency` samples, itself among them, are the most that must have come in
    from it on. The memory is bounded: a state of fixed size, and less than a hop of samples that wait.

    Args:
        model: a causal enhancer, as `zoo.load("qrnn-16k")` gives it, or the same on onnxruntime, which is faster by
            small blocks: `zoo.load("qrnn-16k", runtime="onnx")`.
        channels: of the recording; each is enhanced by itself.

    Attributes:
        sample_rate: of the samples, in Hz.
        latency: samples from a sample's coming in to its coming out; `latency / sample_rate` is in seconds.

    Raises:
        InputError: the model needs the whole recording.

    Example:
        >>> stream = Stream(zoo.load("qrnn-16k"))
        >>> noisy = np.random.default_rng(0).normal(0, 0.1, 1000)
        >>> blocks = [stream.push(noisy[:300]), stream.push(noisy[300:]), stream.finish()]
        >>> [len(block) for block in blocks]
        [0, 512, 488]
        >>> whole = zoo.load("qrnn-16k").enhance(noisy, sample_rate=16000)
        >>> bool(np.allclose(np.concatenate(blocks), whole, atol=1e-5))
        True
    """

    def __init__(self, model: Any, channels: int = 1):
        if not hasattr(model, "stream_batch"):
            raise InputError(f"a {type(model).__name__} needs the whole recording: load a causal one, such as qrnn-16k")
        self.model, self.sample_rate, self.latency = model, model.sample_rate, model.n_fft
        self.channels = channels
        self.reset()

    def reset(self) -> None:
        """Begin another recording."""
        self._states = np.zeros((self.channels, self.model.state_size), "float32")
        self._waiting = np.zeros((self.channels, 0), "float32")
        self._received, self._sent, self._lag = 0, 0, self.model.hop_length

    def push(self, block: Any) -> np.ndarray:
        """Take samples in, give those that are final.

        Args:
            block: float (samples,), or (samples, channels), in [-1, 1]; any number of samples, none too.

        Returns:
            float32 of the same number of axes: the enhanced samples that follow those that came out before.

        Raises:
            InputError: as for `rows`.
        """
        rows = self.rows(block)
        self._received += rows.shape[1]
        self._waiting = np.concatenate([self._waiting, rows], axis=1)
        ready = self._waiting.shape[1] // self.model.hop_length * self.model.hop_length
        return self._shaped(self._run(ready), np.ndim(block))

    def finish(self) -> np.ndarray:
        """The samples that are still to come, float32 (samples,), or (samples, channels) of several; then `reset`."""
        missing = self._received - self._sent
        self._waiting = np.pad(self._waiting, ((0, 0), (0, self.model.ending(self._waiting.shape[1]))))
        rows = self._run(self._waiting.shape[1])[:, :missing]
        self.reset()
        return self._shaped(rows, 1 if self.channels == 1 else 2)

    def rows(self, block: Any) -> np.ndarray:
        """A block as `push` takes it, checked, as float32 (channels, samples).

        Raises:
            InputError: another number of channels, no floats, samples far above full scale, or NaN or infinity.
        """
        block = checks.as_floats(block).astype("float32")
        if block.ndim not in (1, 2) or (1 if block.ndim == 1 else block.shape[1]) != self.channels:
            raise InputError(
                f"a block has the shape {block.shape}; give (samples, {self.channels}), or Stream(channels=)"
            )
        checks.check_finite(block)
        checks.check_scale(block)
        return block.reshape(-1, self.channels).T

    def _run(self, ready):
        """Enhanced rows of the first waiting samples, a multiple of the hop; what lies before the recording is left out."""
        if not ready:
            return np.zeros((self.channels, 0), "float32")
        blocks, self._waiting = self._waiting[:, :ready], self._waiting[:, ready:]
        enhanced, self._states = self.model.stream_batch(blocks, self._states)
        enhanced, self._lag = enhanced[:, self._lag :], max(self._lag - ready, 0)
        self._sent += enhanced.shape[1]
        return enhanced

    @staticmethod
    def _shaped(rows, axes):
        return rows[0] if axes == 1 else rows.T
