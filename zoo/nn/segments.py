"""Pairs of recordings for a metric: in stretches where they are long, in batches, and the mean of the stretches."""

import itertools

import numpy as np

from zoo import backend

_BUCKET_SECONDS = 0.5
_STRETCH_SECONDS = 30.0  # of a recording that goes through a metric whole,
_BATCH_SECONDS = 80.0  # and of those of a batch together: the memory is bounded


def finite(reference, degraded):
    """bool `(batch,)`: whether both recordings of a pair hold neither NaN nor infinity.

    Example:
        >>> finite(np.array([[0.0], [np.nan]]), np.zeros((2, 1))).tolist()
        [True, False]
    """
    return np.isfinite(reference).all(axis=1) & np.isfinite(degraded).all(axis=1)


def cut(lengths, sample_rate):
    """What goes through a metric at a time: whole recordings, and equal parts of those of more than 30 s.

    Args:
        lengths: int `(batch,)` samples; of one with none there is no stretch.
        sample_rate: in Hz.

    Returns:
        int array `(stretches, 3)`: recording, first sample, and the sample after the last.

    Example:
        >>> cut(np.array([100, 31 * 16000]), 16000).tolist()
        [[0, 0, 100], [1, 0, 248000], [1, 248000, 496000]]
    """
    found = []
    for row, length in enumerate(lengths):
        ends = np.linspace(0, length, 1 + -(-int(length) // int(_STRETCH_SECONDS * sample_rate))).astype(int)
        found += [(row, *span) for span in itertools.pairwise(ends)]
    return np.array(found, int).reshape(-1, 3)


def batches(reference, degraded, spans, batch_size, sample_rate):
    """Batches of stretches of about one length each, so that little is padded.

    On JAX, which compiles each length by itself, they are padded to a multiple of half a second.

    Args:
        reference, degraded: `(batch, samples)`, as `zoo.audio.pairs.at_rate` gives them.
        spans: as `cut` gives them, or some of those.
        batch_size: most stretches in a batch; fewer where they are long.
        sample_rate: in Hz.

    Yields:
        (places in `spans`, [reference, degraded, lengths]), zero after the lengths.

    Example:
        >>> audio, spans = np.ones((2, 16000), "float32"), np.array([[0, 0, 16000], [1, 0, 100]])
        >>> [(places.tolist(), x[0].shape) for places, x in batches(audio, audio, spans, 1, 16000)]
        [([1], (1, 100)), ([0], (1, 16000))]
    """
    multiple = int(_BUCKET_SECONDS * sample_rate) if backend.jit() else 1
    lengths = spans[:, 2] - spans[:, 1]
    order = np.argsort(lengths, kind="stable")
    batch_size = max(1, min(batch_size, int(_BATCH_SECONDS * sample_rate / lengths.max(initial=1))))
    for begin in range(0, len(order), batch_size):
        places = order[begin : begin + batch_size]
        pair = np.zeros((2, len(places), -(-lengths[places].max() // multiple) * multiple), "float32")
        for i, (row, start, stop) in enumerate(spans[places]):
            pair[:, i, : stop - start] = reference[row, start:stop], degraded[row, start:stop]
        yield places, [*pair, lengths[places].astype("int32")]


def mean(values, spans, count):
    """Of each of `count` recordings, the mean of its stretches by their length; NaN where none is.

    Args:
        values: `(stretches,)` or `(stretches, n)`.
        spans: of the stretches, as `cut` gives them.
        count: of recordings.

    Returns:
        float64 `(count,)` or `(count, n)`.

    Example:
        >>> mean([1.0, 4.0], np.array([[0, 0, 20], [0, 20, 30]]), 2).tolist()
        [2.0, nan]
    """
    values, rows, lengths = np.asarray(values, "float64"), spans[:, 0], spans[:, 2] - spans[:, 1]
    found, total = np.zeros((count, *values.shape[1:])), np.bincount(rows, lengths, count)
    np.add.at(found, rows, (values.T * lengths).T)
    found[total == 0] = np.nan
    return (found.T / np.maximum(total, 1)).T
