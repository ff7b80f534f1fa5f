"""Means of ratings with intervals, and the post-screening of listeners of ITU-R BS.1534."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike

from zoo.errors import InputError

_RIGHT, _SHARE = 90.0, 0.15  # BS.1534: the hidden reference below, or the mid-range anchor above, on more of the items


class Rating(NamedTuple):
    """A listener's score of a system on an item."""

    listener: Any
    item: Any
    system: str
    score: float


def mean_opinion(scores: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """A mean opinion score with the interval of Student's t (ITU-T P.1401).

    Args:
        scores: (n,), of any scale.
        confidence: of the interval, 0..1.

    Returns:
        (mean, low, high), in the unit of the scores; NaN without scores, low and high for fewer than two.

    Example:
        >>> [round(value, 3) for value in mean_opinion([3, 4, 5])]
        [4.0, 1.516, 6.484]
    """
    scores = np.asarray(scores, "float64")
    if scores.size < 2:
        return (float(scores.mean()) if scores.size else np.nan), np.nan, np.nan
    half = scipy.stats.t.ppf(0.5 + confidence / 2, scores.size - 1) * scores.std(ddof=1) / np.sqrt(scores.size)
    return float(scores.mean()), float(scores.mean() - half), float(scores.mean() + half)


def post_screened(ratings: Sequence[Rating], reference: str, mid_anchor: str | None = None) -> list[Any]:
    """Listeners to exclude by the post-screening of MUSHRA (ITU-R BS.1534-3).

    One is excluded who scores the hidden reference below 90, or the mid-range anchor above 90, on more than 15 % of the
    items.

    Args:
        ratings: of all listeners.
        reference: the system that is the hidden reference.
        mid_anchor: the one that is the mid-range anchor; None where there is none.

    Returns:
        list of listeners to exclude, sorted.

    Raises:
        InputError: the reference was never rated.

    Example:
        >>> ratings = [Rating("ann", "1", "reference", 100), Rating("bob", "1", "reference", 60)]
        >>> post_screened(ratings, "reference")
        ['bob']
    """
    wrong = {reference: {}, mid_anchor: {}}
    for listener, _, system, score in ratings:
        if system in wrong:
            is_wrong = score < _RIGHT if system == reference else score > _RIGHT
            wrong[system].setdefault(listener, []).append(is_wrong)
    if not wrong[reference]:
        raise InputError(f"no rating is of the system {reference!r}; name the hidden reference")
    excluded = {listener for items in wrong.values() for listener, each in items.items() if np.mean(each) > _SHARE}
    return sorted(excluded)
