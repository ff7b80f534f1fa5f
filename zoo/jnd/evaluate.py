"""How well a distance agrees with listeners, and whether it behaves as one should: on answers, ladders, shifts, levels.

Works on any metric with `sample_rate` and `distance(reference, degraded, sample_rate)`: a checkpoint, or one of
`zoo.jnd.baselines`. Means have 95 % bootstrap intervals that resample files.
"""

import numpy as np
from tqdm import tqdm

from zoo.jnd import answers, rendered
from zoo.jnd.examples import as_float
from zoo.jnd.perturb import LADDER
from zoo.metrics.agreement import bootstrap, grouped_mean, spearman

SHIFTS = (1, 2, 5, 10, 20, 50, 100)  # samples
LEVELS = (-12, -6, -3, -2, -1, -0.5, 0.5, 1, 2, 3, 6, 12)  # dB
_HEADROOM_DB = 12  # of the reference whose level is changed
_FEW_RESAMPLES = 200  # of what takes a fit each


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
        facts: {"answers": `zoo.jnd.answers.report`, "jnd_distance": [value, low, high], "two_afc": `two_afc`}, for a card.
        heard: distances and probabilities, of `zoo.jnd.answers.judge`.

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
        heard: distances and probabilities, of `zoo.jnd.answers.judge`.

    Example:
        >>> facts, _ = evaluate(zoo.load("jnd-22k"), judged, ladders, triplets)  # doctest: +SKIP
    """
    facts, heard = _on_answers(metric, judged)
    distances, clips = measure(metric, ladders), [as_float(audio[0]) for audio in ladders]
    facts |= {"two_afc": two_afc(distances, triplets), "ladders": ladders_report(distances)}
    return facts | {"shifts": shifts(metric, clips), "levels": levels(metric, clips)}, heard


def _on_answers(metric, judged):
    heard = answers.judge(metric, judged)
    threshold = bootstrap(answers.jnd_distance, judged.answers, heard[0], _FEW_RESAMPLES)
    return {"answers": answers.report(judged, *heard), "jnd_distance": list(threshold)}, heard


def _distances(metric, reference, degraded):
    """Distances of (changes, samples) from one reference (samples,), at 22,050 Hz."""
    reference, degraded = rendered.at_rate(metric, reference, degraded)
    return metric.distance(np.broadcast_to(reference, degraded.shape), degraded, metric.sample_rate)


def _means(distances):
    """Mean of each column of (files, columns) with its interval, and the counts."""
    files = np.arange(len(distances))
    means = [list(grouped_mean(column, files)) for column in distances.T]
    return {"distance": means, "n": len(files), "n_failed": int(np.isnan(distances).sum())}
