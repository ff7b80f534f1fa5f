"""How well a distance agrees with ratings: a table of recordings, their references and their mean opinion scores."""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from zoo.audio import pairs
from zoo.errors import InputError
from zoo.metrics.agreement import grouped_mean, pearson, spearman

_COLUMNS = ("file", "reference", "mos")


def rate(metric, path):
    """A metric's distances of the recordings that a table names.

    Args:
        metric: with `sample_rate` and `distance`.
        path: CSV with the columns file, reference (relative to its folder) and mos, and if one likes speaker. Channels
            are averaged, other rates resampled, and the shorter of a pair ends in digital silence.

    Returns:
        list of {"file", "speaker", "mos", "distance", "error"}, one a row; a row that cannot be used has a NaN and says
        why. Without the column, the speaker is "".

    Raises:
        InputError: the CSV cannot be read or lacks a column.

    Example:
        >>> rows = rate(zoo.load("jnd-22k"), "ratings.csv")  # doctest: +SKIP
    """
    path, rows = Path(path), []
    for told in tqdm(pairs.read_table(path, _COLUMNS), desc="rate", unit="row", disable=None):
        row = {"file": told["file"], "speaker": told.get("speaker") or "", "mos": np.nan, "distance": np.nan}
        try:
            row["mos"] = _number(told["mos"])
            pair = pairs.Pair(told["file"], path.parent / (told["reference"] or ""), path.parent / (told["file"] or ""))
            reference, degraded, _ = pairs.read(
                pair, (metric.sample_rate,), resample=True, downmix=True, pad=True, silent=True
            )
            row["distance"] = float(metric.distance(reference, degraded, metric.sample_rate)[0])
            rows.append(row | {"error": "" if np.isfinite(row["distance"]) else f"{told['file']}: has no distance"})
        except InputError as error:
            rows.append(row | {"error": str(error)})
    return rows


def report(rows):
    """Correlation of ratings with distances, by speaker and their mean (the paper's Table 2).

    The sign is turned: a good distance falls as the rating rises, and has a positive correlation.

    Args:
        rows: of `rate`.

    Returns:
        {"speakers": {speaker: {"spearman", "pearson", "n", "n_failed"}}, "mean": the same, each correlation as
        [mean over the speakers, low, high] with a bootstrap interval that resamples speakers}; -1..1, higher is better;
        NaN, and left out of the mean, for a speaker with fewer than two ratings.

    Example:
        >>> report(rate(zoo.load("jnd-22k"), "ratings.csv"))["mean"]["spearman"][0]  # doctest: +SKIP
    """
    speakers = {}
    for speaker in sorted({row["speaker"] for row in rows}):
        chosen = [row for row in rows if row["speaker"] == speaker]
        ratings, nearness = [row["mos"] for row in chosen], [-row["distance"] for row in chosen]
        failed = int(np.isnan(np.add(ratings, nearness)).sum())
        found = {statistic.__name__: statistic(ratings, nearness) for statistic in (spearman, pearson)}
        speakers[speaker] = found | {"n": len(chosen) - failed, "n_failed": failed}
    mean = {
        name: list(grouped_mean([found[name] for found in speakers.values()], list(speakers)))
        for name in ("spearman", "pearson")
    }
    counts = {name: sum(found[name] for found in speakers.values()) for name in ("n", "n_failed")}
    return {"speakers": speakers, "mean": mean | counts}


def _number(text):
    try:
        return float(text)
    except (TypeError, ValueError):
        raise InputError(f"the rating {text!r} is no number; mend it") from None
