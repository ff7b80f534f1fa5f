"""What a test of just noticeable differences says: thresholds, the paper's checks, and triplets to train a metric on."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from zoo.base import tables
from zoo.base.files import atomic_write
from zoo.jnd import blocks, listening
from zoo.listening.jnd import DIFFERENT
from zoo.listening.report import Section, percent, splits, write_sound
from zoo.listening.store import Store, Trial
from zoo.metrics.agreement import grouped_mean

_HELD_OUT = {"validation": 8, "test": 8}  # one clip in so many
_MOST_CURVES = 6


def sections(store: Store, rows: list[dict[str, Any]], folder: Path) -> list[Section]:
    """The sections of the report; draws the figure, and writes thresholds.csv and triplets/ into `folder`.

    Args:
        store: of the study.
        rows: answers of `zoo.listening.results.read` that count.
        folder: of the report.

    Returns:
        list of `Section`: thresholds by condition, the paper's checks (Manocha et al. 2020, section 3.2), the export.
    """
    judged = [row for row in rows if row["role"] == "judged"]
    fitted = thresholds(judged)
    if fitted:
        tables.write_csv(folder / "thresholds.csv", fitted)
    return [
        _conditions(judged, fitted, folder / "thresholds.png"),
        _checks(store, rows, judged, fitted),
        _triplets(store, judged, folder / "triplets"),
    ]


def thresholds(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The threshold of each listener and block: a Gaussian fitted to the answers (`zoo.jnd.listening.fit`).

    Args:
        rows: answers to judged pairs.

    Returns:
        rows of "listener", "block", "condition", "mu" and "sigma" (unit of strength, 0..100), "answers", and "agreement",
        the share of them that agree with mu.

    Example:
        >>> answers = [(20, "same"), (60, "different"), (30, "same"), (50, "different")]
        >>> rows = [{"listener": 1, "block": 1, "condition": "pink", "rho": rho, "answer": each} for rho, each in answers]
        >>> [(row["mu"], row["agreement"]) for row in thresholds(rows)]
        [(40.0, 1.0)]
    """
    by_block = defaultdict(list)
    for row in rows:
        by_block[row["listener"], row["block"], row["condition"]].append(row)
    fitted = []
    for (listener, block, condition), answers in by_block.items():
        strengths, different = _answers(answers)
        threshold = listening.fit(strengths, different)
        facts = {"listener": listener, "block": block, "condition": condition}
        facts |= {"mu": round(threshold.mu, 2), "sigma": round(threshold.sigma, 2), "answers": len(answers)}
        fitted.append(facts | {"agreement": blocks.agreement(strengths, different, threshold.mu)})
    return fitted


def _answers(rows):
    return [row["rho"] for row in rows], [row["answer"] == DIFFERENT for row in rows]


def _conditions(judged, fitted, path):
    by_condition = defaultdict(list)
    for row in fitted:
        by_condition[row["condition"]].append(row)
    rows = []
    for name, members in sorted(by_condition.items(), key=lambda each: (-len(each[1]), each[0])):
        mean = grouped_mean([row["mu"] for row in members], [row["listener"] for row in members])
        pooled = listening.fit(*_answers([row for row in judged if row["condition"] == name]))
        answers = sum(row["answers"] for row in members)
        cells = [name, str(len({row["listener"] for row in members})), str(answers), tables.interval(mean, ".1f")]
        rows.append([*cells, f"{pooled.mu:.1f}", f"{pooled.sigma:.1f}"])
    text = (
        "The strength, 0 to 100, at which half of the answers are “different”: the mean over listeners of their own "
        "thresholds, with a 95 % interval over listeners, and a curve fitted to all answers."
    )
    header = ["condition", "listeners", "answers", "mean threshold", "of all answers", "its sigma"]
    _draw([row[0] for row in rows[:_MOST_CURVES]], judged, path)
    return Section("Thresholds", text, header, rows, path.name)


def _draw(names, judged, path):
    """The answers of each condition by strength, and the curve fitted to them."""
    figure = Figure(figsize=(7, 3.8), layout="constrained")
    axes, rho = figure.subplots(), np.linspace(0, 100, 201)
    for number, name in enumerate(names):
        strengths, different = map(np.array, _answers([row for row in judged if row["condition"] == name]))
        bins = np.digitize(strengths, np.arange(10, 100, 10))
        centres = [strengths[bins == i].mean() for i in np.unique(bins)]
        shares = [different[bins == i].mean() for i in np.unique(bins)]
        sizes = [8 + 3 * np.sqrt(np.sum(bins == i)) for i in np.unique(bins)]
        axes.scatter(centres, shares, sizes, color=f"C{number}", alpha=0.7, linewidth=0)
        fitted = listening.fit(strengths, different)
        axes.plot(rho, listening.psychometric(rho, *fitted), color=f"C{number}", label=f"{name}: {fitted.mu:.0f}")
    axes.axhline(0.5, color="black", linewidth=0.8, linestyle=":")
    axes.set(xlim=(0, 100), ylim=(-0.03, 1.03), xlabel="strength", ylabel="share of “different”")
    axes.legend(frameon=False, fontsize=8, title="condition: threshold", title_fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    with atomic_write(path) as part:
        figure.savefig(part, format="png", dpi=110)


def _checks(store, rows, judged, fitted):
    balance = blocks.balance([row["answer"] == DIFFERENT for row in judged])
    agreement = grouped_mean([row["agreement"] for row in fitted], [row["listener"] for row in fitted])
    with store.read() as session:
        everyone = set(session.scalars(select(Trial.listener_id).join(Trial.answer)))
    counted = {row["listener"] for row in rows}
    cells = [
        ["answers “same”", str(balance.same), "25782"],
        ["answers “different”", str(balance.different), "26130"],
        ["share of “different”", percent(balance.share), "50.3 %"],
        ["agreement with the own threshold", percent(agreement[0]), "88.3 %"],
        ["sessions that count", f"{len(counted)} of {len(everyone)}", "1812 of 2000"],
    ]
    return Section("Checks", "As in section 3.2 of Manocha et al. 2020.", ["", "here", "the paper"], cells)


def _triplets(store, judged, folder):
    """Write (reference, degraded, answer) of the judged pairs with their audio; clips are split, not answers."""
    split_of, rows = splits({row["item"] for row in judged}, _HELD_OUT), []
    with store.read() as session:
        query = select(Trial).join(Trial.answer).where(Trial.role == "judged").options(joinedload(Trial.item))
        trials = {(trial.listener_id, trial.number): trial for trial in session.scalars(query)}
        for row in judged:
            pair = trials[row["listener"], row["number"]].content["pair"]
            names = [write_sound(session, digest, folder) for digest in pair]
            facts = {"reference": names[0], "degraded": names[1], "different": int(row["answer"] == DIFFERENT)}
            facts |= {key: row[key] for key in ("condition", "rho", "item", "listener")}
            rows.append(facts | {"split": split_of[row["item"]]})
    if rows:
        tables.write_csv(folder / "triplets.csv", rows)
    counts = [f"{sum(row['split'] == split for row in rows)} {split}" for split in ("train", "validation", "test")]
    text = (
        f"{len(rows)} answers in triplets/triplets.csv ({', '.join(counts)}, split by clip), with their audio: "
        "tools/train.py and tools/evaluate.py jnd take the file as --judgments."
    )
    return Section("Triplets", text)
