"""Terms of the texture loss, as functions of features: Gram matrices, autocorrelations, diversity.

Features are lists of float (batch, frames, filters), one for each bank of `zoo.texture.model.RandomConvEnsemble`. Where
only the first frames of a clip count, `counts` is a list of int (batch,), one for each bank. Equations are those of
Antognini, Hoffman and Weiss 2019. Tildes mark the target; every term but equation (6) is relative to the energy of the
target, so that alpha and beta mean the same for every clip.
"""

from collections.abc import Callable
from typing import Any

import keras
import scipy.fft
from keras import ops

from zoo.audio import dsp
from zoo.audio.dsp import Tensor

_EPS = 1e-12


def gram(features: list[Tensor], counts: list[Tensor] | None = None) -> list[Tensor]:
    """Gram matrices, equation (2): G_mn = 1 / T sum_t F_tm F_tn of each bank.

    Args:
        features: list of (batch, frames, filters).
        counts: list of (batch,) frames T that count, or None for all.

    Returns:
        list of (batch, filters, filters).

    Example:
        >>> ops.convert_to_numpy(gram([np.array([[[1.0, 0.0], [1.0, 2.0]]])])[0]).tolist()
        [[[1.0, 1.0], [1.0, 2.0]]]
    """
    matrices = []
    for x, count in _counted(features, counts):
        # The value and gradient of F' F, but one product in the gradient instead of two: one factor is a constant.
        product = ops.matmul(ops.transpose(x, (0, 2, 1)), ops.stop_gradient(x))
        doubled = 2 * product - ops.stop_gradient(product)
        matrices.append((doubled + ops.transpose(doubled, (0, 2, 1))) / (2 * count))
    return matrices


def gram_by_blocks(
    features: Callable[[Tensor], list[Tensor]], blocks: Tensor, ensemble: Any, hop: int, counts: list[Tensor]
) -> list[Tensor]:
    """`gram` of long clips in bounded memory: features of one block at a time, computed again for the gradient.

    Args:
        features: function of a block to a list of (batch, frames, filters), with at least `hop` frames of the first bank.
        blocks: (blocks, batch, ...); they overlap, and the first `hop` frames of each, joined, are the frames of the clip.
        ensemble: the `RandomConvEnsemble` that `features` calls; no gradient reaches its kernels.
        hop: frames of the first bank from one block to the next, a multiple of all strides.
        counts: list of int (batch or 1,), frames of the clips that count, one for each bank.

    Returns:
        list of (batch, filters, filters).
    """
    kernels = [bank.kernel for bank in ensemble.banks]
    # On TensorFlow the gradient of a loop that reads a variable fails, even for a tensor that was read from it before.
    # So the loop reads copies that stop the gradient.
    values = [ops.stop_gradient(ops.convert_to_tensor(kernel)) for kernel in kernels]
    index = ops.expand_dims(ops.arange(blocks.shape[0], dtype="int32"), 1)
    counted = [
        ops.clip(ops.cast(count, "int32") - index * (hop // stride), 0, hop // stride)
        for count, stride in zip(counts, ensemble.strides, strict=True)
    ]

    def add(sums, block_and_counts):
        block, counted = block_and_counts

        @keras.remat
        def sums_of(block):
            with keras.StatelessScope(list(zip(kernels, values, strict=True))):
                banks = features(block)
            return [
                mean * ops.maximum(ops.cast(n, mean.dtype), 1)[:, None, None]
                for mean, n in zip(gram(banks, counted), counted, strict=True)
            ]

        return [total + partial for total, partial in zip(sums, sums_of(block), strict=True)], None

    zeros = ops.zeros((ops.shape(blocks)[1], ensemble.filters, ensemble.filters), ensemble.compute_dtype)
    sums, _ = ops.scan(add, [zeros] * len(counted), (blocks, counted))
    return [total / ops.cast(count, total.dtype)[:, None, None] for total, count in zip(sums, counts, strict=True)]


def autocorrelation(
    features: list[Tensor], lags: list[tuple[int, int]], counts: list[Tensor] | None = None
) -> list[Tensor]:
    """Autocorrelation of every filter over time, equation (4), at some lags.

    A_sm = 1 / (T - s) sum_t F_tm F_(t + s)m, computed by a zero-padded transform of each filter. The paper's goes round
    and has no 1 / (T - s), so that it depends on the length of the clip: `circular_autocorrelation`.

    Args:
        features: list of (batch, frames, filters).
        lags: list of (first, last), in frames of each bank; last is below the number of frames.
        counts: list of (batch,) frames T that count, or None for all.

    Returns:
        list of (batch, filters, last - first + 1); with `counts`, 0 at lags beyond half of a clip.

    Example:
        >>> alternating = np.array([[[1.0], [-1.0], [1.0], [-1.0]]], "float32")
        >>> ops.convert_to_numpy(autocorrelation([alternating], [(1, 2)])[0]).round(3).tolist()
        [[[-1.0, 1.0]]]
    """
    correlations = []
    for (x, count), (first, last) in zip(_counted(features, counts), lags, strict=True):
        lagged = _lagged_sums(x, last)[:, :, first : last + 1]
        overlaps = count - ops.cast(ops.arange(first, last + 1), x.dtype)
        if counts is not None:
            lagged = lagged * _within_half(first, last, count)
        correlations.append(lagged / ops.maximum(overlaps, 1))
    return correlations


def circular_autocorrelation(
    features: list[Tensor], lags: list[tuple[int, int]], counts: list[Tensor] | None = None
) -> list[Tensor]:
    """Equation (4) as printed: the inverse transform of each filter's power spectrum, so time goes round.

    A_sm = sum_t F_tm F_((t + s) mod T)m, a sum of two lags of one zero-padded transform, s and T - s, so that T may be
    another for each clip.

    Args and returns: as for `autocorrelation`.

    Example:
        >>> alternating = np.array([[[1.0], [-1.0], [1.0], [-1.0]]], "float32")
        >>> ops.convert_to_numpy(circular_autocorrelation([alternating], [(1, 2)])[0]).round(3).tolist()
        [[[-4.0, 4.0]]]
    """
    correlations = []
    for (x, count), (first, last) in zip(_counted(features, counts), lags, strict=True):
        sums, lag = _lagged_sums(x, x.shape[1]), ops.arange(first, last + 1, dtype="int32")
        back = ops.maximum(ops.cast(count, "int32") - lag, 0)
        back = ops.broadcast_to(back, (ops.shape(x)[0], x.shape[2], last - first + 1))
        correlation = sums[:, :, first : last + 1] + ops.take_along_axis(sums, back, axis=2)
        correlations.append(correlation if counts is None else correlation * _within_half(first, last, count))
    return correlations


def relative_error(targets: list[Tensor], estimates: list[Tensor]) -> Tensor:
    """Equations (3) and (5): sum of (target - estimate)^2 over sum of target^2, of all banks together.

    Args:
        targets, estimates: lists of (batch or 1, ...), one tensor for each bank.

    Returns:
        (batch,), 0 and up, lower is better.

    Example:
        >>> round(float(relative_error([np.ones((1, 4))], [np.full((1, 4), 1.5)])[0]), 3)
        0.25
    """
    pairs = list(zip(targets, estimates, strict=True))
    error = sum(_total(ops.square(target - estimate)) for target, estimate in pairs)
    return error / (sum(_total(ops.square(target)) for target, _ in pairs) + _EPS)


def unshifted_distance(targets: list[Tensor], features: list[Tensor], counts: list[Tensor] | None = None) -> Tensor:
    """sum (F - F~)^2 over banks, frames and filters, frame by frame: minus equation (6).

    Args:
        targets, features: lists of (batch or 1, frames, filters), as many frames in both.
        counts: list of (batch,) frames that count, or None for all.

    Returns:
        (batch,), 0 and up.

    Example:
        >>> float(unshifted_distance([np.zeros((1, 3, 2))], [np.ones((1, 3, 2))])[0])
        6.0
    """
    pairs = zip(_counted(targets, counts), _counted(features, counts), strict=True)
    return sum(_total(ops.square(ours - theirs)) for (theirs, _), (ours, _) in pairs)


def squared_distance(
    targets: list[Tensor],
    features: list[Tensor],
    rounds: int | Tensor,
    shifts: int,
    strides: list[int],
    counts: list[Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Distances of features from the target's, at every shift of the target, and the target's own size.

    D_s = sum_t,m (F_tm - F~_(t + s)m)^2 over all banks, with t + s modulo the frames of the target's spectrogram: the
    target is repeated as often as a longer clip needs. Frames that a bank does not have where one repetition follows
    another are left out. All shifts are computed by one transform of each filter.

    Args:
        targets, features: lists of (batch or 1, frames, filters); without `counts`, their frames may differ.
        rounds: int or (batch,), frames of the target's spectrogram that count; an int is `shifts`, and fastest to trace.
        shifts: int, number of shifts 0, 1, ...: the frames of the target's spectrogram.
        strides: list of int, frames of the spectrogram for one frame of each bank.
        counts: list of (batch,), frames of both that count, or None for all.

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
        turn = rounds // stride, -(-shifts // stride)
        energy = _circular(masks[0], powers[1], *turn)
        # Both other sums by one transform: tracing takes seconds, and as long again for each operation more.
        mask = ops.zeros_like(powers[1]) + masks[1]
        ours, theirs = ops.concatenate([-2 * ours, powers[0]], axis=2), ops.concatenate([theirs, mask], axis=2)
        distance = energy + _circular(ours, theirs, *turn)
        distances = distances + _repeated(distance, stride)[:, :shifts]
        energies = energies + _repeated(energy, stride)[:, :shifts]
    if not isinstance(rounds, int):
        inside = ops.arange(shifts, dtype="int32")[None, :] < ops.reshape(rounds, (-1, 1))
        energies = energies * ops.cast(inside, energies.dtype)
    return ops.maximum(distances, 0.0), energies


def copying(distances: Tensor, energies: Tensor) -> Tensor:
    """How closely the clip copies the target at every shift: sum of F~^2 / D_s, of the results of `squared_distance`.

    Returns:
        (batch, shifts), 0 and up; 1e6 for a copy.

    Example:
        >>> float(copying(np.array([[2.0]]), np.array([[4.0]]))[0, 0].round(3))
        2.0
    """
    return energies / (distances + 1e-6 * energies + _EPS)


def diversity(distances: Tensor, energies: Tensor, allowed: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Shift-invariant diversity, equation (7): the largest sum of F~^2 / D_s over the shifts s; high for a copy.

    Args:
        distances, energies: (batch, shifts), of `squared_distance`.
        allowed: (shifts,), 1 for shifts that count and 0 for others; None for all.

    Returns:
        loss: (batch,), 0 and up, lower is more diverse; 1e6 for the target itself.
        worst: int (batch,), the shift of the largest ratio.

    Example:
        >>> loss, worst = diversity(np.array([[2.0, 1.0]]), np.array([[4.0, 4.0]]))
        >>> round(float(loss[0]), 3), int(worst[0])
        (4.0, 1)
    """
    ratios = copying(distances, energies)
    if allowed is not None:
        ratios = ratios * ops.cast(allowed, ratios.dtype)
    return ops.max(ratios, axis=1), ops.argmax(ratios, axis=1)


def _lagged_sums(x, longest):
    """sum_t x_tm x_(t + s)m, (batch, filters, lags): of the lags up to `longest` and some more."""
    size = _fast_size(x.shape[1] + longest + 1)
    real, imaginary = ops.rfft(ops.pad(ops.transpose(x, (0, 2, 1)), [[0, 0], [0, 0], [0, size - x.shape[1]]]))
    power = ops.square(real) + ops.square(imaginary)
    return ops.irfft((power, ops.zeros_like(power)), size)


def _within_half(first, last, count):
    """1 for the lags of at most half of a clip, 0 for others, (batch, 1, lags)."""
    return ops.cast(2 * ops.arange(first, last + 1) <= ops.cast(count, "int32"), count.dtype)


def _circular(ours, theirs, rounds, shifts):
    """sum_t,m ours_tm theirs_((t + s) mod rounds)m, (batch, shifts), of (batch, frames, channels) twice."""
    own = ours.shape[1]
    size = _fast_size(own + max(shifts, theirs.shape[1]))
    (a, b), (c, d) = (
        ops.rfft(ops.pad(ops.transpose(x, (0, 2, 1)), [[0, 0], [0, 0], [0, size - x.shape[1]]])) for x in (ours, theirs)
    )
    # conj(ours) * theirs, summed over channels before the inverse transform.
    real, imaginary = ops.sum(a * c + b * d, axis=1), ops.sum(a * d - b * c, axis=1)
    linear = ops.irfft((real, imaginary), size)
    # A circular shift is the sum of the linear shifts that are whole rounds below it.
    if isinstance(rounds, int):
        return _folded(linear[:, :rounds], linear[:, size - own + 1 :], shifts)
    rounds, correlation = ops.reshape(rounds, (-1,)), 0.0
    for i in range(-(-own // shifts) + 1):
        shift = ops.arange(shifts, dtype="int32")[None, :] - i * rounds[:, None]
        shift = ops.broadcast_to(shift, (ops.shape(linear)[0], shifts))
        inside = ops.cast(shift > -own, linear.dtype)
        correlation = correlation + inside * ops.take_along_axis(linear, ops.mod(shift, size), axis=1)
    return correlation


def _folded(ahead, back, shifts):
    """`_circular` of one number of rounds for all: the lags 0, 1, ... of a round, and all negative ones, (batch, lags)."""
    rounds, lags = ahead.shape[1], back.shape[1]
    turns = -(-lags // rounds)
    lagged = ops.concatenate([ops.pad(back, ((0, 0), (turns * rounds - lags, 0))), ahead], axis=1)
    folded = ops.sum(ops.reshape(lagged, (-1, turns + 1, rounds)), axis=1)
    return folded if shifts == rounds else ops.concatenate([folded, folded[:, : shifts - rounds]], axis=1)


def _repeated(values, times):
    return ops.repeat(values, times, axis=1) if times > 1 else values


def _counted(features, counts):
    """For each bank: the features, 0 where they do not count, and the number of frames that count, (batch, 1, 1)."""
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
    """The next even length with a fast transform."""
    return 2 * scipy.fft.next_fast_len(-(-at_least // 2), real=True)
