"""How a JND metric's card reads: agreement with listeners beside other distances, and whether it behaves as one should."""

from zoo.checkpoint.markdown import code, experiments, interval, link, section, table
from zoo.errors import InputError

ALL = "all"  # the group of all tables of answers


def facts(_):
    """Rows of the table of facts that only this family has."""
    return [["Gives", "distance, 0 and up, lower is more alike; probability that a listener hears a difference"]]


def evaluation(card):
    found = card["evaluation"]
    caption = (
        f"{found['data']}. AUC of the distances for the answers, 2AFC accuracy on pairs of rungs of a ladder; 95 % "
        f"bootstrap intervals, which lie above a small calibration error; commit `{found['commit']}`. The order of all "
        "ladders but that of white noise by SNR was part of the training of `SpectralJND`, on other recordings."
    )
    leads = [[other, interval(triple, 3, "+")] for other, triple in found["lead"].items()]
    parts = [
        agreement({card["name"]: found} | found["compared"]),
        caption,
        table(["Lead in AUC over, all answers", "difference [95 %]"], leads),
        code(found["command"]),
    ]
    return "\n\n".join([section("Agreement with listeners", *parts), section("Manners", *manners(found))])


def agreement(metrics):
    """Metrics on the same answers, {name: what its evaluation found}."""
    groups = list(next(iter(metrics.values()))["answers"])
    header = ["Metric", *groups, "cross-entropy", "calibration error", "2AFC", "n", "failed"]
    rows = []
    for name, facts in metrics.items():
        total = facts["answers"][ALL]
        figures = [interval(facts["answers"][group]["auc"], 3) for group in groups]
        figures += [interval(total[key], 3) if key in total else "-" for key in ("cross_entropy", "calibration_error")]
        failed = total["n_failed"] + facts["two_afc"]["n_failed"]
        rows.append([name, *figures, interval(facts["two_afc"]["accuracy"], 3), total["n"], failed])
    return table(header, rows)


def manners(found):
    """Tables of ladders, shifts and levels, with the distance at the JND to read them by."""
    threshold = found["jnd_distance"]
    told = f'Half of the answers are "different" at a distance of {interval(threshold, 3)}.'
    ladders = [
        [axis, "undefined" if facts["spearman"] is None else f"{facts['spearman']:.3f}", "yes" if facts["rises"] else "no",
         *(interval(facts["distance"][rung], 3) for rung in (0, -1)), facts["n"], facts["n_failed"]]
        for axis, facts in found["ladders"].items()
    ]  # fmt: skip
    header = ["Ladder", "Spearman", "rises at each rung", "distance, mildest", "distance, most severe", "n", "failed"]
    steps = [
        [title, *(f"{steps[key][i]:g}", interval(triple, 3), steps["n"], steps["n_failed"])]
        for title, key, steps in (("shift, samples", "samples", found["shifts"]), ("level, dB", "db", found["levels"]))
        for i, triple in enumerate(steps["distance"])
    ]
    return [told, table(header, ladders), table(["Change", "by", "distance", "n", "failed"], steps)]


def studies(card):
    """Sections of what was tried beside the training itself."""
    return [seeds(card), experiments(card)]


def seeds(card):
    """The same recipe from other seeds."""
    tried = card["training"].get("seeds", [])
    if len(tried) < 2:
        return ""
    rows = [[found["seed"], f"{found['cross_entropy']:.4f}"] for found in tried]
    return section("Seeds", table(["Seed", "cross-entropy on the validation's answers"], rows))


def comparison(cards):
    """All checkpoints, and what they were compared with; "" where there are less than two."""
    if len(cards) < 2:
        return ""
    first, metrics = cards[0]["evaluation"], {card["name"]: card["evaluation"] for card in cards}
    for name, found in metrics.items():
        if found["data"] != first["data"] or found["compared"] != first["compared"]:
            raise InputError(
                f"{name} was not evaluated together with {cards[0]['name']}: evaluate them in one command."
            )
    caption = f"{first['data']}. The cards say more of each, and how to repeat it."
    return section("Perceptual distances compared", caption, agreement(metrics | first["compared"]))


def headlines(card):
    """Figures for the Hub's metadata: (data, metric, its name, value)."""
    total, two_afc = card["evaluation"]["answers"][ALL], card["evaluation"]["two_afc"]
    return [
        (f"{total['n']} listeners' answers", "roc_auc", "AUC of the distances for the answers", total["auc"][0]),
        (f"{two_afc['n']} pairs of rungs of ladders", "accuracy", "2AFC accuracy", two_afc["accuracy"][0]),
    ]


def summary(cards):
    """The README's table."""
    rows = []
    for card in cards:
        found = card["evaluation"]
        total = found["answers"][ALL]
        rises = sum(facts["spearman"] is not None and facts["spearman"] >= 0.95 for facts in found["ladders"].values())
        unit = found["jnd_distance"][0]
        moved = unit and found["shifts"]["distance"][0][0] / unit
        rows.append(
            [
                link(card),
                f"{card['parameters']:,}",
                interval(total["auc"], 3),
                interval(total["calibration_error"], 3),
                f"{rises} of {len(found['ladders'])}",
                "-" if moved is None else f"{moved:.2f}",
                total["n"],
            ]
        )
    header = ["Checkpoint", "Parameters", "AUC [95 %]", "calibration error [95 %]", "ladders", "one sample late", "n"]
    return table(header, rows)
