"""How well a distance agrees with listeners' answers: AUC, cross-entropy, calibration, and the distance at the JND.

Intervals are 95 % bootstraps that resample answers: the four talkers of the test are too few to resample.
"""

import numpy as np
import scipy.optimize
import scipy.special
from numpy.typing import ArrayLike
from tqdm import tqdm

from zoo.jnd import rendered
from zoo.jnd.examples import as_float
from zoo.metrics.agreement import bootstrap, calibration_error, cross_entropy, roc_auc

ALL = "all"  # the group of all tables


def judge(metric, judged) -> tuple[np.ndarray, np.ndarray | None]:
    """A metric's distances and probabilities of judged pairs.

    Args:
        metric: with `distance`, and `judge` if it has probabilities too.
        judged: `zoo.jnd.batches.Judged`; its first rendering is measured.

    Returns:
        distances: float64 (judgments,), in order.
        probabilities: the same of "different", or None for a metric without.

    Example:
        >>> distances, probabilities = judge(zoo.load("jnd-22k"), judged)  # needs answers  # doctest: +SKIP
    """
    has_probabilities = hasattr(metric, "judge")
    chunks = []
    for chunk in tqdm(judged.renderings[0], desc="judge", unit="chunk", disable=None):
        pair = rendered.at_rate(metric, *np.moveaxis(as_float(chunk), 1, 0))
        values = (
            metric.judge(*pair, metric.sample_rate)
            if has_probabilities
            else [metric.distance(*pair, metric.sample_rate)]
        )
        chunks.append(np.stack(values))
    distances, *probabilities = np.concatenate(chunks, axis=1)
    return distances, probabilities[0] if probabilities else None


def report(judged, distances: np.ndarray, probabilities: np.ndarray | None = None) -> dict[str, dict]:
    """How well distances and probabilities predict what listeners answered, by table and over all tables.

    Args:
        judged: `zoo.jnd.batches.Judged`.
        distances: float (judgments,); NaN where there is none.
        probabilities: of the answer "different", the same shape, or None.

    Returns:
        {table: {"n", "n_failed", "auc", "cross_entropy", "calibration_error"}}, the last two with probabilities; tables
        as in `zoo.jnd.judgments.TABLES`, and "all", the rows of all tables together. A figure is [value, low, high].
        The AUC is that of the distances, higher is better, 0.5 is chance; cross-entropy in nats and the expected
        calibration error (10 bins of equal mass): lower is better. Resampling adds to a calibration error, so the
        interval of a small one lies above it.

    Example:
        >>> from types import SimpleNamespace
        >>> answers = np.array([0.0, 1.0])
        >>> judged = SimpleNamespace(judgments=[SimpleNamespace(table="linear")] * 2, answers=answers)
        >>> report(judged, np.array([0.1, 0.4]))["all"]["auc"][0]
        1.0
    """
    tables, different = np.array([judgment.table for judgment in judged.judgments]), judged.answers
    groups = {table: tables == table for table in sorted(set(tables))} | {ALL: np.ones(len(different), bool)}
    results = {}
    for table, chosen in groups.items():
        failed = int(np.isnan(distances[chosen]).sum())
        results[table] = {"n": int(chosen.sum()) - failed, "n_failed": failed}
        results[table]["auc"] = list(bootstrap(roc_auc, different[chosen], distances[chosen]))
        for statistic in (cross_entropy, calibration_error) if probabilities is not None else ():
            interval = bootstrap(statistic, different[chosen], probabilities[chosen])
            results[table][statistic.__name__] = list(interval)
    return results


def lead(different: ArrayLike, distances: ArrayLike, others: ArrayLike) -> list[float]:
    """Difference of the AUC of two metrics on the same answers.

    Args:
        different: 1 where a listener heard a difference, else 0, (n,).
        distances, others: of both metrics, (n,); answers on which either is NaN are left out.

    Returns:
        [difference, low, high], the interval a bootstrap that resamples answers; if it holds 0, the answers cannot
        tell which metric is the better one.

    Example:
        >>> lead([0, 1, 0, 1], [0.1, 0.4, 0.2, 0.3], [0.1, 0.4, 0.3, 0.2])[0]
        0.25
    """
    distances, others = np.asarray(distances), np.asarray(others)

    def difference(drawn, places):
        places = places.astype(int)
        return roc_auc(drawn, distances[places]) - roc_auc(drawn, others[places])

    known = np.flatnonzero(~np.isnan(distances + others))
    return list(bootstrap(difference, np.asarray(different)[known], known))


def jnd_distance(different: ArrayLike, distances: ArrayLike) -> float:
    """The distance at which half of the answers are "different": the metric's own just noticeable difference.

    Logistic regression on the logarithm of the distance, P = 1 / (1 + exp(-(a + b log d))), is one half at exp(-a / b).
    Pairs at distance 0 are left out: they show only how often people err.

    Args:
        different: 1 where a listener heard a difference, else 0, (n,).
        distances: of any unit, 0 and up, (n,); NaNs are left out.

    Returns:
        float in the distances' unit; NaN where the answers do not rise with the distance, or reach one half beyond
        the distances that there are.

    Example:
        >>> round(jnd_distance([0, 0, 1, 0, 1, 1], [1, 2, 2, 8, 8, 16]), 3)
        4.0
    """
    different, distances = np.asarray(different, "float64"), np.asarray(distances, "float64")
    apart = distances > 0
    if len(set(different[apart])) < 2:
        return np.nan
    logarithm = np.log(distances[apart])
    centre, deviation = logarithm.mean(), max(logarithm.std(), 1e-12)
    x, sign = (logarithm - centre) / deviation, 2 * different[apart] - 1

    def cost(parameters):
        margin = sign * (parameters[0] + parameters[1] * x)
        slope = -sign * scipy.special.expit(-margin)
        # A weak prior, so that there is a fit where the distance separates the answers without an error.
        penalty = 1e-4 * parameters[1] ** 2
        return np.logaddexp(0, -margin).mean() + penalty, [slope.mean(), (slope @ x) / x.size + 2e-4 * parameters[1]]

    intercept, steepness = scipy.optimize.minimize(cost, [0.0, 1.0], jac=True, method="BFGS").x
    crossing = centre - deviation * intercept / steepness if steepness > 1e-6 else np.nan
    return float(np.exp(crossing)) if logarithm.min() <= crossing <= logarithm.max() else np.nan
