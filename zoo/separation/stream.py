"""Separation of sound that arrives in blocks: the same result as of the whole, some tenths of a second later."""

import warnings

import numpy as np

from zoo.audio import checks
from zoo.errors import InputError, InputWarning

BLOCK_SECONDS = 10.0  # of a recording at a time, which bounds the memory
QUIET = 0.15  # a peak, 16 dB below full scale; docs/separation.md has what a lower level costs


def warn_of_level(peak: float, name: str = "the mixture") -> None:
    """Warn where a mixture is far below the level of songs, at which the networks were trained.

    Args:
        peak: largest absolute value of a whole mixture; of silence, 0, there is nothing to say.
        name: of the mixture, for the message.

    Example:
        >>> warn_of_level(0.9)
    """
    if 0 < peak < QUIET:
        fix = "scale it to a peak near 1, and the sources back"
        message = (
            f"{name} peaks at {peak:.2g}, where separation is up to 3.5 dB worse than at the level of songs; {fix}"
        )
        warnings.warn(message, InputWarning, stacklevel=3)


class Stream:
    """Separates a mixture that arrives in blocks of any sizes.

    The output is that of the model on the whole mixture, sample for sample (up to float32's rounding): a sample is
    returned once every segment that holds it is complete, at most `latency` seconds after it arrived. No level is known
    before the end: scale a mixture that is far below the level of songs (`warn_of_level`).

    Args:
        model: `ChandnaSeparator`.
        channels: of the mixture; each is separated by itself.

    Attributes:
        latency: seconds, ((T - 1) hop_length + n_fft) / sample_rate; blocks come on top.

    Example:
        >>> stream = Stream(zoo.load("chandna-4stem-44k"), channels=2)
        >>> blocks = np.random.default_rng(0).normal(size=(4, 11025, 2)) / 10
        >>> parts = [*(stream.push(block)["vocals"] for block in blocks), stream.flush()["vocals"]]
        >>> sum(len(part) for part in parts)
        44100
    """

    def __init__(self, model, channels=1):
        self.model, self.channels, self.latency = model, channels, model.latency
        self._grid = model.step * model.hop_length  # samples from segment to segment
        # Samples before one on which its output depends: those of the segments that hold it, and of their frames.
        self._context = -(-(model.frames * model.hop_length + model.n_fft) // self._grid) * self._grid
        self._held, self._begin = (
            np.zeros((0, channels), "float32"),
            0,
        )  # the samples still needed, and where they begin
        self._done = 0  # samples that were returned

    def push(self, block):
        """Add a block, and return the samples that are complete.

        Args:
            block: float (samples, channels), or (samples,) of one channel, in [-1, 1] at the model's rate.

        Returns:
            {source: float32 (samples, channels)}, of no, or some samples, in order and without gaps.

        Raises:
            InputError: another number of channels, integers, NaN or infinity, or samples that are not scaled.
        """
        block = checks.as_floats(block)
        block = block[:, None] if block.ndim == 1 else block
        if block.ndim != 2 or block.shape[1] != self.channels:
            raise InputError(f"the block has shape {block.shape}: give (samples, {self.channels})")
        checks.check_finite(block)
        checks.check_scale(block)
        self._held = np.concatenate([self._held, block.astype("float32", copy=False)])
        model, received = self.model, self._begin + len(self._held)
        frames = (received - model.n_fft // 2) // model.hop_length + 1  # that are whole
        first_open = ((frames - model.frames) // model.step + 1) * self._grid  # where the next segment begins
        return self._separate(max(first_open - model.n_fft // 2, self._done))

    def flush(self):
        """Return the rest, and begin anew.

        Returns:
            {source: float32 (samples, channels)}.
        """
        rest = self._separate(self._begin + len(self._held))
        self._held, self._begin, self._done = self._held[:0], 0, 0
        return rest

    def _separate(self, until):
        """The sources from the last returned sample to `until`; samples that no later one needs are dropped."""
        if until == self._done:
            return {source: np.zeros((0, self.channels), "float32") for source in self.model.sources}
        samples = len(self._held)
        padded = np.pad(self._held, ((0, -samples % self._grid), (0, 0))).T  # few shapes are compiled
        separated = self.model.separate_batch(padded)[:, :, self._done - self._begin : until - self._begin]
        self._done = until
        begin = max(until - self._context, 0) // self._grid * self._grid
        self._held, self._begin = self._held[begin - self._begin :], begin
        return dict(zip(self.model.sources, separated.transpose(1, 2, 0), strict=True))
