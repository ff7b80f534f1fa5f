"""How sure a surrogate is of a score: intervals that hold the true metric as often as they say. Imports no backend."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from zoo.audio import spectra

_BANDS = 8
_LOWEST = 60.0  # Hz, of the bands
_FLOOR = 1e-5  # added to a band's power re the recording's mean power: 50 dB below it
_LEAST, _MOST = -8.0, 1.0  # bounds of the logarithm of an offset of Q
DESCRIPTORS = 3 * _BANDS  # numbers that describe the first recording, and as many what the second has more


@dataclass(frozen=True)
class Intervals:
    """Intervals of the scores of one surrogate.

    What it hears is described by some numbers (`describe`), which are brought to uncorrelated coordinates z. The first of
    them, r, are of the reference, or of the recording of a metric without one; 99 % of the training's lie within |r| < 1.
    The interval of Q reaches from Q - f^2 exp(lower . x) to Q + f^2 exp(upper . x), with x = (1, Q, Q^2, z / f) and
    f = max(1, |r|): as wide as its errors on pairs that it did not learn from were, and wider, by the square of the
    distance, where it hears something unlike its training.

    Attributes:
        level: share of the true values that the intervals are to hold.
        mean, whitening: (n,) and (n, n), triangular: z = (description - mean) whitening.
        lower, upper: (n + 3,).

    Example:
        >>> one = Intervals(0.9, [0.0], [[1.0]], [np.log(0.1), 0, 0, 0], [np.log(0.2), 0, 0, 0])
        >>> one.bounds(np.array([[0.5], [3.0]]), np.array([0.5, 0.5])).round(2).tolist()
        [[0.4, 0.7], [-0.4, 2.3]]
    """

    level: float
    mean: Any
    whitening: Any
    lower: Any
    upper: Any

    def coordinates(self, described: np.ndarray) -> np.ndarray:
        """z of descriptions, (batch, n)."""
        return (described - np.asarray(self.mean)) @ np.asarray(self.whitening)

    def distance(self, described: np.ndarray) -> np.ndarray:
        """|r| of descriptions, (batch,): above 1 the recording is unlike those of the training."""
        return _distance(self.coordinates(described))

    def bounds(self, described: np.ndarray, quality: np.ndarray) -> np.ndarray:
        """Lower and upper bound of Q, float64 (batch, 2), of descriptions (batch, n) and Q (batch,)."""
        x, further = regressors(self.coordinates(described), quality)
        lower, upper = (np.square(further) * offsets(x, each) for each in (self.lower, self.upper))
        return np.stack([quality - lower, quality + upper], axis=1)

    def get_config(self) -> dict[str, Any]:
        """As JSON holds it; `Intervals(**config)` is the same."""
        return {name: np.asarray(value).tolist() for name, value in asdict(self).items()}


def regressors(coordinates: np.ndarray, quality: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and f of `Intervals`, (batch, n + 3) and (batch,)."""
    further = np.maximum(1.0, _distance(coordinates))
    return np.column_stack(
        [np.ones_like(quality), quality, np.square(quality), coordinates / further[:, None]]
    ), further


def _distance(coordinates):
    return np.linalg.norm(coordinates[:, :DESCRIPTORS], axis=1)


def offsets(x: np.ndarray, weights: Any) -> np.ndarray:
    """exp(weights . x), bounded, (batch,)."""
    return np.exp(np.clip(x @ np.asarray(weights), _LEAST, _MOST))


def describe(recordings: list[np.ndarray], lengths: np.ndarray, sample_rate: float, n_fft: int, hop_length: int):
    """What a degraded recording, alone or with its reference, sounds like, level aside.

    Of the first recording, and of what the second has more of it: the mean over time of the logarithm of the power in 8
    bands, equally wide in mel, its deviation, and its mean change from frame to frame; and of the length, the logarithm.

    Args:
        recordings: [degraded] or [reference, degraded], float32 (batch, samples), zero after the lengths.
        lengths: int (batch,) samples that count.
        sample_rate, n_fft, hop_length: of the spectra.

    Returns:
        float64 (batch, `DESCRIPTORS` of each recording, and 1).

    Example:
        >>> describe([np.ones((2, 8000), "float32")], np.array([8000, 4000]), 16000, 512, 256).shape
        (2, 25)
    """
    frames = 1 + lengths // hop_length
    counted = (np.arange(1 + recordings[0].shape[1] // hop_length) < frames[:, None])[:, :, None]
    levels, *others = (_band_levels(x, counted, sample_rate, n_fft, hop_length) for x in recordings)
    parts = [_moments(each, counted) for each in (levels, *(other - levels for other in others))]
    return np.concatenate([*parts, np.log(lengths / sample_rate)[:, None]], axis=1)


def _band_levels(recording, counted, sample_rate, n_fft, hop_length):
    """Logarithm of the power in each band re the recording's mean, (batch, frames, bands)."""
    power = np.square(spectra.magnitude(recording, n_fft, hop_length), dtype="float64") * counted
    edges = spectra.mel_places(_LOWEST, sample_rate / 2, _BANDS + 1)
    edges = np.round(edges * n_fft / sample_rate).astype(int)
    bands = np.add.reduceat(power[:, :, : edges[-1]], edges[:-1], axis=2)
    mean = bands.sum(axis=(1, 2), keepdims=True) / counted.sum(axis=1, keepdims=True)
    return np.log(bands / np.maximum(mean, np.finfo(float).tiny) + _FLOOR)


def _moments(levels, counted):
    """Mean, deviation and mean change of (batch, frames, bands) over the frames that count, (batch, 3 bands)."""
    count = counted.sum(axis=1)
    mean = (levels * counted).sum(axis=1) / count
    deviation = np.sqrt((np.square(levels - mean[:, None]) * counted).sum(axis=1) / count)
    change = (np.abs(np.diff(levels, axis=1)) * counted[:, 1:]).sum(axis=1) / np.maximum(count - 1, 1)
    return np.concatenate([mean, deviation, change], axis=1)
