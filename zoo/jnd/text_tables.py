"""Evaluations of distances as text."""

import sys
from pathlib import Path
from typing import Any

from zoo.base import tables
from zoo.jnd import answers, card, music, ratings, triplets


def distances(compared: dict[str, dict]) -> str:
    """Every metric on the same answers and triplets, as text: AUC by table, and the rest."""
    groups = next(iter(compared.values()))["answers"]
    areas = [
        [name, *(tables.interval(facts["answers"][group]["auc"]) for group in groups)]
        for name, facts in compared.items()
    ]
    rows = []
    for name, facts in compared.items():
        overall, triplets = facts["answers"][answers.ALL], facts.get("two_afc", card.NO_LADDERS)
        probable = ("calibration_error", "cross_entropy")
        cells = [tables.interval(overall[key]) if key in overall else "-" for key in probable]
        cells += [tables.interval(triplets["accuracy"]) if "accuracy" in triplets else "-"]
        cells += [tables.interval(facts["jnd_distance"], ".3g")]
        rows.append([name, *cells, str(overall["n"]), str(overall["n_failed"] + triplets["n_failed"])])
    header = ["", "calibration error", "cross-entropy", "2AFC accuracy", "distance at the JND", "answers", "failed"]
    by_group = tables.table(["AUC on answers", *(f"{group} ({groups[group]['n']})" for group in groups)], areas)
    return f"{by_group}\n\n{tables.table(header, rows)}"


def past_threshold(compared: dict[str, dict]) -> str:
    """Every metric past the threshold, as text: agreement with teachers, order, and inaudible changes in JND."""
    rows = []
    for name, facts in compared.items():
        past, unit = facts["graded"], facts["jnd_distance"][0]
        agreement = [tables.interval(teacher["spearman"]) for teacher in past["teachers"].values()]
        worst = max(mean for mean, _, _ in past["inaudible"]["distance"])
        rows.append(
            [name, *agreement, tables.interval(past["order"][answers.ALL]["accuracy"]), tables.number(worst / unit)]
        )
    header = [
        "graded degradations",
        "Spearman, PESQ wb",
        "Spearman, ViSQOL",
        "order within a kind",
        "inaudible, at most, JND",
    ]
    return tables.table(header, rows)


def on_music(compared: dict[str, dict]) -> str:
    """Every metric on music, as text: order of codecs and other ladders, and agreement with ViSQOL."""
    rows = []
    for name, facts in compared.items():
        order = [tables.interval(one["accuracy"]) for one in facts["music"]["order"].values()]
        rows.append([name, tables.interval(facts["music"]["teachers"][music.TEACHER]["spearman"]), *order])
    kinds = next(iter(compared.values()))["music"]["order"]
    return tables.table(["music", "Spearman, ViSQOL audio", *(f"order, {kind}" for kind in kinds)], rows)


def sanity_checks(name: str, facts: dict) -> str:
    """How a metric rises along its ladders, and what shifts and levels cost, as text."""
    ladders = [
        [
            axis,
            *(tables.interval(ladder["distance"][rung], ".3g") for rung in (0, -1)),
            tables.number(ladder["spearman"]),
            "yes" if ladder["rises"] else "no",
        ]
        for axis, ladder in facts["ladders"].items()
    ]
    threshold = facts["jnd_distance"][0]
    costs = [
        [f"{step:g} {unit}", tables.interval(triple, ".3g"), tables.number(triple[0] / threshold)]
        for key, column, unit in (("shifts", "samples", "samples later"), ("levels", "db", "dB louder"))
        for step, triple in zip(facts[key][column], facts[key]["distance"], strict=True)
    ]
    rises = tables.table([name, "mildest rung", "severest rung", "Spearman", "rises at every rung"], ladders)
    return f"{rises}\n\n{tables.table([name, 'distance', 'in JND'], costs)}"


def of_ratings(metrics: dict[str, Any], path: Path | str) -> str:
    """Correlation of each metric with ratings, as text; the errors of rows go to stderr."""
    rows = []
    for name, metric in metrics.items():
        rated = _errors_printed(name, ratings.rate(metric, path))
        correlations = ratings.report(rated)
        if len(correlations["speakers"]) > 1:
            for speaker, facts in correlations["speakers"].items():
                cells = [tables.number(facts["spearman"]), tables.number(facts["pearson"])]
                rows.append([name, speaker, *cells, str(facts["n"]), str(facts["n_failed"])])
        mean = correlations["mean"]
        cells = [tables.interval(mean["spearman"]), tables.interval(mean["pearson"])]
        counts = [str(mean["n"]), str(mean["n_failed"])]
        rows.append([name, "mean of speakers", *cells, *counts])
        pooled = correlations["pooled"]
        rows.append([name, "all at once", *(tables.number(pooled[key]) for key in ("spearman", "pearson")), *counts])
    return tables.table(["ratings", "speaker", "Spearman", "Pearson", "n", "failed"], rows)


def of_triplets(metrics: dict[str, Any], path: Path | str) -> str:
    """Accuracy of each metric on triplets that listeners judged, as text; the errors of rows go to stderr."""
    rows = []
    for name, metric in metrics.items():
        facts = triplets.report(_errors_printed(name, triplets.measure(metric, path)))
        cells = [tables.interval(facts[key]) for key in ("majority", "votes")]
        rows.append([name, *cells, str(facts["n"]), str(facts["n_failed"])])
    return tables.table(["2AFC of listeners", "of the majority", "of all votes", "n", "failed"], rows)


def _errors_printed(name, rows):
    """The rows, after the errors of a metric were printed."""
    for row in rows:
        if row["error"]:
            print(f"zoo: {name}: {row['error']}", file=sys.stderr)
    return rows
