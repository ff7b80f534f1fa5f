"""How often a distance agrees with listeners on which of two recordings is nearer to a reference (2AFC).

Manocha et al. 2020, section 4.1: each triplet was judged by about ten listeners. The paper does not say how their
answers were counted, so both ways are here: the majority of each triplet, and every answer.
"""

from pathlib import Path

import numpy as np
from tqdm import tqdm

from zoo.audio import pairs
from zoo.errors import InputError, describe
from zoo.jnd.ratings import distance_of_files
from zoo.metrics.agreement import grouped_mean

_COLUMNS = ("reference", "a", "b", "votes_a", "votes_b")


def measure(metric, path: str | Path) -> list[dict]:
    """A metric's distances of the two recordings of each triplet that a table names.

    Args:
        metric: with `sample_rate` and `distance`.
        path: CSV with the columns reference, a and b, relative to its folder, and votes_a and votes_b, how many
            listeners took which for the nearer one. Channels are averaged, other rates resampled, and the shorter of a
            pair ends in digital silence.

    Returns:
        list of {"reference", "a", "b", "votes": (of a, of b), "distances": (of a, of b), "error"}, one a row; a row that
        cannot be used has NaNs and says why.

    Raises:
        InputError: the CSV cannot be read or lacks a column.

    Example:
        >>> rows = measure(zoo.load("jnd-22k"), "triplets.csv")  # needs judged recordings  # doctest: +SKIP
    """
    path, rows = Path(path), []
    for line in tqdm(pairs.read_table(path, _COLUMNS), desc="2AFC", unit="row", disable=None):
        row = {key: line[key] for key in ("reference", "a", "b")}
        row |= {"votes": (np.nan, np.nan), "distances": (np.nan, np.nan), "error": ""}
        try:
            votes = tuple(_count(line[f"votes_{name}"]) for name in "ab")
            if not sum(votes):
                raise InputError(f"{line['a']} and {line['b']} have no votes; leave the row out")
            row["votes"] = votes
            row["distances"] = tuple(
                distance_of_files(metric, path.parent, line["reference"], line[name]) for name in "ab"
            )
            if not np.isfinite(row["distances"]).all():
                row["error"] = f"{line['a']} or {line['b']} has no distance"
        except Exception as error:  # noqa: BLE001 - of whatever library; the other rows go on
            row["error"] = describe(error)
        rows.append(row)
    return rows


def report(rows: list[dict]) -> dict:
    """Accuracy of the distances on triplets; chance is 0.5, a tie of distances is half right.

    Args:
        rows: of `measure`.

    Returns:
        {"majority": [share of triplets in which what most listeners took for nearer has the smaller distance, low, high];
        triplets on which they are evenly divided are left out, "votes": [share of the listeners who agree with the
        distance, the mean over triplets, low, high], "n": triplets with distances, "n_failed"}; 0..1, higher is better,
        95 % bootstrap intervals that resample triplets.

    Example:
        >>> rows = [{"votes": (9, 1), "distances": (0.2, 0.5)}, {"votes": (3, 7), "distances": (0.2, 0.5)}]
        >>> facts = report(rows)
        >>> facts["majority"][0], round(facts["votes"][0], 6)
        (0.5, 0.6)
    """
    votes, distances = (
        np.array([row[key] for row in rows], "float64").reshape(-1, 2) for key in ("votes", "distances")
    )
    shares = votes[:, 0] / votes.sum(axis=1)  # of the listeners who took a
    nearer = 0.5 + np.sign(distances[:, 1] - distances[:, 0]) / 2  # 1 where a is nearer, 0 where b is
    agreed = nearer * shares + (1 - nearer) * (1 - shares)
    majority = np.where(shares == 0.5, np.nan, 0.5 + np.sign(shares - 0.5) * (nearer - 0.5))
    failed, places = int(np.isnan(agreed).sum()), np.arange(len(rows))
    accuracies = {"majority": majority, "votes": agreed}
    means = {name: list(grouped_mean(values, places)) for name, values in accuracies.items()}
    return means | {"n": len(rows) - failed, "n_failed": failed}


def _count(text):
    try:
        number = float(text)
    except (TypeError, ValueError):
        number = np.nan
    if not (number >= 0 and np.isfinite(number)):
        raise InputError(f"{text!r} is no number of votes; mend it")
    return number
