"""The page: one figure."""

from zoo.base.tables import markdown_table
from zoo.checkpoint.markdown import code, link, section


def facts(card):
    """Rows of the table of facts that only this family has."""
    return [["Gives", "dB, 0 for equal levels"]]


def papers(card):
    """No paper is behind it."""
    return []


def usage(card, source):
    """Python that scores the example recordings."""
    return f"""\
reference, sample_rate = zoo.audio.io.read(zoo.examples()["reference"])
metric = zoo.load("{source}")
print(metric.score(reference, 0.5 * reference, sample_rate=sample_rate))"""


def evaluation(card):
    evaluated = card["evaluation"]
    return section(
        "Error", markdown_table(["RMSE (dB)", "n"], [[evaluated["rmse"], evaluated["n"]]]), code(evaluated["command"])
    )


def headlines(card):
    """Figures for the Hub's metadata."""
    return [("100 pairs", "rmse", "RMSE", card["evaluation"]["rmse"])]


def summary(cards):
    """The family's table."""
    return markdown_table(["Checkpoint", "RMSE (dB)"], [[link(card), card["evaluation"]["rmse"]] for card in cards])
