"""Separation block by block, as the sound comes: the same result as of the whole, some tenths of a second later."""

import numpy as np

from zoo.audio import checks
from zoo.errors import InputError

BLOCK_SECONDS = 10.0  # of a recording at a time, which bounds the memory


class Stream:
    """Separates a mixture that comes in blocks of any sizes.

    What comes out is what the model makes of the whole mixture, sample for sample (up to float32's rounding): a sample
    goes once every segment that it lies in is there, at most `latency` seconds after it came.

    Args:
        model: `ChandnaSeparator`.
        channels: of the mixture; each is separated by itself.

    Attributes:
        latency: seconds, ((T - 1) hop_length + n_fft) / sample_rate; blocks come on top.

    Example:
        >>> stream = Stream(zoo.load("chandna-4stem-44k"), channels=2)  # doctest: +SKIP
        >>> for block in blocks:  # doctest: +SKIP
        ...     play(stream.push(block)["vocals"])
        >>> play(stream.flush()["vocals"])  # doctest: +SKIP
    """

    def __init__(self, model, channels=1):
        self.model, self.channels, self.latency = model, channels, model.latency
        self._grid = model.step * model.hop_length  # samples from segment to segment
        # Samples before one that have a say in it: those of the segments that it is in, and of their frames.
        self._context = -(-(model.frames * model.hop_length + model.n_fft) // self._grid) * self._grid
        self._held, self._begin = np.zeros((0, channels), "float32"), 0  # what is kept, and where it begins
        self._given = 0  # samples

    def push(self, block):
        """Take a block, and give what is done.

        Args:
            block: float (samples, channels), or (samples,) of one channel, in [-1, 1] at the model's rate.

        Returns:
            {source: float32 (samples, channels)}, of none, or some samples, in order and without gaps.

        Raises:
            InputError: another number of channels, integers, or NaN or infinity.
        """
        block = checks.as_floats(block)
        block = block[:, None] if block.ndim == 1 else block
        if block.ndim != 2 or block.shape[1] != self.channels:
            raise InputError(f"the block has shape {block.shape}: give (samples, {self.channels})")
        checks.check_finite(block)
        self._held = np.concatenate([self._held, block.astype("float32", copy=False)])
        model, come = self.model, self._begin + len(self._held)
        frames = (come - model.n_fft // 2) // model.hop_length + 1  # that are whole
        first_open = ((frames - model.frames) // model.step + 1) * self._grid  # where the next segment begins
        return self._give(max(first_open - model.n_fft // 2, self._given))

    def flush(self):
        """Give the rest, and begin anew.

        Returns:
            {source: float32 (samples, channels)}.
        """
        rest = self._give(self._begin + len(self._held))
        self._held, self._begin, self._given = self._held[:0], 0, 0
        return rest

    def _give(self, until):
        """The sources from what was given to `until`; what no later sample needs is forgotten."""
        if until == self._given:
            return {source: np.zeros((0, self.channels), "float32") for source in self.model.sources}
        samples = len(self._held)
        padded = np.pad(self._held, ((0, -samples % self._grid), (0, 0))).T  # few shapes are compiled
        separated = self.model.predict_on_batch(padded)[:, :, self._given - self._begin : until - self._begin]
        self._given = until
        begin = max(until - self._context, 0) // self._grid * self._grid
        self._held, self._begin = self._held[begin - self._begin :], begin
        return dict(zip(self.model.sources, separated.transpose(1, 2, 0), strict=True))
