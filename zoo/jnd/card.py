"""The page of a JND metric: agreement with listeners beside other distances, and whether it behaves as one should."""

from zoo.base.tables import markdown_table
from zoo.checkpoint.markdown import code, experiments, interval, link, section
from zoo.checkpoint.papers import GERMAIN, MANOCHA
from zoo.errors import InputError
from zoo.jnd.music import CODECS_TOGETHER

ALL = "all"  # the group of all tables of answers
_TWO_AFC = ", 2AFC accuracy on pairs of rungs of a ladder"
_TRAINED_ORDER = (
    " The order of all ladders but that of white noise by SNR was part of the training of `SpectralJND` and `QualityJND`, "
    "on other recordings."
)
NO_LADDERS = {"n_failed": 0}  # in place of the 2AFC accuracy, where there were none


def facts(_):
    """Rows of the table of facts that only this family has."""
    return [["Gives", "distance, 0 and up, lower is more alike; probability that a listener hears a difference"]]


def papers(card):
    """Papers that the page cites; features of a classifier are a distance of Germain et al. first."""
    return [MANOCHA, GERMAIN] if "head" in card["training"] else [MANOCHA]


def usage(card, source):
    """Python that compares the example recordings, and makes the loss."""
    resample = "" if card["sample_rate"] == 16000 else ", resample=True"
    return f"""\
reference, sample_rate = zoo.audio.io.read(zoo.examples()["reference"])
degraded, _ = zoo.audio.io.read(zoo.examples()["degraded"])

metric = zoo.load("{source}")  # a keras.Model, frozen
print(metric.distance(reference, degraded, sample_rate=sample_rate{resample}))  # (batch,), 0 and up
print(metric.probability(reference, degraded, sample_rate=sample_rate{resample}))  # of a difference heard

loss = zoo.loss("{source}", sample_rate=sample_rate)  # a keras.losses.Loss on (reference, estimate) waveforms
print(loss(reference[None], degraded[None]))"""


def evaluation(card):
    evaluated = card["evaluation"]
    has_ladders = "ladders" in evaluated
    caption = (
        f"{evaluated['data']}. AUC of the distances for the answers{_TWO_AFC * has_ladders}; 95 % bootstrap intervals, "
        f"which lie above a small calibration error; commit `{evaluated['commit']}`.{_TRAINED_ORDER * has_ladders}"
    )
    leads = [[other, interval(triple, 3, "+")] for other, triple in evaluated["lead"].items()]
    parts = [
        agreement({card["name"]: evaluated} | evaluated["compared"]),
        caption,
        markdown_table(["Lead in AUC over, all answers", "difference [95 %]"], leads),
        code(evaluated["command"]),
    ]
    sections = [section("Agreement with listeners", *parts)]
    if has_ladders:  # which an evaluation on the answers of a study has not
        sections.append(section("Sanity checks", *sanity_checks(evaluated)))
    if "graded" in evaluated:
        sections.append(section("Past the threshold", *past_threshold(card)))
    if "music" in evaluated:
        sections.append(section("Music", *on_music(card)))
    return "\n\n".join(sections)


def agreement(metrics):
    """Metrics on the same answers, {name: its evaluation}."""
    groups = list(next(iter(metrics.values()))["answers"])
    header = ["Metric", *groups, "cross-entropy", "calibration error", "2AFC", "n", "failed"]
    rows = []
    for name, facts in metrics.items():
        total = facts["answers"][ALL]
        figures = [interval(facts["answers"][group]["auc"], 3) for group in groups]
        figures += [interval(total[key], 3) if key in total else "-" for key in ("cross_entropy", "calibration_error")]
        two_afc = facts.get("two_afc", NO_LADDERS)
        figures.append(interval(two_afc["accuracy"], 3) if "accuracy" in two_afc else "-")
        rows.append([name, *figures, total["n"], total["n_failed"] + two_afc["n_failed"]])
    return markdown_table(header, rows)


def sanity_checks(evaluated):
    """Tables of ladders, shifts and levels, with the distance at the JND to read them by."""
    threshold = evaluated["jnd_distance"]
    threshold_text = f'Half of the answers are "different" at a distance of {interval(threshold, 3)}.'
    ladders = [
        [axis, "undefined" if facts["spearman"] is None else f"{facts['spearman']:.3f}", "yes" if facts["rises"] else "no",
         *(interval(facts["distance"][rung], 3) for rung in (0, -1)), facts["n"], facts["n_failed"]]
        for axis, facts in evaluated["ladders"].items()
    ]  # fmt: skip
    header = ["Ladder", "Spearman", "rises at each rung", "distance, mildest", "distance, most severe", "n", "failed"]
    steps = [
        [title, *(f"{steps[key][i]:g}", interval(triple, 3), steps["n"], steps["n_failed"])]
        for title, key, steps in (
            ("shift, samples", "samples", evaluated["shifts"]),
            ("level, dB", "db", evaluated["levels"]),
        )
        for i, triple in enumerate(steps["distance"])
    ]
    return [
        threshold_text,
        markdown_table(header, ladders),
        markdown_table(["Change", "by", "distance", "n", "failed"], steps),
    ]


def past_threshold(card):
    """Tables of graded degradations: beside other distances, by kind, and inaudible changes."""
    evaluated = card["evaluation"]
    own = evaluated["graded"]
    caption = (
        "Degradations of growing severity (`zoo.jnd.severity`) of clips of the second test. Spearman: with what PESQ wb "
        "(which agrees with itself) and ViSQOL say of those kinds for which each was made, all kinds at once. Order: how "
        "often the more severe of two of one kind, on the same clip, is further away. `QualityJND` has learned from both, "
        "and from the order, on other recordings. 95 % bootstrap intervals over clips."
    )
    kinds = [
        [kind, interval(facts["accuracy"], 3), facts["n"], facts["n_failed"]] for kind, facts in own["order"].items()
    ]
    changes = own["inaudible"]
    inaudible = [
        [change, interval(triple, 3), _in_jnd(triple[0], evaluated)]
        for change, triple in zip(changes["change"], changes["distance"], strict=True)
    ]
    return [
        caption,
        graded_comparison({card["name"]: evaluated} | evaluated["compared"]),
        markdown_table(["Kind", "order", "n", "failed"], kinds),
        f"Changes that nobody hears, of {changes['n']} clips:",
        markdown_table(["Change", "distance", "in JND"], inaudible),
    ]


def graded_comparison(metrics):
    """Metrics on the same graded degradations, {name: its evaluation}."""
    rows = []
    for name, facts in metrics.items():
        teachers, order = facts["graded"]["teachers"], facts["graded"]["order"][ALL]
        cells = [cell for one in teachers.values() for cell in (interval(one["spearman"], 3), one["n"])]
        rows.append([name, *cells, interval(order["accuracy"], 3), order["n"], order["n_failed"]])
    return markdown_table(["Metric", "PESQ wb", "n", "ViSQOL", "n", "order", "n", "failed"], rows)


def on_music(card):
    """Tables of codecs at falling rates and other ladders on stereo music, beside other distances and by kind."""
    own = card["evaluation"]["music"]
    caption = (
        f"The middle 2.5 s of {len(own['recordings'])} recordings ({', '.join(own['recordings'])}), in stereo, through "
        "codecs at falling rates, low-pass filters and noise (`zoo.jnd.music`). Spearman: with what ViSQOL's audio mode "
        "says of codecs and low-pass, all at once. Order: how often the more severe of two values of one kind, on the same "
        "clip, is further away. 95 % bootstrap intervals over pieces."
    )
    rows = []
    for kind, facts in own["ladders"].items():
        order = own["order"][kind]
        steps = ", ".join(f"{value:g}" for value in facts["values"])
        means = ", ".join(f"{mean:.3g}" for mean, _, _ in facts["distance"])
        rows.append([kind, steps, means, interval(order["accuracy"], 3), order["n"]])
    header = ["Kind", "kb/s, quality, Hz or dB", "mean distance", "order", "n"]
    metrics = {card["name"]: card["evaluation"]} | card["evaluation"]["compared"]
    return [caption, music_comparison(metrics), markdown_table(header, rows)]


def music_comparison(metrics):
    """Metrics on the same music, {name: its evaluation}."""
    rows = []
    for name, facts in metrics.items():
        (teacher,), order = facts["music"]["teachers"].values(), facts["music"]["order"]
        cells = [interval(kind["accuracy"], 3) for kind in order.values()]
        failed = sum(kind["n_failed"] for name, kind in order.items() if name != CODECS_TOGETHER)
        rows.append([name, interval(teacher["spearman"], 3), teacher["n"], *cells, failed])
    kinds = next(iter(metrics.values()))["music"]["order"]
    return markdown_table(["Metric", "ViSQOL audio", "n", *kinds, "failed"], rows)


def studies(card):
    """Sections on what was studied beside the training itself."""
    return [seeds(card), experiments(card)]


def seeds(card):
    """The same recipe from other seeds."""
    runs = card["training"].get("seeds", [])
    if len(runs) < 2:
        return ""
    rows = [[run["seed"], f"{run['cross_entropy']:.4f}"] for run in runs]
    return section("Seeds", markdown_table(["Seed", "cross-entropy on the validation's answers"], rows))


def comparison(cards):
    """All checkpoints, and what they were compared with; "" where there are less than two."""
    if len(cards) < 2:
        return ""
    first, metrics = cards[0]["evaluation"], {card["name"]: card["evaluation"] for card in cards}
    for name, evaluated in metrics.items():
        if evaluated["data"] != first["data"] or evaluated["compared"] != first["compared"]:
            raise InputError(
                f"{name} was not evaluated together with {cards[0]['name']}: evaluate them in one command."
            )
    caption = f"{first['data']}. The page of each says more, and how to repeat it."
    parts = [agreement(metrics | first["compared"])]
    if all("graded" in evaluated for evaluated in metrics.values()):
        parts += ["Past the threshold, on graded degradations of the second test:"]
        parts += [graded_comparison(metrics | first["compared"])]
    if all("music" in evaluated for evaluated in metrics.values()):
        parts += ["Stereo music, agreement with ViSQOL's audio mode and order within each kind:"]
        parts += [music_comparison(metrics | first["compared"])]
    return section("Perceptual distances compared", caption, *parts)


def headlines(card):
    """Figures for the Hub's metadata: (data, metric, its name, value)."""
    total, two_afc = card["evaluation"]["answers"][ALL], card["evaluation"].get("two_afc")
    rows = [(f"{total['n']} listeners' answers", "roc_auc", "AUC of the distances for the answers", total["auc"][0])]
    if two_afc:
        rows.append((f"{two_afc['n']} pairs of rungs of ladders", "accuracy", "2AFC accuracy", two_afc["accuracy"][0]))
    return rows


def summary(cards):
    """The table of the family's checkpoints."""
    rows = []
    for card in cards:
        evaluated = card["evaluation"]
        total = evaluated["answers"][ALL]
        rises, moved = _behaviour(evaluated)
        rows.append(
            [
                link(card),
                f"{card['parameters']:,}",
                interval(total["auc"], 3),
                interval(total["calibration_error"], 3),
                rises,
                moved,
                total["n"],
            ]
        )
    header = ["Checkpoint", "Parameters", "AUC [95 %]", "calibration error [95 %]", "ladders", "one sample late", "n"]
    return markdown_table(header, rows)


def _behaviour(evaluated):
    """How many ladders rise, and the distance of one sample's shift in JND, as texts."""
    if "ladders" not in evaluated:
        return "-", "-"
    ranks = [facts["spearman"] for facts in evaluated["ladders"].values()]
    moved = _in_jnd(evaluated["shifts"]["distance"][0][0], evaluated)
    return f"{sum(rank is not None and rank >= 0.95 for rank in ranks)} of {len(ranks)}", moved


def _in_jnd(distance, evaluated):
    """A distance in JND as text, "-" where the metric's threshold is not known."""
    unit = evaluated["jnd_distance"][0]
    return f"{distance / unit:.2f}" if unit else "-"
