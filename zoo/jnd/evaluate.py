"""How well a distance agrees with listeners, and whether it behaves as one should: on answers, ladders, shifts, levels.

Works on any metric with `sample_rate` and `distance(reference, degraded, sample_rate)`: a checkpoint, or one of
`zoo.jnd.baselines`. Means have 95 % bootstrap intervals that resample files; figures on answers resample answers, for
the four talkers of the test are too few to resample.
"""

import numpy as np
import scipy.optimize
import scipy.special
from tqdm import tqdm

from zoo.audio import io
from zoo.jnd import rendered
from zoo.jnd.effects import SAMPLE_RATE
from zoo.jnd.examples import as_float
from zoo.jnd.perturb import LADDER
from zoo.metrics.agreement import bootstrap, calibration_error, cross_entropy, grouped_mean, roc_auc, spearman

SHIFTS = (1, 2, 5, 10, 20, 50, 100)  # samples
LEVELS = (-12, -6, -3, -2, -1, -0.5, 0.5, 1, 2, 3, 6, 12)  # dB
ALL = "all"  # the group of all tables
_HEADROOM_DB = 12  # of the reference whose level is changed
_FEW_RESAMPLES = 200  # of what takes a fit each


# --- answers ------------------------------------------------------------------------------------------------------


def answers(metric, judged):
    """A metric's distances and probabilities of judged pairs.

    Args:
        metric: with `distance`, and `judge` if it knows probabilities.
        judged: `zoo.jnd.batches.Judged`; its first rendering is measured.

    Returns:
        distances: float64 (judgments,), in order.
        probabilities: the same of "different", or None for a metric without.

    Example:
        >>> distances, probabilities = answers(zoo.load("jnd-22k"), judged)  # doctest: +SKIP
    """
    knows_odds = hasattr(metric, "judge")
    found = []
    for chunk in tqdm(judged.renderings[0], desc="judge", unit="chunk", disable=None):
        pair = _at_rate(metric, *np.moveaxis(as_float(chunk), 1, 0))
        values = metric.judge(*pair, metric.sample_rate) if knows_odds else [metric.distance(*pair, metric.sample_rate)]
        found.append(np.stack(values))
    distances, *probabilities = np.concatenate(found, axis=1)
    return distances, probabilities[0] if probabilities else None


def answers_report(judged, distances, probabilities=None):
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
        >>> answers_report(judged, distances)["all"]["auc"][0]  # doctest: +SKIP
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


# --- ladders ------------------------------------------------------------------------------------------------------


def measure(metric, ladders, wanted=None):
    """Distances of rungs from their clips.

    Args:
        metric: with `distance`.
        ladders: of `zoo.jnd.rendered.render_ladders`.
        wanted: bool (files, rungs) of those to measure; None for all.

    Returns:
        float64 (files, rungs), rungs as `zoo.jnd.rendered.COLUMNS` has them; NaN where not wanted, or not measurable.

    Example:
        >>> distances = measure(zoo.load("jnd-22k"), render_ladders(source, 50, "runs"))  # doctest: +SKIP
    """
    wanted = np.ones((len(ladders), rendered.WIDTH), bool) if wanted is None else wanted
    distances = np.full(wanted.shape, np.nan)
    for row, chosen, audio in zip(
        distances, wanted, tqdm(ladders, desc="climb", unit="file", disable=None), strict=True
    ):
        if chosen.any():
            row[chosen] = _distances(metric, as_float(audio[0]), as_float(audio[1:][chosen]))
    return distances


def ladders_report(distances):
    """How the mean distance goes up each ladder.

    Args:
        distances: of `measure`, (files, rungs).

    Returns:
        {axis: {"rungs": SNRs in dB or strengths, from mild to severe, "distance": [mean, low, high] of each, "spearman":
        rank correlation of mean distance and rung, -1..1, 1 is best, "rises": whether every rung is further than the
        one before, "n": files, "n_failed": distances that are NaN}}; axes as in `zoo.jnd.rendered.LADDERS`.

    Example:
        >>> ladders_report(distances)["mp3"]["spearman"]  # doctest: +SKIP
    """
    found = {}
    for axis, columns in rendered.COLUMNS.items():
        facts = _means(distances[:, columns])
        means = [mean for mean, _, _ in facts["distance"]]
        found[axis] = {
            "rungs": [rung if np.isscalar(rung) else rung[-1] for rung in rendered.LADDERS[axis]],
            "spearman": spearman(np.arange(len(means)), means),
            "rises": bool(np.all(np.diff(means) > 0)),
            **facts,
        }
    return found


def draw_triplets(n_files, count=1000, seed=0):
    """Triplets of a clip and two rungs of one of its ladders, A milder than B, whose order a metric must tell.

    As for the paper's Table 2, but with simulated truth. Axes are drawn evenly, and the two rungs of an axis too, so
    some differ by less than anyone hears.

    Args:
        n_files: clips that there are.
        count: triplets.
        seed: of the draws.

    Returns:
        int (count, 3): file, column of A, column of B.

    Example:
        >>> draw_triplets(50).shape
        (1000, 3)
    """
    rng, axes, triplets = np.random.default_rng(seed), list(LADDER), []
    for _ in range(count):
        columns = rendered.COLUMNS[axes[rng.integers(len(axes))]]
        mild, severe = np.sort(rng.choice(columns.stop - columns.start, 2, replace=False)) + columns.start
        triplets.append((rng.integers(n_files), mild, severe))
    return np.array(triplets)


def two_afc(distances, triplets):
    """Accuracy of a metric on triplets: the milder rung must be nearer to the clip; a tie is half right.

    Args:
        distances: of `measure`, (files, rungs), in which the rungs of the triplets are known.
        triplets: of `draw_triplets`.

    Returns:
        {"accuracy": [mean, low, high], 0..1, higher is better, 0.5 is chance, "n": triplets with an answer, "n_failed"}.

    Example:
        >>> two_afc(distances, draw_triplets(len(distances)))["accuracy"][0]  # doctest: +SKIP
    """
    files, mild, severe = triplets.T
    right = 0.5 + np.sign(distances[files, severe] - distances[files, mild]) / 2
    failed = int(np.isnan(right).sum())
    return {"accuracy": list(grouped_mean(right, files)), "n": len(right) - failed, "n_failed": failed}


# --- what nobody hears, and level -----------------------------------------------------------------------------------


def shifts(metric, clips):
    """Distance of a clip from itself some samples later: nobody hears 100 of them, 4.5 ms.

    Both recordings are cut from the same clip, 100 samples shorter than it, so nothing but their place differs.

    Args:
        metric: with `distance`.
        clips: list of float32 (samples,) at 22,050 Hz.

    Returns:
        {"samples": `SHIFTS`, "distance": [mean, low, high] of each, "n": clips, "n_failed": distances that are NaN}.

    Example:
        >>> shifts(zoo.load("jnd-22k"), clips)["distance"][0]  # doctest: +SKIP
    """
    most = max(SHIFTS)
    found = [
        _distances(metric, clip[most:], np.stack([clip[most - shift : len(clip) - shift] for shift in SHIFTS]))
        for clip in tqdm(clips, desc="shift", unit="clip", disable=None)
    ]
    return {"samples": list(SHIFTS), **_means(np.array(found))}


def levels(metric, clips):
    """Distance of a clip from itself, louder or softer: untrained listeners notice about 2 dB.

    The reference is the clip 12 dB down, so that 12 dB more do not clip.

    Args:
        metric: with `distance`.
        clips: list of float32 (samples,) at 22,050 Hz.

    Returns:
        {"db": `LEVELS`, "distance": [mean, low, high] of each, "n": clips, "n_failed": distances that are NaN}.

    Example:
        >>> levels(zoo.load("jnd-22k"), clips)["distance"][0]  # doctest: +SKIP
    """
    gains = (10 ** (np.array(LEVELS) / 20)).astype("float32")[:, None]
    softer = [10 ** (-_HEADROOM_DB / 20) * clip for clip in clips]
    found = [_distances(metric, clip, gains * clip) for clip in tqdm(softer, desc="level", unit="clip", disable=None)]
    return {"db": list(LEVELS), **_means(np.array(found))}


# --- all of it --------------------------------------------------------------------------------------------------------


def compare(metric, judged, ladders, triplets):
    """What every metric of a comparison is asked: answers and triplets.

    Args:
        metric: with `distance`.
        judged: `zoo.jnd.batches.Judged`.
        ladders: of `zoo.jnd.rendered.render_ladders`.
        triplets: of `draw_triplets`.

    Returns:
        facts: {"answers": `answers_report`, "jnd_distance": [value, low, high], "two_afc": `two_afc`}, for a card.
        heard: distances and probabilities, of `answers`.

    Example:
        >>> facts, _ = compare(squared_error(), judged, ladders, draw_triplets(len(ladders)))  # doctest: +SKIP
    """
    files, mild, severe = triplets.T
    wanted = np.zeros((len(ladders), rendered.WIDTH), bool)
    wanted[files, mild] = wanted[files, severe] = True
    facts, heard = _on_answers(metric, judged)
    return facts | {"two_afc": two_afc(measure(metric, ladders, wanted), triplets)}, heard


def evaluate(metric, judged, ladders, triplets):
    """`compare`, and how the metric goes up ladders, takes shifts, and hears level.

    Returns:
        facts: as `compare`'s, and "ladders": `ladders_report`, "shifts": `shifts`, "levels": `levels`.
        heard: distances and probabilities, of `answers`.

    Example:
        >>> facts, _ = evaluate(zoo.load("jnd-22k"), judged, ladders, triplets)  # doctest: +SKIP
    """
    facts, heard = _on_answers(metric, judged)
    distances, clips = measure(metric, ladders), [as_float(audio[0]) for audio in ladders]
    facts |= {"two_afc": two_afc(distances, triplets), "ladders": ladders_report(distances)}
    return facts | {"shifts": shifts(metric, clips), "levels": levels(metric, clips)}, heard


def _on_answers(metric, judged):
    heard = answers(metric, judged)
    threshold = bootstrap(jnd_distance, judged.answers, heard[0], _FEW_RESAMPLES)
    return {"answers": answers_report(judged, *heard), "jnd_distance": list(threshold)}, heard


def _at_rate(metric, *recordings):
    return [io.resample(x, SAMPLE_RATE, metric.sample_rate) for x in recordings]


def _distances(metric, reference, degraded):
    """Distances of (changes, samples) from one reference (samples,), at 22,050 Hz."""
    reference, degraded = _at_rate(metric, reference, degraded)
    return metric.distance(np.broadcast_to(reference, degraded.shape), degraded, metric.sample_rate)


def _means(distances):
    """Mean of each column of (files, columns) with its interval, and the counts."""
    files = np.arange(len(distances))
    means = [list(grouped_mean(column, files)) for column in distances.T]
    return {"distance": means, "n": len(files), "n_failed": int(np.isnan(distances).sum())}
