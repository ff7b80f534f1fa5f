"""How well a distance agrees with listeners' answers: AUC, cross-entropy, calibration, and the distance at the JND.

Intervals are 95 % bootstrap ones that resample answers, for the four talkers of the test are too few to resample.
"""

import numpy as np
import scipy.optimize
import scipy.special
from tqdm import tqdm

from zoo.jnd import rendered
from zoo.jnd.examples import as_float
from zoo.metrics.agreement import bootstrap, calibration_error, cross_entropy, roc_auc

ALL = "all"  # the group of all tables


def judge(metric, judged):
    """A metric's distances and probabilities of judged pairs.

    Args:
        metric: with `distance`, and `judge` if it knows probabilities.
        judged: `zoo.jnd.batches.Judged`; its first rendering is measured.

    Returns:
        distances: float64 (judgments,), in order.
        probabilities: the same of "different", or None for a metric without.

    Example:
        >>> distances, probabilities = judge(zoo.load("jnd-22k"), judged)  # doctest: +SKIP
    """
    knows_odds = hasattr(metric, "judge")
    found = []
    for chunk in tqdm(judged.renderings[0], desc="judge", unit="chunk", disable=None):
        pair = rendered.at_rate(metric, *np.moveaxis(as_float(chunk), 1, 0))
        values = metric.judge(*pair, metric.sample_rate) if knows_odds else [metric.distance(*pair, metric.sample_rate)]
        found.append(np.stack(values))
    distances, *probabilities = np.concatenate(found, axis=1)
    return distances, probabilities[0] if probabilities else None


def report(judged, distances, probabilities=None):
    """How well distances and probabilities tell what listeners answered, by table and over all tables.

    Args:
        judged: `zoo.jnd.batches.Judged`.
        distances: float (judgments,); NaN where there is none.
        probabilities: of the answer "different", the same shape, or None.

    Returns:
        {table: {"n", "n_failed", "auc", "cross_entropy", "calibration_error"}}, the last two with probabilities; tables
        as in `zoo.jnd.judgments.TABLES`, and "all", the rows of all tables together. A figure is [value, low, high]. AUC
        is that of the distances, higher is better, 0.5 is chance; cross-entropy in nats and the expected calibration
        error (10 bins of equal mass): lower is better. Resampling adds to a calibration error, so the
        interval of a small one lies above it.

    Example:
        >>> report(judged, distances)["all"]["auc"][0]  # doctest: +SKIP
    """
    tables, given = np.array([judgment.table for judgment in judged.judgments]), judged.answers
    groups = {table: tables == table for table in sorted(set(tables))} | {ALL: np.ones(len(given), bool)}
    found = {}
    for table, chosen in groups.items():
        failed = int(np.isnan(distances[chosen]).sum())
        found[table] = {"n": int(chosen.sum()) - failed, "n_failed": failed}
        found[table]["auc"] = list(bootstrap(roc_auc, given[chosen], distances[chosen]))
        for statistic in (cross_entropy, calibration_error) if probabilities is not None else ():
            found[table][statistic.__name__] = list(bootstrap(statistic, given[chosen], probabilities[chosen]))
    return found


def lead(different, distances, others):
    """By how much the AUC of a metric is above another's, on the same answers.

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

    kept = np.flatnonzero(~np.isnan(distances + others))
    return list(bootstrap(difference, np.asarray(different)[kept], kept))


def jnd_distance(different, distances):
    """The distance at which half of the answers are "different": the metric's own just noticeable difference.

    Logistic regression on the logarithm of the distance, P = 1 / (1 + exp(-(a + b log d))), is one half at exp(-a / b).
    Pairs at distance 0 are left out: they tell only how often people err.

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
    kept = distances > 0
    if len(set(different[kept])) < 2:
        return np.nan
    logarithm = np.log(distances[kept])
    centre, spread = logarithm.mean(), max(logarithm.std(), 1e-12)
    x, sign = (logarithm - centre) / spread, 2 * different[kept] - 1

    def cost(parameters):
        margin = sign * (parameters[0] + parameters[1] * x)
        slope = -sign * scipy.special.expit(-margin)
        # A trace of a prior, so that answers which the distance separates have a fit.
        penalty = 1e-4 * parameters[1] ** 2
        return np.logaddexp(0, -margin).mean() + penalty, [slope.mean(), (slope @ x) / x.size + 2e-4 * parameters[1]]

    intercept, steepness = scipy.optimize.minimize(cost, [0.0, 1.0], jac=True, method="BFGS").x
    crossing = centre - spread * intercept / steepness if steepness > 1e-6 else np.nan
    return float(np.exp(crossing)) if logarithm.min() <= crossing <= logarithm.max() else np.nan
