"""Recordings on their way through a model: in segments where they are long, in batches, and the mean of the segments."""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

_BUCKET_SECONDS = 0.5
_SEGMENT_SECONDS = 30.0  # of a recording that goes through a model whole,
_BATCH_SECONDS = 80.0  # and of those of a batch together: the memory is bounded


def finite(*recordings: np.ndarray) -> np.ndarray:
    """bool (batch,): whether each row of every (batch, samples) holds neither NaN nor infinity.

    Example:
        >>> finite(np.array([[0.0], [np.nan]]), np.zeros((2, 1))).tolist()
        [True, False]
    """
    return np.all([np.isfinite(x).all(axis=1) for x in recordings], axis=0)


def cut(lengths: np.ndarray, sample_rate: float) -> np.ndarray:
    """What goes through a model at a time: whole recordings, and equal parts of those of more than 30 s.

    Args:
        lengths: int (batch,) samples; of a recording with none there is no segment.
        sample_rate: in Hz.

    Returns:
        int array (segments, 3): recording, first sample, and the sample after the last.

    Example:
        >>> cut(np.array([100, 31 * 16000]), 16000).tolist()
        [[0, 0, 100], [1, 0, 248000], [1, 248000, 496000]]
    """
    spans = []
    for row, length in enumerate(lengths):
        ends = np.linspace(0, length, 1 + -(-int(length) // int(_SEGMENT_SECONDS * sample_rate))).astype(int)
        spans += [(row, *span) for span in itertools.pairwise(ends)]
    return np.array(spans, int).reshape(-1, 3)


def in_turn(rows: np.ndarray, lengths: np.ndarray, channels: int, sample_rate: float) -> np.ndarray:
    """Recordings with channels as longer ones without, which `cut` cuts into segments that have every channel.

    In each segment one channel follows the other, so that what a model does with a segment, such as one gain, it does
    with all of them.

    Args:
        rows: (batch * channels, samples), the channels of a recording one after the other.
        lengths: int (batch,) samples of each that count.
        channels: of each recording.
        sample_rate: in Hz.

    Returns:
        (batch, channels * samples), of the same type, zero after `channels * lengths`.

    Example:
        >>> in_turn(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([2]), 2, 16000).tolist()
        [[1.0, 2.0, 3.0, 4.0]]
    """
    rows = rows.reshape(len(lengths), channels, rows.shape[1])
    out = np.zeros((len(rows), channels * rows.shape[2]), rows.dtype)
    for row, audio, length in zip(out, rows, lengths, strict=True):
        for _, start, stop in cut([channels * int(length)], sample_rate) // channels:
            row[channels * start : channels * stop] = audio[:, start:stop].ravel()
    return out


def batches(
    recordings: Sequence[np.ndarray], spans: np.ndarray, batch_size: int, sample_rate: float, few_lengths: bool = False
) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
    """Batches of segments of nearly one length each, so that there is little padding.

    Args:
        recordings: list of (batch, samples), which are cut alike: references and degraded recordings, or some others.
        spans: as `cut` returns them, or some of those.
        batch_size: most segments in a batch; fewer where they are long.
        sample_rate: in Hz.
        few_lengths: pad them to a multiple of half a second, for what compiles each length by itself.

    Yields:
        (places in `spans`, [*recordings, lengths]), float32 and zero after the lengths.

    Example:
        >>> audio, spans = np.ones((2, 16000), "float32"), np.array([[0, 0, 16000], [1, 0, 100]])
        >>> [(places.tolist(), x[0].shape) for places, x in batches([audio, audio], spans, 1, 16000)]
        [([1], (1, 100)), ([0], (1, 16000))]
    """
    multiple = int(_BUCKET_SECONDS * sample_rate) if few_lengths else 1
    lengths = spans[:, 2] - spans[:, 1]
    order = np.argsort(lengths, kind="stable")
    batch_size = max(1, min(batch_size, int(_BATCH_SECONDS * sample_rate / lengths.max(initial=1))))
    for begin in range(0, len(order), batch_size):
        places = order[begin : begin + batch_size]
        samples = -(-lengths[places].max() // multiple) * multiple
        batch = np.zeros((len(recordings), len(places), samples), "float32")
        for i, (row, start, stop) in enumerate(spans[places]):
            batch[:, i, : stop - start] = [x[row, start:stop] for x in recordings]
        yield places, [*batch, lengths[places].astype("int32")]


def mean(values: Sequence[float] | np.ndarray, spans: np.ndarray, count: int) -> np.ndarray:
    """Of each of `count` recordings, the mean of its segments weighted by their lengths; NaN where it has none.

    Args:
        values: (segments,) or (segments, n).
        spans: of the segments, as `cut` returns them.
        count: of recordings.

    Returns:
        float64 (count,) or (count, n).

    Example:
        >>> mean([1.0, 4.0], np.array([[0, 0, 20], [0, 20, 30]]), 2).tolist()
        [2.0, nan]
    """
    values, rows, lengths = np.asarray(values, "float64"), spans[:, 0], spans[:, 2] - spans[:, 1]
    means, total = np.zeros((count, *values.shape[1:])), np.bincount(rows, lengths, count)
    np.add.at(means, rows, (values.T * lengths).T)
    means[total == 0] = np.nan
    return (means.T / np.maximum(total, 1)).T
