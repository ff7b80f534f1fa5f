"""How well a distance agrees with ratings: a table of recordings, their references and their mean opinion scores.

Manocha et al. 2020, section 4.1 and Table 2: ratings and distances are averaged for each speaker and condition (system)
before they are correlated. Without a column of conditions single recordings are, which is ours and not comparable.
"""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from zoo.audio import pairs
from zoo.errors import InputError, describe
from zoo.metrics.agreement import grouped_mean, pearson, spearman

_COLUMNS = ("file", "reference", "mos")


def rate(metric, path: str | Path) -> list[dict]:
    """A metric's distances of the recordings that a table names.

    Args:
        metric: with `sample_rate` and `distance`.
        path: CSV with the columns file, reference (relative to its folder) and mos, and optionally speaker and
            condition, the system that was rated. Channels are averaged, other rates resampled, and the shorter of a
            pair ends in digital silence.

    Returns:
        list of {"file", "speaker", "condition", "mos", "distance", "error"}, one a row; a row that cannot be used has a
        NaN and says why. Without their columns, speaker and condition are "".

    Raises:
        InputError: the CSV cannot be read or lacks a column.

    Example:
        >>> rows = rate(zoo.load("jnd-22k"), "ratings.csv")  # needs rated recordings  # doctest: +SKIP
    """
    path, rows = Path(path), []
    for line in tqdm(pairs.read_table(path, _COLUMNS), desc="rate", unit="row", disable=None):
        row = {"file": line["file"], "mos": np.nan, "distance": np.nan}
        row |= {column: line.get(column) or "" for column in ("speaker", "condition")}
        try:
            row["mos"] = _number(line["mos"])
            row["distance"] = distance_of_files(metric, path.parent, line["reference"], line["file"])
            rows.append(row | {"error": "" if np.isfinite(row["distance"]) else f"{line['file']}: has no distance"})
        except Exception as error:  # noqa: BLE001 - of whatever library; the other rows go on
            rows.append(row | {"error": describe(error)})
    return rows


def distance_of_files(metric, folder: Path, reference: str | None, degraded: str | None) -> float:
    """A metric's distance of two recordings that a row of a table names.

    Args:
        metric: with `sample_rate` and `distance`.
        folder: of the table, which the names are relative to.
        reference, degraded: the names. Channels are averaged, other rates resampled, and the shorter of the two ends
            in digital silence.

    Returns:
        The distance; not finite where the metric has none.

    Raises:
        InputError: a recording cannot be read.

    Example:
        >>> from types import SimpleNamespace
        >>> metric = SimpleNamespace(sample_rate=16000, distance=lambda a, b, rate: [np.abs(a - b).max()])
        >>> mild = zoo.examples()["mild"]
        >>> distance_of_files(metric, mild.parent, mild.name, mild.name)
        0.0
    """
    pair = pairs.Pair(degraded, folder / (reference or ""), folder / (degraded or ""))
    recordings = pairs.read(pair, (metric.sample_rate,), resample=True, downmix=True, pad=True, silent=True)
    return float(metric.distance(*recordings[:2], metric.sample_rate)[0])


def report(rows: list[dict]) -> dict:
    """Correlation of ratings with distances, by speaker, their mean, and over all speakers at once.

    Where rows have conditions, their means for each speaker and condition are correlated, as for the paper's Table 2
    ("evaluated per speaker where we average scores for each speaker for each condition"). That may be read in two ways,
    and both are here: a correlation over the conditions of each speaker, then its mean; or one over the means of all
    speakers and conditions. Rows without a condition stand for themselves.

    The sign of the distance is inverted: a good distance falls as the rating rises, and so correlates positively.

    Args:
        rows: of `rate`.

    Returns:
        {"speakers": {speaker: {"spearman", "pearson", "n", "n_failed"}}, "mean": the same, each correlation as
        [mean over the speakers, low, high] with a bootstrap interval that resamples speakers, "pooled": the same of all
        speakers at once, without intervals}; -1..1, higher is better; NaN, and left out of the mean, for a speaker with
        fewer than two conditions. n counts recordings.

    Example:
        >>> rows = [{"speaker": "ann", "mos": mos, "distance": 5 - mos} for mos in (1.0, 2.0, 4.0)]
        >>> report(rows)["mean"]["spearman"][0]
        1.0
    """
    names = sorted({row["speaker"] for row in rows})
    speakers = {name: _correlations([row for row in rows if row["speaker"] == name]) for name in names}
    mean = {
        name: list(grouped_mean([facts[name] for facts in speakers.values()], list(speakers)))
        for name in ("spearman", "pearson")
    }
    counts = {name: sum(facts[name] for facts in speakers.values()) for name in ("n", "n_failed")}
    return {"speakers": speakers, "mean": mean | counts, "pooled": _correlations(rows)}


def _correlations(rows):
    """{"spearman", "pearson", "n", "n_failed"} of the means of rows."""
    means = _means(rows)
    failed = int(sum(np.isnan(row["mos"] + row["distance"]) for row in rows))
    correlations = {statistic.__name__: statistic(means[:, 0], -means[:, 1]) for statistic in (spearman, pearson)}
    return correlations | {"n": len(rows) - failed, "n_failed": failed}


def _means(rows):
    """(groups, 2): mean rating and distance of each speaker and condition, without the rows that failed."""
    groups = {}
    for number, row in enumerate(rows):
        pair = row["mos"], row["distance"]
        if not np.isnan(sum(pair)):
            key = row["speaker"], row["condition"] if row.get("condition") else number
            groups.setdefault(key, []).append(pair)
    return np.array([np.mean(group, axis=0) for group in groups.values()]).reshape(-1, 2)


def _number(text):
    try:
        number = float(text)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise InputError(f"the rating {text!r} is no number; mend it")
    return number
