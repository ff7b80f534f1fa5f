"""What an AB preference test says: shares, groups of difficulty, and scores of more than two systems."""

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zoo.base.files import atomic_write
from zoo.listening.report import Section, p_value, percent
from zoo.metrics import preference as statistics

_BLUE, _LIGHT = "#1f5fbf", "#dfe4eb"


def sections(rows: list[dict[str, Any]], folder: Path) -> list[Section]:
    """The sections of the report; draws their figures into `folder`.

    Args:
        rows: answers of `zoo.listening.results.read` that count.
        folder: of the report.

    Returns:
        list of `Section`: each pair of systems (Fu et al. 2019, Figure 4); by group where there are groups (Manocha et al.
        2020, Figure 3); Bradley-Terry scores where there are more than two systems.
    """
    compared = comparisons(rows)
    facts = {pair: _facts(answers) for pair, answers in compared.items()}
    parts = [_shares(facts, folder / "preference.png")]
    if any(row["group"] for row in rows):
        parts.append(_groups(compared, folder / "groups.png"))
    if len({name for pair in compared for name in pair}) > 2:
        parts.append(_scores(rows))
    return parts


def comparisons(rows: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Answers by the pair of systems; each with "value", 1 where the first of the pair was preferred, 0.5 for a tie.

    The first of a pair is the one that was preferred more often.

    Example:
        >>> rows = [{"system_a": "x", "system_b": "y", "answer": "y"}]
        >>> list(comparisons(rows)), comparisons(rows)["y", "x"][0]["value"]
        ([('y', 'x')], 1.0)
    """
    by_pair = {}
    for row in rows:
        by_pair.setdefault(tuple(sorted((row["system_a"], row["system_b"]))), []).append(row)
    compared = {}
    for (one, other), answers in by_pair.items():
        wins = [sum(row["answer"] == name for row in answers) for name in (one, other)]
        first, second = (one, other) if wins[0] >= wins[1] else (other, one)
        values = {first: 1.0, second: 0.0, statistics.TIE: 0.5}
        compared[first, second] = [row | {"value": values[row["answer"]]} for row in answers]
    return compared


def _facts(answers):
    columns = ([row[name] for row in answers] for name in ("value", "listener", "item"))
    return statistics.preference(*columns)


def _shares(facts, path):
    rows = [
        [
            f"{first} over {second}",
            str(each["n"]),
            str(each["ties"]),
            f"{percent(each['share'][0])} [{percent(each['share'][1])}, {percent(each['share'][2])}]",
            f"[{percent(each['bootstrap'][0])}, {percent(each['bootstrap'][1])}]",
            p_value(each["binomial_p"]),
            p_value(each["bootstrap_p"]),
        ]
        for (first, second), each in facts.items()
    ]
    header = ["preferred", "answers", "ties", "share [Wilson]", "over listeners and items", "p binomial", "p bootstrap"]
    text = (
        "How often the first system was preferred, ties as one half, with 95 % intervals: Wilson's takes answers as "
        "independent, the bootstrap draws listeners and items again."
    )
    _draw_shares(facts, path)
    return Section("Preference", text, header, rows, path.name)


def _draw_shares(facts, path):
    """A bar a pair of systems, divided at the share, with the bootstrap's interval."""
    figure = Figure(figsize=(7, 1.0 + 0.85 * len(facts)), layout="constrained")
    axes = figure.subplots()
    for place, ((first, second), each) in enumerate(facts.items()):
        share, (low, high) = 100 * each["share"][0], 100 * np.array(each["bootstrap"])
        axes.barh(place, share, color=_BLUE, height=0.4)
        axes.barh(place, 100 - share, left=share, color=_LIGHT, height=0.4)
        axes.errorbar(share, place, xerr=[[max(share - low, 0)], [max(high - share, 0)]], color="black", capsize=4)
        axes.text(0, place - 0.26, f"{first}  {share:.0f} %", color=_BLUE, fontweight="bold")
        axes.text(100, place - 0.26, f"{100 - share:.0f} %  {second}", color="#566273", ha="right")
    axes.axvline(50, color="black", linewidth=0.8, linestyle=":")
    axes.set(
        xlim=(0, 100),
        ylim=(-0.6, len(facts) - 0.65),
        yticks=[],
        xlabel="preference (%), 95 % interval over listeners and items",
    )
    axes.invert_yaxis()
    axes.spines[["top", "right", "left"]].set_visible(False)
    _save(figure, path)


def _groups(compared, path):
    names = sorted({row["group"] for answers in compared.values() for row in answers}, key=_order)
    rows, shares = [], {}
    for (first, second), answers in compared.items():
        for name in names:
            members = [row for row in answers if row["group"] == name]
            if not members:
                continue
            wins = list(
                statistics.majority([row["value"] for row in members], [row["item"] for row in members]).values()
            )
            share = statistics.wilson(float(sum(wins)), len(wins))
            shares[first, second, name] = share
            answered = np.mean([row["value"] for row in members])
            cells = [f"{first} over {second}", name, str(len(wins)), str(len(members))]
            rows.append([*cells, f"{percent(share[0])} [{percent(share[1])}, {percent(share[2])}]", percent(answered)])
    header = ["preferred", "group", "items", "answers", "items by majority [Wilson]", "answers"]
    text = "The majority of its listeners decides each item; share of the items in each group, with 95 % intervals."
    _draw_groups(list(compared), names, shares, path)
    return Section("By group", text, header, rows, path.name)


def _draw_groups(systems, names, shares, path):
    """A cluster of bars a pair of systems, a bar a group, chance dotted."""
    figure = Figure(figsize=(max(4.5, 1.5 + 0.55 * len(systems) * len(names)), 3.6), layout="constrained")
    axes, width = figure.subplots(), 0.8 / len(names)
    colours = [(0.93 - 0.8 * x, 0.45 - 0.08 * x, 0.55 + 0.2 * x) for x in np.linspace(0, 1, len(names))]
    for place, (name, colour) in enumerate(zip(names, colours, strict=True)):
        drawn = [(i, shares[*pair, name]) for i, pair in enumerate(systems) if (*pair, name) in shares]
        x = [i + (place - (len(names) - 1) / 2) * width for i, _ in drawn]
        share, low, high = 100 * np.array([triple for _, triple in drawn]).T
        bars = np.maximum([share - low, high - share], 0)
        axes.bar(x, share, 0.9 * width, color=colour, label=name or "no group")
        axes.errorbar(x, share, bars, fmt="none", color="black", capsize=2, linewidth=1)
    axes.axhline(50, color="black", linewidth=0.8, linestyle=":")
    axes.set(ylim=(0, 100), ylabel="items preferred (%)")
    axes.set_xticks(range(len(systems)), [f"{first}\nover {second}" for first, second in systems])
    figure.legend(frameon=False, ncols=len(names), fontsize=9, loc="outside upper center")
    axes.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def _scores(rows):
    winners, losers = [], []
    for row in rows:
        systems = (row["system_a"], row["system_b"])
        both = systems if row["answer"] == systems[0] else systems[::-1]
        for winner, loser in (both, both[::-1]) if row["answer"] == statistics.TIE else (both, both):
            winners.append(winner)  # twice: a tie is one win each way, and half as much as two
            losers.append(loser)
    scores = statistics.bradley_terry(winners, losers)
    text = "Bradley-Terry scores: 1.1 more is a preference in three of four answers. The mean is 0."
    return Section("Scores", text, ["system", "score"], [[name, f"{score:.2f}"] for name, score in scores.items()])


def _order(name):
    """Groups such as "5 dB" by their number, the lowest first; others by name."""
    number = name.partition(" ")[0]
    try:
        return 0, float(number), name
    except ValueError:
        return 1, 0.0, name


def _save(figure, path):
    with atomic_write(path) as part:
        figure.savefig(part, format="png", dpi=110)
