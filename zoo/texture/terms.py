"""The terms of a texture's loss, on features: what two clips of one texture share, and how far one copies the other.

Features are lists of float (batch, frames, filters), one a bank, as `zoo.texture.model.RandomConvEnsemble` gives them;
frames of a batch's clips may count in part, then `counts` is a list of int (batch,), one a bank. Equations are those of
Antognini, Hoffman and Weiss 2019. Tildes mark the target; every term is relative to the target's own size, so that
alpha and beta mean the same for every clip.
"""

import keras
import scipy.fft
from keras import ops

from zoo.audio import dsp

_EPS = 1e-12


def gram(features, counts=None):
    """Gram matrices, equation (2): G_mn = 1 / T sum_t F_tm F_tn of each bank.

    Args:
        features: list of (batch, frames, filters).
        counts: list of (batch,) frames T that count, or None for all.

    Returns:
        list of (batch, filters, filters).
    """
    found = []
    for x, count in _counted(features, counts):
        # As F' F, but with one product in the gradient where F' F takes two: the second factor stands still.
        product = ops.matmul(ops.transpose(x, (0, 2, 1)), ops.stop_gradient(x))
        doubled = 2 * product - ops.stop_gradient(product)
        found.append((doubled + ops.transpose(doubled, (0, 2, 1))) / (2 * count))
    return found


def gram_by_blocks(features, blocks, ensemble, hop, counts):
    """`gram` of clips whose features are too many to hold: one block's at a time, and once more for the gradient.

    Args:
        features: function of a block to a list of (batch, frames, filters), `hop` frames of the first bank or more.
        blocks: (blocks, batch, ...), which overlap so that each bank's frames in their first hops are all frames.
        ensemble: the `RandomConvEnsemble` that `features` calls; no gradient reaches its kernels.
        hop: frames of the first bank from a block to the next, a multiple of all strides.
        counts: list of int (batch or 1,) frames of the clips that count, one a bank.

    Returns:
        list of (batch, filters, filters).
    """
    kernels = [bank.kernel for bank in ensemble.banks]
    # TensorFlow finds a variable behind a tensor that was only read from it, and cannot give the loop's gradient to it:
    # so the loop reads copies, which no gradient passes.
    values = [ops.stop_gradient(ops.convert_to_tensor(kernel)) for kernel in kernels]
    place = ops.expand_dims(ops.arange(blocks.shape[0], dtype="int32"), 1)
    inside = [
        ops.clip(ops.cast(count, "int32") - place * (hop // stride), 0, hop // stride)
        for count, stride in zip(counts, ensemble.strides, strict=True)
    ]

    def add(sums, block_and_counts):
        block, inside = block_and_counts

        @keras.remat
        def sums_of(block):
            with keras.StatelessScope(list(zip(kernels, values, strict=True))):
                found = features(block)
            return [
                mean * ops.maximum(ops.cast(n, mean.dtype), 1)[:, None, None]
                for mean, n in zip(gram(found, inside), inside, strict=True)
            ]

        return [total + more for total, more in zip(sums, sums_of(block), strict=True)], None

    nothing = ops.zeros((ops.shape(blocks)[1], ensemble.filters, ensemble.filters), ensemble.compute_dtype)
    sums, _ = ops.scan(add, [nothing] * len(inside), (blocks, inside))
    return [total / ops.cast(count, total.dtype)[:, None, None] for total, count in zip(sums, counts, strict=True)]


def autocorrelation(features, lags, counts=None):
    """Autocorrelation of every filter over time, equation (4), at some lags.

    A_sm = 1 / (T - s) sum_t F_tm F_(t + s)m, by a transform of each filter that is padded with zeros. The paper's is not
    divided; it then depends on the length of a clip.

    Args:
        features: list of (batch, frames, filters).
        lags: list of (first, last), frames of each bank, last below the bank's frames.
        counts: list of (batch,) frames T that count, or None for all.

    Returns:
        list of (batch, filters, last - first + 1); with `counts`, 0 at lags beyond half of a clip.
    """
    found = []
    for (x, count), (first, last) in zip(_counted(features, counts), lags, strict=True):
        size = _fast_size(x.shape[1] + last)
        padded = ops.pad(ops.transpose(x, (0, 2, 1)), [[0, 0], [0, 0], [0, size - x.shape[1]]])
        real, imaginary = ops.rfft(padded)
        power = ops.square(real) + ops.square(imaginary)
        lagged = ops.irfft((power, ops.zeros_like(power)), size)[:, :, first : last + 1]
        overlaps = count - ops.cast(ops.arange(first, last + 1), x.dtype)
        if counts is not None:
            lagged = lagged * ops.cast(2 * ops.arange(first, last + 1) <= ops.cast(count, "int32"), x.dtype)
        found.append(lagged / ops.maximum(overlaps, 1))
    return found


def relative_error(targets, estimates):
    """Equations (3) and (5): sum of (target - estimate)^2 over sum of target^2, of all banks together.

    Args:
        targets, estimates: lists of (batch or 1, ...), a tensor a bank.

    Returns:
        (batch,), 0 and up, lower is better.
    """
    pairs = list(zip(targets, estimates, strict=True))
    error = sum(_total(ops.square(theirs - ours)) for theirs, ours in pairs)
    return error / (sum(_total(ops.square(theirs)) for theirs, _ in pairs) + _EPS)


def squared_distance(targets, features, rounds, shifts, strides, counts=None):
    """Distances of features from the target's, at every shift of the target, and the target's own size.

    D_s = sum_t,m (F_tm - F~_(t + s)m)^2 over all banks, t + s taken modulo the frames of the target's spectrogram: the
    target goes round, as often as a longer clip needs. Frames that a bank lacks at the seam are left out. All shifts
    come from one transform of each filter.

    Args:
        targets, features: lists of (batch or 1, frames, filters); without `counts`, their frames may differ.
        rounds: int or (batch,), frames of the target's spectrogram that count.
        shifts: int, how many to look at, 0, 1, ...: the frames of the target's spectrogram.
        strides: list of int, frames of the spectrogram in one of the bank's.
        counts: list of (batch,) frames that count of both, or None for all.

    Returns:
        distances: (batch, shifts), 0 and up.
        energies: (batch, shifts), sum of F~^2 over the same frames; 0 at shifts beyond a clip's own frames.
    """
    distances, energies = 0.0, 0.0
    counted = zip(_counted(targets, counts), _counted(features, counts), strides, strict=True)
    for (theirs, their_count), (ours, our_count), stride in counted:
        masks = [
            ops.cast(dsp.sequence_mask(count[:, 0, 0], x.shape[1])[:, :, None], x.dtype)
            for x, count in ((ours, our_count), (theirs, their_count))
        ]
        powers = [ops.sum(ops.square(x), axis=2, keepdims=True) for x in (ours, theirs)]
        turn = ops.reshape(rounds // stride, (-1,)), -(-shifts // stride)
        energy = _circular(masks[0], powers[1], *turn)
        distance = energy + _circular(powers[0], masks[1], *turn) - 2 * _circular(ours, theirs, *turn)
        distances = distances + _stretched(distance, stride)[:, :shifts]
        energies = energies + _stretched(energy, stride)[:, :shifts]
    inside = ops.arange(shifts, dtype="int32")[None, :] < ops.reshape(rounds, (-1, 1))
    return ops.maximum(distances, 0.0), energies * ops.cast(inside, energies.dtype)


def copying(distances, energies):
    """sum of F~^2 / D_s at every shift, (batch, shifts), of `squared_distance`: 0 and up, 1e6 for a copy."""
    return energies / (distances + 1e-6 * energies + _EPS)


def diversity(distances, energies, allowed=None):
    """Shift-invariant diversity, equation (7): the largest sum of F~^2 / D_s over the shifts s; high for a copy.

    Args:
        distances, energies: of `squared_distance`.
        allowed: (shifts,), 1 for shifts that are looked at and 0 for others; None for all.

    Returns:
        loss: (batch,), 0 and up, lower is more diverse; at most 1e6, where a clip is the target itself.
        worst: int (batch,), the shift that is most alike.
    """
    ratios = copying(distances, energies)
    if allowed is not None:
        ratios = ratios * ops.cast(allowed, ratios.dtype)
    return ops.max(ratios, axis=1), ops.argmax(ratios, axis=1)


def _circular(ours, theirs, rounds, shifts):
    """sum_t,m ours_tm theirs_((t + s) mod rounds)m, (batch, shifts), of (batch, frames, channels) twice."""
    own = ours.shape[1]
    size = _fast_size(own + max(shifts, theirs.shape[1]))
    (a, b), (c, d) = (
        ops.rfft(ops.pad(ops.transpose(x, (0, 2, 1)), [[0, 0], [0, 0], [0, size - x.shape[1]]])) for x in (ours, theirs)
    )
    # conj(ours) * theirs, summed over channels before the way back.
    real, imaginary = ops.sum(a * c + b * d, axis=1), ops.sum(a * d - b * c, axis=1)
    linear = ops.irfft((real, imaginary), size)
    # A shift of the circle is the shifts of the line that are whole rounds below it.
    found = 0.0
    for i in range(-(-own // shifts) + 1):
        place = ops.arange(shifts, dtype="int32")[None, :] - i * rounds[:, None]
        place = ops.broadcast_to(place, (ops.shape(linear)[0], shifts))
        inside = ops.cast(place > -own, linear.dtype)
        found = found + inside * ops.take_along_axis(linear, ops.mod(place, size), axis=1)
    return found


def _stretched(values, times):
    return ops.repeat(values, times, axis=1) if times > 1 else values


def _counted(features, counts):
    """(features that are 0 where they do not count, frames that count as (batch, 1, 1)) of each bank."""
    if counts is None:
        return [(x, ops.full((1, 1, 1), x.shape[1], dtype=x.dtype)) for x in features]
    masks = (
        ops.cast(dsp.sequence_mask(count, ops.shape(x)[1]), x.dtype) for x, count in zip(features, counts, strict=True)
    )
    return [
        (x * ops.expand_dims(mask, 2), ops.maximum(ops.cast(count, x.dtype), 1)[:, None, None])
        for x, mask, count in zip(features, masks, counts, strict=True)
    ]


def _total(x):
    return ops.sum(x, axis=tuple(range(1, len(x.shape))))


def _fast_size(at_least):
    """The next even length whose transform is fast."""
    return 2 * scipy.fft.next_fast_len(-(-at_least // 2), real=True)
