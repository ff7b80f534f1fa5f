"""Evaluation of a distance past the threshold: order of graded degradations of speech and music, teachers' scores,
inaudible changes.

Works on any metric with `sample_rate` and `distance(reference, degraded, sample_rate)`. Means and correlations have 95 %
bootstrap intervals that resample clips.
"""

import numpy as np
from tqdm import tqdm

from zoo.jnd import artefacts, music, rendered
from zoo.jnd.answers import ALL
from zoo.jnd.degradations import Graded
from zoo.jnd.effects import SAMPLE_RATE
from zoo.jnd.examples import as_float
from zoo.metrics.agreement import bootstrap, grouped_mean, spearman

_FEW = 32  # clips of the inaudible changes
_SAMPLES = {f"{ms} ms late": round(ms * SAMPLE_RATE / 1000) for ms in (1, 5, 20, 45)}
_DISPERSION_MS, _DRIFT = 2.0, 1.001
_MARGIN = max(_SAMPLES.values())  # samples at either end of a clip that no comparison reaches


def evaluate(metric, graded: Graded, ladders: Graded | None) -> dict:
    """All of this module on one metric: `report`, "ladders" where there are some, and "inaudible" of the first 32 clips.

    Args:
        metric: with `distance`.
        graded, ladders: of `zoo.jnd.severity.render` and `render_ladders`.

    Example:
        >>> facts = evaluate(zoo.load("jnd-22k"), graded, ladders)  # needs recordings  # doctest: +SKIP
    """
    clips = [as_float(audio[0]) for chunk in graded.audio for audio in chunk][:_FEW]
    facts = report(measure(metric, graded), graded) | {"inaudible": inaudible(metric, clips)}
    return facts if ladders is None else facts | {"ladders": ladders_report(measure(metric, ladders), ladders)}


def measure(metric, graded: Graded) -> np.ndarray:
    """Distances of graded recordings from their clips.

    Args:
        metric: with `distance`.
        graded: of `zoo.jnd.severity` or `zoo.jnd.music`.

    Returns:
        float64 (clips, degradations); NaN where not measurable.

    Example:
        >>> distances = measure(zoo.load("jnd-22k"), graded)  # needs recordings  # doctest: +SKIP
    """
    rows = []
    for chunk in graded.audio:
        for audio in tqdm(chunk, desc="grade", unit="clip", disable=None):
            clip, *degraded = rendered.at_rate(metric, *as_float(audio), sample_rate=graded.sample_rate)
            rows.append(metric.distance(np.stack([clip] * len(degraded)), np.stack(degraded), metric.sample_rate))
    return np.array(rows)


def report(distances: np.ndarray, graded: Graded) -> dict:
    """How well distances follow the known order of each kind, and the teachers' scores across kinds.

    Args:
        distances: of `measure`.
        graded: what was measured.

    Returns:
        {"order": {kind: {"accuracy": [share of pairs of which the more severe is further, low, high], "n", "n_failed"}}, with
        "all" for all kinds, "teachers": {teacher: {"spearman": [value, low, high], "n"}}}; a tie is half right.

    Example:
        >>> from zoo.jnd.severity import draw
        >>> degradations = [draw(np.random.default_rng(seed)) for seed in range(9)]
        >>> facts = report(np.tile([1.0, 2.0, 1.0, 2.0], (9, 1)), Graded(degradations, [], np.ones((9, 4, 2))))
        >>> facts["order"]["all"]["accuracy"][0]
        1.0
    """
    right = 0.5 + np.sign(distances[:, 1::2] - distances[:, ::2]) / 2
    kinds = np.array([[degradation.kind for degradation in group[::2]] for group in graded.degradations])
    clips = np.broadcast_to(np.arange(len(right))[:, None], right.shape)
    order = {}
    for kind in [ALL, *sorted(set(kinds.ravel()))]:
        chosen = (kinds == kind) | (kind == ALL)
        failed = int(np.isnan(right[chosen]).sum())
        accuracy = list(grouped_mean(right[chosen], clips[chosen]))
        order[kind] = {"accuracy": accuracy, "n": int(chosen.sum()) - failed, "n_failed": failed}
    return {"order": order, "teachers": _teachers(distances, graded)}


def _teachers(distances, graded):
    facts = {}
    for j, name in enumerate(graded.teachers):
        missed = graded.missed[:, :, j]
        facts[name] = {"spearman": _agreement(missed, distances), "n": int(np.isfinite(missed + distances).sum())}
    return facts


def music_report(distances: np.ndarray, ladders: Graded) -> dict:
    """How well distances of stereo music follow falling bit rates and growing strengths, and ViSQOL's audio mode.

    Args:
        distances: of `measure`, (pieces, values of all kinds).
        ladders: what was measured, of `zoo.jnd.music.render_stereo`.

    Returns:
        {"order": {kind: {"accuracy": [share of pairs of values of which the more severe is further, low, high], "n",
        "n_failed"}}, with "codecs" for all codecs; "ladders": {kind: {"values": mild to severe, "distance": [mean, low,
        high] of each}}; "teachers" as of `report`}. Intervals resample pieces; a tie is half right.

    Example:
        >>> from zoo.jnd.degradations import Degradation
        >>> group = [Degradation("opus", kbps, None, 0) for kbps in (64.0, 32.0, 16.0)]
        >>> ladders = Graded([group] * 2, [], np.ones((2, 3, 1)), ("visqol-audio",), 44100)
        >>> music_report(np.array([[1.0, 2.0, 3.0], [1.0, 3.0, 2.0]]), ladders)["order"]["opus"]["accuracy"][0]
        0.8333333333333334
    """
    kinds = np.array([rung.kind for rung in ladders.degradations[0]])
    pieces = np.arange(len(distances))
    order = {}
    groups = {music.CODECS_TOGETHER: [kind for kind in music.CODECS if kind in kinds]}
    groups |= {str(kind): [kind] for kind in dict.fromkeys(kinds)}
    for name, members in groups.items():
        right = np.concatenate([_pairs_in_order(distances[:, kinds == kind]) for kind in members], axis=1)
        failed = int(np.isnan(right).sum())
        accuracy = list(grouped_mean(right.ravel(), np.repeat(pieces, right.shape[1])))
        order[name] = {"accuracy": accuracy, "n": right.size - failed, "n_failed": failed}
    return {"order": order, "ladders": _climbed(distances, ladders), "teachers": _teachers(distances, ladders)}


def _climbed(distances, ladders):
    """{kind: its values, and the mean distance at each}."""
    kinds, clips = np.array([rung.kind for rung in ladders.degradations[0]]), np.arange(len(distances))
    return {
        str(kind): {
            "values": [ladders.degradations[0][column].value for column in np.flatnonzero(kinds == kind)],
            "distance": [list(grouped_mean(column, clips)) for column in distances[:, kinds == kind].T],
        }
        for kind in dict.fromkeys(kinds)
    }


def _pairs_in_order(distances):
    """1, 0, or 0.5 for a tie, for each pair of columns, (clips, pairs): whether the later one is further."""
    first, second = np.triu_indices(distances.shape[1], 1)
    return 0.5 + np.sign(distances[:, second] - distances[:, first]) / 2


def ladders_report(distances: np.ndarray, ladders: Graded) -> dict:
    """How the distance rises along every kind, and with PESQ beside it.

    Args:
        distances: of `measure`, (clips, values of all kinds).
        ladders: what was measured, of `zoo.jnd.severity.render_ladders`.

    Returns:
        {kind: {"values": mild to severe, "distance": [mean, low, high] of each, "pesq": mean by how much PESQ wb falls
        short of the best, None where it is not valid, "rises": share of the steps, over all clips, that rise}}.

    Example:
        >>> from zoo.jnd.degradations import Degradation
        >>> rungs = [Degradation("mnru", q, None, 0) for q in (30, 20, 10)]
        >>> facts = ladders_report(np.array([[1.0, 2.0, 1.5]]), Graded([rungs], [], np.ones((1, 3, 2))))
        >>> facts["mnru"]["rises"]
        0.5
    """
    kinds = np.array([rung.kind for rung in ladders.degradations[0]])
    facts = _climbed(distances, ladders)
    for kind, climbed in facts.items():
        missed = np.mean(ladders.missed[:, kinds == kind, ladders.teachers.index("pesq")], axis=0)
        climbed["pesq"] = [float(x) if np.isfinite(x) else None for x in missed]
        climbed["rises"] = float(np.mean(np.diff(distances[:, kinds == kind], axis=1) > 0))
    return facts


def _agreement(missed, distances):
    """Spearman's correlation over all recordings, [value, low, high]."""

    def statistic(numbers, _):
        rows = numbers.astype(int)
        return spearman(missed[rows].ravel(), distances[rows].ravel())

    numbers = np.arange(len(missed))
    return list(bootstrap(statistic, numbers, numbers))


def inaudible(metric, clips: list[np.ndarray]) -> dict:
    """Distances of clips from themselves after changes that nobody hears.

    Both recordings are cut from within the clip, so that no change reaches its ends.

    Args:
        metric: with `distance`.
        clips: list of float32 (samples,) at 22,050 Hz.

    Returns:
        {"change": names, "distance": [mean, low, high] of each, "n": clips, "n_failed": distances that are NaN}.

    Example:
        >>> from zoo.jnd import baselines
        >>> inaudible(baselines.squared_error(), [np.zeros(22050, "float32")])["change"][0]
        '1 ms late'
    """
    rows = []
    for number, clip in enumerate(tqdm(clips, desc="inaudible", unit="clip", disable=None)):
        changed = [_within(np.roll(clip, samples)) for samples in _SAMPLES.values()]
        changed.append(_within(artefacts.disperse(clip, _DISPERSION_MS, np.random.default_rng(number))))
        changed += [_within(artefacts.drift(clip, _DRIFT)), _within(-clip)]
        reference, *changed = rendered.at_rate(metric, _within(clip), *changed)
        rows.append(metric.distance(np.stack([reference] * len(changed)), np.stack(changed), metric.sample_rate))
    distances, files = np.array(rows), np.arange(len(rows))
    return {
        "change": [*_SAMPLES, f"{_DISPERSION_MS:g} ms dispersed", f"{_DRIFT - 1:.1%} faster", "other polarity"],
        "distance": [list(grouped_mean(column, files)) for column in distances.T],
        "n": len(rows),
        "n_failed": int(np.isnan(distances).sum()),
    }


def _within(clip):
    return clip[_MARGIN:-_MARGIN]
