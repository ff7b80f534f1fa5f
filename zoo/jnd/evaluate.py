"""Agreement of a distance with listeners, and sanity checks of it: on answers, ladders, shifts, levels.

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
_FEW_RESAMPLES = 200  # of a statistic that needs a fit for each resample


# --- ladders ------------------------------------------------------------------------------------------------------


def measure(metric, ladders: list[np.ndarray], wanted: np.ndarray | None = None) -> np.ndarray:
    """Distances of rungs from their clips.

    Args:
        metric: with `distance`.
        ladders: of `zoo.jnd.rendered.render_ladders`.
        wanted: bool (files, rungs) of those to measure; None for all.

    Returns:
        float64 (files, rungs), rungs as `zoo.jnd.rendered.COLUMNS` has them; NaN where not wanted, or not measurable.

    Example:
        >>> from zoo.jnd import baselines
        >>> ladder = np.zeros((1 + rendered.WIDTH, 400), "int16")
        >>> measure(baselines.squared_error(), [ladder]).shape == (1, rendered.WIDTH)
        True
    """
    wanted = np.ones((len(ladders), rendered.WIDTH), bool) if wanted is None else wanted
    distances = np.full(wanted.shape, np.nan)
    for row, chosen, audio in zip(
        distances, wanted, tqdm(ladders, desc="climb", unit="file", disable=None), strict=True
    ):
        if chosen.any():
            row[chosen] = _distances(metric, as_float(audio[0]), as_float(audio[1:][chosen]))
    return distances


def ladders_report(distances: np.ndarray) -> dict[str, dict]:
    """How the mean distance rises along each ladder.

    Args:
        distances: of `measure`, (files, rungs).

    Returns:
        {axis: {"rungs": SNRs in dB or strengths, mild to severe, "distance": [mean, low, high] of each, "spearman":
        rank correlation of mean distance and rung, -1..1, 1 is best, "rises": whether every rung is further than the
        one before, "n": files, "n_failed": distances that are NaN}}; axes as in `zoo.jnd.rendered.LADDERS`.

    Example:
        >>> distances = np.arange(2 * rendered.WIDTH).reshape(2, -1)
        >>> ladders_report(distances)["mp3"]["rises"]
        True
    """
    report = {}
    for axis, columns in rendered.COLUMNS.items():
        facts = _means(distances[:, columns])
        means = [mean for mean, _, _ in facts["distance"]]
        report[axis] = {
            "rungs": [rung if np.isscalar(rung) else rung[-1] for rung in rendered.LADDERS[axis]],
            "spearman": spearman(np.arange(len(means)), means),
            "rises": bool(np.all(np.diff(means) > 0)),
            **facts,
        }
    return report


def draw_triplets(n_files: int, count: int = 1000, seed: int = 0) -> np.ndarray:
    """Triplets of a clip and two rungs of one of its ladders, A milder than B, which a metric must put in order.

    As for the paper's Table 2, but with simulated truth. Axes are drawn evenly, and the two rungs of an axis too, so
    some differ by less than a listener notices.

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


def two_afc(distances: np.ndarray, triplets: np.ndarray) -> dict:
    """Accuracy of a metric on triplets: the milder rung must be nearer to the clip; a tie is half right.

    Args:
        distances: of `measure`, (files, rungs), in which the rungs of the triplets are known.
        triplets: of `draw_triplets`.

    Returns:
        {"accuracy": [mean, low, high], 0..1, higher is better, 0.5 is chance, "n": triplets with one, "n_failed"}.

    Example:
        >>> distances = np.arange(2 * rendered.WIDTH).reshape(2, -1)
        >>> two_afc(distances, draw_triplets(len(distances)))["accuracy"][0]
        1.0
    """
    files, mild, severe = triplets.T
    right = 0.5 + np.sign(distances[files, severe] - distances[files, mild]) / 2
    failed = int(np.isnan(right).sum())
    return {"accuracy": list(grouped_mean(right, files)), "n": len(right) - failed, "n_failed": failed}


# --- shifts and levels ------------------------------------------------------------------------------------------------


def shifts(metric, clips: list[np.ndarray]) -> dict:
    """Distance of a clip from itself some samples later; a shift of 100 samples, 4.5 ms, is inaudible.

    Both recordings are cut from the same clip, 100 samples shorter than it, so they differ in the shift alone.

    Args:
        metric: with `distance`.
        clips: list of float32 (samples,) at 22,050 Hz.

    Returns:
        {"samples": `SHIFTS`, "distance": [mean, low, high] of each, "n": clips, "n_failed": distances that are NaN}.

    Example:
        >>> from zoo.jnd import baselines
        >>> len(shifts(baselines.squared_error(), [np.zeros(22050, "float32")])["distance"]) == len(SHIFTS)
        True
    """
    most = max(SHIFTS)
    distances = [
        _distances(metric, clip[most:], np.stack([clip[most - shift : len(clip) - shift] for shift in SHIFTS]))
        for clip in tqdm(clips, desc="shift", unit="clip", disable=None)
    ]
    return {"samples": list(SHIFTS), **_means(np.array(distances))}


def levels(metric, clips: list[np.ndarray]) -> dict:
    """Distance of a clip from itself, louder or softer: untrained listeners notice about 2 dB.

    The reference is the clip 12 dB down, so that 12 dB more do not clip.

    Args:
        metric: with `distance`.
        clips: list of float32 (samples,) at 22,050 Hz.

    Returns:
        {"db": `LEVELS`, "distance": [mean, low, high] of each, "n": clips, "n_failed": distances that are NaN}.

    Example:
        >>> from zoo.jnd import baselines
        >>> len(levels(baselines.squared_error(), [np.zeros(22050, "float32")])["distance"]) == len(LEVELS)
        True
    """
    gains = (10 ** (np.array(LEVELS) / 20)).astype("float32")[:, None]
    softer = [10 ** (-_HEADROOM_DB / 20) * clip for clip in clips]
    clips = tqdm(softer, desc="level", unit="clip", disable=None)
    distances = [_distances(metric, clip, gains * clip) for clip in clips]
    return {"db": list(LEVELS), **_means(np.array(distances))}


# --- all of it --------------------------------------------------------------------------------------------------------


def compare(metric, judged, ladders, triplets):
    """Evaluate a metric on answers and triplets, as every metric of a comparison is.

    Args:
        metric: with `distance`.
        judged: `zoo.jnd.batches.Judged`.
        ladders: of `zoo.jnd.rendered.render_ladders`; None evaluates on the answers alone.
        triplets: of `draw_triplets`.

    Returns:
        facts: {"answers": `zoo.jnd.answers.report`, "jnd_distance": [value, low, high], and with ladders "two_afc":
            `two_afc`}.
        values: distances and probabilities, of `zoo.jnd.answers.judge`.

    Example:
        >>> facts, _ = compare(squared_error(), judged, ladders, draw_triplets(50))  # needs answers  # doctest: +SKIP
    """
    facts, values = _on_answers(metric, judged)
    if ladders is None:
        return facts, values
    files, mild, severe = triplets.T
    wanted = np.zeros((len(ladders), rendered.WIDTH), bool)
    wanted[files, mild] = wanted[files, severe] = True
    return facts | {"two_afc": two_afc(measure(metric, ladders, wanted), triplets)}, values


def evaluate(metric, judged, ladders, triplets):
    """`compare`, and how the distance changes along ladders, with shifts and with level.

    Returns:
        facts: as `compare`'s, and with ladders "ladders": `ladders_report`, "shifts": `shifts`, "levels": `levels`.
        values: distances and probabilities, of `zoo.jnd.answers.judge`.

    Example:
        >>> facts, _ = evaluate(zoo.load("jnd-22k"), judged, ladders, triplets)  # needs answers  # doctest: +SKIP
    """
    facts, values = _on_answers(metric, judged)
    if ladders is None:
        return facts, values
    distances, clips = measure(metric, ladders), [as_float(audio[0]) for audio in ladders]
    facts |= {"two_afc": two_afc(distances, triplets), "ladders": ladders_report(distances)}
    return facts | {"shifts": shifts(metric, clips), "levels": levels(metric, clips)}, values


def _on_answers(metric, judged):
    values = answers.judge(metric, judged)
    threshold = bootstrap(answers.jnd_distance, judged.answers, values[0], _FEW_RESAMPLES)
    return {"answers": answers.report(judged, *values), "jnd_distance": list(threshold)}, values


def _distances(metric, reference, degraded):
    """Distances of (changes, samples) from one reference (samples,), at 22,050 Hz."""
    reference, degraded = rendered.at_rate(metric, reference, degraded)
    return metric.distance(np.broadcast_to(reference, degraded.shape), degraded, metric.sample_rate)


def _means(distances):
    """Mean of each column of (files, columns) with its interval, and the counts."""
    files = np.arange(len(distances))
    means = [list(grouped_mean(column, files)) for column in distances.T]
    return {"distance": means, "n": len(files), "n_failed": int(np.isnan(distances).sum())}
