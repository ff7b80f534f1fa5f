"""What a test of ratings says: the mean of each system, post-screening, and a table to fine-tune a metric on."""

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from zoo.base import tables
from zoo.base.files import atomic_write
from zoo.listening.rate import MID_ANCHOR, REFERENCE, scores
from zoo.listening.report import Section, splits, write_sound
from zoo.listening.store import Store, Trial
from zoo.metrics.agreement import grouped_mean
from zoo.metrics.ratings import Rating, mean_opinion, post_screened

_RANGES = {"acr": (1, 5), "mushra": (0, 100)}
_HELD_OUT = {"test": 5}  # one item in so many; all systems of an item are together


def sections(store: Store, rows: list[dict[str, Any]], folder: Path, scale: str) -> list[Section]:
    """The sections of the report; draws the figure, and writes scores.csv and ratings/ into `folder`.

    Args:
        store: of the study.
        rows: answers of `zoo.listening.results.read` that count.
        folder: of the report.
        scale: "acr" or "mushra".

    Returns:
        list of `Section`: post-screening (MUSHRA), means, the export.
    """
    trials = _trials(store, rows)
    ratings = [
        Rating(trial.listener_id, trial.item.name, system, score)
        for trial in trials
        for system, score in scores(trial).items()
    ]
    excluded = post_screened(ratings, REFERENCE, MID_ANCHOR) if scale == "mushra" else []
    counted = [rating for rating in ratings if rating.listener not in excluded]
    tables.write_csv(
        folder / "scores.csv", [rating._asdict() | {"excluded": int(rating.listener in excluded)} for rating in ratings]
    )
    parts = [_means(counted, scale, folder / "scores.png")] if counted else []
    parts.append(_export(store, trials, counted, folder / "ratings"))
    return [*([_screening(ratings, excluded)] if scale == "mushra" else []), *parts]


def _trials(store, rows):
    """The trials of the rows, with their items and answers."""
    counted = {(row["listener"], row["number"]) for row in rows}
    with store.read() as session:
        query = select(Trial).join(Trial.answer).where(Trial.role == "judged").order_by(Trial.listener_id, Trial.number)
        trials = session.scalars(query.options(joinedload(Trial.item), joinedload(Trial.answer))).all()
    return [trial for trial in trials if (trial.listener_id, trial.number) in counted]


def _screening(ratings, excluded):
    text = (
        f"{len(excluded)} of {len({rating.listener for rating in ratings})} listeners are excluded by ITU-R BS.1534: the "
        "hidden reference below 90, or the anchor of 7 kHz above 90, on more than 15 % of the items."
    )
    return Section("Post-screening", text, ["excluded listener"], [[str(listener)] for listener in excluded])


def _means(ratings, scale, path):
    by_system = {}
    for rating in ratings:
        by_system.setdefault(rating.system, []).append(rating)
    means = {}
    for system, members in by_system.items():
        values = [rating.score for rating in members]
        bootstrap = grouped_mean(values, [rating.listener for rating in members])
        means[system] = (mean_opinion(values), bootstrap, members)
    means = dict(sorted(means.items(), key=lambda each: -each[1][0][0]))
    rows = [
        [
            system,
            str(len(members)),
            str(len({rating.listener for rating in members})),
            tables.interval(mean, ".2f"),
            tables.interval(bootstrap, ".2f"),
        ]
        for system, (mean, bootstrap, members) in means.items()
    ]
    _draw({system: mean for system, (mean, _, _) in means.items()}, scale, path)
    text = "Mean scores with 95 % intervals: Student's t takes ratings as independent, the bootstrap draws listeners again."
    header = ["system", "ratings", "listeners", "mean [Student's t]", "mean [over listeners]"]
    return Section("Mean scores", text, header, rows, path.name)


def _draw(means, scale, path):
    figure = Figure(figsize=(7, 1.2 + 0.42 * len(means)), layout="constrained")
    axes = figure.subplots()
    for place, (mean, low, high) in enumerate(means.values()):
        axes.errorbar(mean, place, xerr=[[mean - low], [high - mean]], fmt="o", color="#1f5fbf", capsize=4)
    axes.set_yticks(range(len(means)), list(means))
    axes.set(xlim=_RANGES[scale], ylim=(-0.6, len(means) - 0.4), xlabel="mean score, 95 % interval")
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    with atomic_write(path) as part:
        figure.savefig(part, format="png", dpi=110)


def _export(store, trials, counted, folder):
    """Write what examples/fine_tune_quality_net.py takes: reference, degraded, score, split; items are split."""
    items = {trial.item_id: trial.item for trial in trials}
    split_of, scored = splits({item.name for item in items.values()}, _HELD_OUT), {}
    for rating in counted:
        scored.setdefault((rating.item, rating.system), []).append(rating.score)
    rows = []
    with store.read() as session:
        for item in items.values():
            if "reference" not in item.facts:
                continue
            name = item.name
            names = dict(zip(item.facts["systems"], item.facts["sounds"], strict=True))
            for system, digest in names.items():
                if (name, system) in scored:
                    values = scored[name, system]
                    facts = {"reference": write_sound(session, item.facts["reference"], folder)}
                    facts |= {
                        "degraded": write_sound(session, digest, folder),
                        "score": round(sum(values) / len(values), 4),
                    }
                    rows.append(facts | {"split": split_of[name], "system": system, "ratings": len(values)})
    if not rows:
        return Section("Export", "scores.csv has the ratings. Without references there is no table to fine-tune on.")
    tables.write_csv(folder / "ratings.csv", rows)
    text = (
        f"scores.csv has the ratings; ratings/ratings.csv the mean scores of {len(rows)} recordings with their audio, "
        "split by item, as examples/fine_tune_quality_net.py takes them."
    )
    return Section("Export", text)
