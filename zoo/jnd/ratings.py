"""How well a distance agrees with ratings: a table of recordings, their references and their mean opinion scores."""

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
        path: CSV with the columns file, reference (relative to its folder) and mos, and optionally speaker. Channels
            are averaged, other rates resampled, and the shorter of a pair ends in digital silence.

    Returns:
        list of {"file", "speaker", "mos", "distance", "error"}, one a row; a row that cannot be used has a NaN and says
        why. Without the column, the speaker is "".

    Raises:
        InputError: the CSV cannot be read or lacks a column.

    Example:
        >>> rows = rate(zoo.load("jnd-22k"), "ratings.csv")  # needs rated recordings  # doctest: +SKIP
    """
    path, rows = Path(path), []
    for line in tqdm(pairs.read_table(path, _COLUMNS), desc="rate", unit="row", disable=None):
        row = {"file": line["file"], "speaker": line.get("speaker") or "", "mos": np.nan, "distance": np.nan}
        try:
            row["mos"] = _number(line["mos"])
            pair = pairs.Pair(line["file"], path.parent / (line["reference"] or ""), path.parent / (line["file"] or ""))
            reference, degraded, _ = pairs.read(
                pair, (metric.sample_rate,), resample=True, downmix=True, pad=True, silent=True
            )
            row["distance"] = float(metric.distance(reference, degraded, metric.sample_rate)[0])
            rows.append(row | {"error": "" if np.isfinite(row["distance"]) else f"{line['file']}: has no distance"})
        except Exception as error:  # noqa: BLE001 - of whatever library; the other rows go on
            rows.append(row | {"error": describe(error)})
    return rows


def report(rows: list[dict]) -> dict:
    """Correlation of ratings with distances, by speaker and their mean (the paper's Table 2).

    The sign of the distance is inverted: a good distance falls as the rating rises, and so correlates positively.

    Args:
        rows: of `rate`.

    Returns:
        {"speakers": {speaker: {"spearman", "pearson", "n", "n_failed"}}, "mean": the same, each correlation as
        [mean over the speakers, low, high] with a bootstrap interval that resamples speakers}; -1..1, higher is better;
        NaN, and left out of the mean, for a speaker with fewer than two ratings.

    Example:
        >>> rows = [{"speaker": "ann", "mos": mos, "distance": 5 - mos} for mos in (1.0, 2.0, 4.0)]
        >>> report(rows)["mean"]["spearman"][0]
        1.0
    """
    speakers = {}
    for speaker in sorted({row["speaker"] for row in rows}):
        chosen = [row for row in rows if row["speaker"] == speaker]
        ratings, nearness = [row["mos"] for row in chosen], [-row["distance"] for row in chosen]
        failed = int(np.isnan(np.add(ratings, nearness)).sum())
        correlations = {statistic.__name__: statistic(ratings, nearness) for statistic in (spearman, pearson)}
        speakers[speaker] = correlations | {"n": len(chosen) - failed, "n_failed": failed}
    mean = {
        name: list(grouped_mean([facts[name] for facts in speakers.values()], list(speakers)))
        for name in ("spearman", "pearson")
    }
    counts = {name: sum(facts[name] for facts in speakers.values()) for name in ("n", "n_failed")}
    return {"speakers": speakers, "mean": mean | counts}


def _number(text):
    try:
        number = float(text)
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise InputError(f"the rating {text!r} is no number; mend it")
    return number
