"""How well predictions agree with the truth: of scores, and of probabilities of answers; with bootstrap intervals."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from zoo.errors import InputError


def pearson(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Pearson's linear correlation.

    Args:
        truth: true scores, `(n,)`.
        predicted: predicted scores, `(n,)`. Pairs with a NaN are left out.

    Returns:
        float, -1..1, higher is better; NaN for fewer than two pairs or a constant side.

    Raises:
        InputError: the two differ in length.

    Example:
        >>> pearson([1, 2, 3], [2, 4, 6])
        1.0
    """
    return _correlation(*_finite(truth, predicted))


def spearman(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Spearman's rank correlation; ties share their mean rank.

    Args:
        truth: true scores, `(n,)`.
        predicted: predicted scores, `(n,)`. Pairs with a NaN are left out.

    Returns:
        float, -1..1, higher is better; NaN for fewer than two pairs or a constant side.

    Raises:
        InputError: the two differ in length.

    Example:
        >>> spearman([1, 2, 3], [1, 10, 100])
        1.0
    """
    truth, predicted = _finite(truth, predicted)
    return _correlation(_ranks(truth), _ranks(predicted))


def rmse(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Root mean squared error.

    Args:
        truth: true scores, `(n,)`.
        predicted: predicted scores, `(n,)`. Pairs with a NaN are left out.

    Returns:
        float in the scores' unit, 0 and up, lower is better; NaN where no pair is left.

    Raises:
        InputError: the two differ in length.

    Example:
        >>> rmse([1, 2], [1, 4])
        1.4142135623730951
    """
    truth, predicted = _finite(truth, predicted)
    return float(np.sqrt(np.mean((predicted - truth) ** 2))) if truth.size else np.nan


def mae(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Mean absolute error.

    Args:
        truth: true scores, `(n,)`.
        predicted: predicted scores, `(n,)`. Pairs with a NaN are left out.

    Returns:
        float in the scores' unit, 0 and up, lower is better; NaN where no pair is left.

    Raises:
        InputError: the two differ in length.

    Example:
        >>> mae([1, 2], [1, 4])
        1.0
    """
    truth, predicted = _finite(truth, predicted)
    return float(np.mean(np.abs(predicted - truth))) if truth.size else np.nan


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Area under the ROC curve: how often a positive scores above a negative; a tie counts one half.

    The rank formula of Mann and Whitney: (sum of the positives' ranks - p (p + 1) / 2) / (p q), with p positives and q
    negatives; ties share their mean rank.

    Args:
        labels: 1 (positive) or 0, `(n,)`.
        scores: of any unit, higher is more positive, `(n,)`. Pairs with a NaN are left out.

    Returns:
        float, 0..1, higher is better, 0.5 is chance; NaN where the labels are all alike.

    Raises:
        InputError: the two differ in length, or a label is neither 0 nor 1.

    Example:
        >>> roc_auc([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.8])
        0.75
    """
    labels, scores = _labelled(labels, scores)
    positives = labels.sum()
    pairs = positives * (labels.size - positives)
    if not pairs:
        return np.nan
    return float((labels @ _ranks(scores) - positives * (positives + 1) / 2) / pairs)


def cross_entropy(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """Mean of -log P(label), in nats.

    Args:
        labels: 1 or 0, `(n,)`.
        probabilities: of label 1, `(n,)`; held within 1e-7..1 - 1e-7. Pairs with a NaN are left out.

    Returns:
        float, 0 and up, lower is better, log 2 = 0.693 is a constant one half; NaN where no pair is left.

    Raises:
        InputError: the two differ in length, or a label is neither 0 nor 1.

    Example:
        >>> round(cross_entropy([0, 1], [0.5, 0.5]), 4)
        0.6931
    """
    labels, probabilities = _labelled(labels, probabilities)
    of_label = np.clip(np.where(labels == 1, probabilities, 1 - probabilities), 1e-7, 1 - 1e-7)
    return float(-np.mean(np.log(of_label))) if of_label.size else np.nan


def calibration_curve(
    labels: ArrayLike, probabilities: ArrayLike, bins: int = 10
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean predicted probability and share of label 1, in bins that hold equally many pairs.

    Equal probabilities share a bin, by their mean rank, so the order of the pairs does not matter.

    Args:
        labels: 1 or 0, `(n,)`.
        probabilities: of label 1, `(n,)`. Pairs with a NaN are left out.
        bins: at most so many.

    Returns:
        predicted, share, count: float64 `(bins,)` or fewer, rising: mean probability, share of label 1, pairs.

    Raises:
        InputError: the two differ in length, or a label is neither 0 nor 1.

    Example:
        >>> predicted, share, count = calibration_curve([0, 1, 1, 1], [0.2, 0.2, 0.8, 0.8], bins=2)
        >>> share.tolist(), count.tolist()
        ([0.5, 1.0], [2.0, 2.0])
    """
    labels, probabilities = _labelled(labels, probabilities)
    bin_of = ((_ranks(probabilities) - 0.5) * bins / max(labels.size, 1)).astype(int)
    counts, *sums = (np.bincount(bin_of, weights, bins) for weights in (np.ones(labels.size), probabilities, labels))
    filled = counts > 0
    predicted, share = (total[filled] / counts[filled] for total in sums)
    return predicted, share, counts[filled]


def calibration_error(labels: ArrayLike, probabilities: ArrayLike, bins: int = 10) -> float:
    """Expected calibration error: mean of |share - predicted| over equal-mass bins (`calibration_curve`), by count.

    Even a perfect predictor has an error above 0 on a finite sample: about 0.4 / sqrt(pairs in a bin) around one half.

    Args:
        labels: 1 or 0, `(n,)`.
        probabilities: of label 1, `(n,)`. Pairs with a NaN are left out.
        bins: at most so many.

    Returns:
        float, 0..1, lower is better; NaN where no pair is left.

    Raises:
        InputError: the two differ in length, or a label is neither 0 nor 1.

    Example:
        >>> round(calibration_error([0, 1, 1, 1], [0.2, 0.2, 0.8, 0.8], bins=2), 3)
        0.25
    """
    predicted, share, counts = calibration_curve(labels, probabilities, bins)
    return float(np.average(np.abs(share - predicted), weights=counts)) if counts.size else np.nan


def bootstrap(
    statistic: Callable[[np.ndarray, np.ndarray], float],
    truth: ArrayLike,
    predicted: ArrayLike,
    n_resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> tuple[float, float, float]:
    """A statistic with its percentile bootstrap interval, pairs resampled.

    Args:
        statistic: function of (truth, predicted), such as `pearson`.
        truth: true scores, `(n,)`.
        predicted: predicted scores, `(n,)`. Pairs with a NaN are left out.
        n_resamples: how often the pairs are drawn again, with replacement.
        seed: of the draws; the same seed gives the same interval.
        confidence: share of the resamples inside the interval, 0..1.

    Returns:
        (value, low, high), floats; low and high are NaN for fewer than two pairs.

    Raises:
        InputError: the two differ in length.

    Example:
        >>> value, low, high = bootstrap(mae, [1, 2, 3], [2, 2, 3])
        >>> bool(low <= value <= high)
        True
    """
    truth, predicted = _finite(truth, predicted)
    value, n = statistic(truth, predicted), truth.size
    if n < 2:
        return value, np.nan, np.nan
    rng = np.random.default_rng(seed)
    draws = (rng.integers(n, size=n) for _ in range(n_resamples))
    values = np.array([statistic(truth[draw], predicted[draw]) for draw in draws])
    values = values[~np.isnan(values)]  # a draw of the same pair n times has no correlation
    if not values.size:
        return value, np.nan, np.nan
    low, high = np.percentile(values, [50 * (1 - confidence), 50 * (1 + confidence)])
    return value, float(low), float(high)


def grouped_mean(values: ArrayLike, groups: ArrayLike, seed: int = 0) -> tuple[float, float, float]:
    """A mean with its 95 % percentile bootstrap interval, whole groups resampled.

    Scores of one group (an utterance at several SNRs) go up and down together; to resample them one by one would make
    the interval too narrow.

    Args:
        values: scores, `(n,)`. NaNs are left out.
        groups: what each score belongs to, `(n,)` strings or numbers.
        seed: of the 1000 resamples; the same seed gives the same interval.

    Returns:
        (mean, low, high), floats in the scores' unit; NaN where no score is left, low and high for fewer than two
        groups too.

    Raises:
        InputError: the two differ in length.

    Example:
        >>> grouped_mean([1.0, 2.0, 3.0], ["one", "one", "one"])
        (2.0, nan, nan)
    """
    values, groups = np.asarray(values, np.float64), np.asarray(groups)
    if values.ndim != 1 or values.shape != groups.shape:
        raise InputError(f"values {values.shape} and groups {groups.shape} must be of one shape, (n,)")
    known = ~np.isnan(values)
    if not known.any():
        return np.nan, np.nan, np.nan
    _, members = np.unique(groups[known], return_inverse=True)
    # Each group is a pair of its sum and its count: the mean of a resample is the ratio of the two totals.
    return bootstrap(_ratio, np.bincount(members, values[known]), np.bincount(members), seed=seed)


def agreement(truth: ArrayLike, predicted: ArrayLike, seed: int = 0) -> dict:
    """Each statistic of agreement, as a checkpoint's card holds them.

    Args:
        truth: true scores, `(n,)`; NaN where there is none.
        predicted: predicted scores, `(n,)`; NaN where there is none.
        seed: of the bootstrap.

    Returns:
        dict of `n` (pairs used), `n_failed` (pairs with a NaN), and `pearson`, `spearman`, `rmse`, `mae`,
        each as [value, low, high] with a 95 % bootstrap interval.

    Raises:
        InputError: the two differ in length.

    Example:
        >>> facts = agreement([1, 2, 3, 4], [1, 2, 3, np.nan])
        >>> facts["n"], facts["n_failed"], facts["rmse"]
        (3, 1, [0.0, 0.0, 0.0])
    """
    known = _finite(truth, predicted)
    result = {"n": known[0].size, "n_failed": np.size(truth) - known[0].size}
    for statistic in (pearson, spearman, rmse, mae):
        result[statistic.__name__] = list(bootstrap(statistic, *known, seed=seed))
    return result


def _finite(truth, predicted):
    truth, predicted = np.asarray(truth, np.float64), np.asarray(predicted, np.float64)
    if truth.ndim != 1 or truth.shape != predicted.shape:
        raise InputError(f"truth {truth.shape} and predicted {predicted.shape} must be of one shape, (n,)")
    known = ~(np.isnan(truth) | np.isnan(predicted))
    return truth[known], predicted[known]


def _labelled(labels, scores):
    labels, scores = _finite(labels, scores)
    if not np.isin(labels, (0, 1)).all():
        raise InputError("labels must be 0 or 1; turn answers into one of them")
    return labels, scores


def _ratio(totals, counts):
    return float(totals.sum() / counts.sum())


def _correlation(x, y):
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return np.nan
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip(x @ y / np.sqrt((x @ x) * (y @ y)), -1, 1))


def _ranks(x):
    _, inverse, counts = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[inverse]
