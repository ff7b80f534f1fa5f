"""The page of an enhancer: PESQ, STOI, SI-SDR, JND distance by SNR, beside the noisy input and classical methods."""

from zoo.base.tables import markdown_table
from zoo.checkpoint.markdown import code, experiments, interval, link, section
from zoo.checkpoint.papers import FU, GERMAIN, MANOCHA, MARTIN_DONAS
from zoo.enhancement.evaluate import AVERAGE, BASELINES, LISTENER, METRICS
from zoo.errors import InputError

_PAPERS_OF_LOSSES = {"pmsqe": MARTIN_DONAS, "jnd-pre-22k": GERMAIN}


def cells(result, sign=""):
    """A result's cells: one a metric, and what was scored and failed."""
    figures = [interval(result[metric], decimals, sign) for metric, (_, decimals) in METRICS.items()]
    return [*figures, result["n"], result["n_failed"]]


def snr(row):
    """A row's name in words: "6 dB", "average"."""
    return row if row == AVERAGE else f"{row} dB"


def facts(card):
    """Rows of the table of facts that only this family has."""
    seconds = card["lookahead"]
    reach = (
        "the whole recording" if seconds is None else f"{seconds:g} s; statistics of the whole recording come on top"
    )
    return [["Lookahead", reach]]


def papers(card):
    """Papers that the page cites: of the network, and of its loss."""
    own = [MANOCHA] if card["architecture"] == "ContextAggregationEnhancer" else [FU]
    losses = card["training"].get("recipe", {}).get("loss", {})
    return own + [paper for loss, paper in _PAPERS_OF_LOSSES.items() if loss in losses]


def usage(card, source):
    """Python that enhances the example recording."""
    resample = "" if card["sample_rate"] == 16000 else ", resample=True"
    return f"""\
noisy, sample_rate = zoo.audio.io.read(zoo.examples()["degraded"])

enhancer = zoo.load("{source}")  # a keras.Model, frozen
enhanced = enhancer.enhance(noisy, sample_rate=sample_rate{resample})  # NumPy, the shape of noisy
print(enhanced.shape)"""


def evaluation(card):
    return _scores("True scores after enhancement", card["evaluation"])


def _scores(title, evaluated):
    """A section of the scores and gains on a test set."""
    header = [*(title for title, _ in METRICS.values()), "n", "failed"]
    results = {snr(row): result for row, result in evaluated["results"].items()}
    results |= {f"average, {words}": evaluated[system][AVERAGE] for system, (words, _) in BASELINES.items()}
    scores = [[row, *cells(result)] for row, result in results.items()]
    gains = [[words, *cells(gain, "+")] for words, gain in evaluated["gains"].items()]
    caption = (
        f"{evaluated['data']}. 95 % bootstrap intervals; commit `{evaluated['commit']}`. The JND distance is that of `{LISTENER}`, "
        "lower is better; 1 is where half of the listeners hear a difference."
    )
    return section(
        title,
        markdown_table(["SNR", *header], scores),
        markdown_table(["Gain of the average", *header], gains),
        caption,
        code(evaluated["command"]),
    )


def studies(card):
    """Sections on what was studied beside the training itself."""
    second = _scores("True scores on the second test set", card["test2"]) if "test2" in card else ""
    return [second, experiments(card)]


def comparison(cards):
    """All enhancers in one table, as in the paper's Table I; "" where there are none."""
    second = [card for card in cards if "test2" in card]
    parts = [_comparison("Enhancers compared", cards, "evaluation")]
    parts.append(_comparison("Enhancers compared on the second test set", second, "test2"))
    return "\n\n".join(filter(None, parts))


def _comparison(heading, cards, test):
    """A section on the test set of a key of the cards; "" where there are no cards."""
    if not cards:
        return ""
    first = cards[0][test]
    for card in cards:
        if card[test]["noisy"] != first["noisy"]:
            raise InputError(
                f"{card['name']} was not evaluated on the same mixtures as {cards[0]['name']}: evaluate both."
            )
    systems = {words: first[system] for system, (words, _) in BASELINES.items()}
    systems |= {card["name"]: card[test]["results"] for card in cards}
    by_snr = [[snr(row), *compared(systems, row, "pesq-wb")] for row in first["noisy"]]
    for title, key in (("mixtures", "n"), ("scores that failed", "n_failed")):
        by_snr.append([title, *(results[AVERAGE][key] for results in systems.values())])
    averages = [[title, *compared(systems, AVERAGE, metric)] for metric, (title, _) in METRICS.items()]
    return section(
        heading,
        f"{first['data']}. 95 % bootstrap intervals. The page of each says more, and how to repeat it.",
        markdown_table(["PESQ wb", *systems], by_snr),
        markdown_table(["Average", *systems], averages),
    )


def compared(systems, row, metric):
    return [interval(results[row][metric], METRICS[metric][1]) for results in systems.values()]


def headlines(card):
    """Figures for the Hub's metadata: (data, metric, its name, value)."""
    result = card["evaluation"]["results"][AVERAGE]
    return [(f"{result['n']} mixtures", metric, title, result[metric][0]) for metric, (title, _) in METRICS.items()]


def summary(cards):
    """The table of the family's checkpoints: the average over all mixtures, before and after."""
    rows = []
    for card in cards:
        evaluated = card["evaluation"]
        after = evaluated["results"][AVERAGE]
        before = evaluated["noisy"][AVERAGE]
        changes = [
            f"{before[metric][0]:.{METRICS[metric][1]}f} → {interval(after[metric], METRICS[metric][1])}"
            for metric in ("pesq-wb", "stoi", "si-sdr", "jnd")
        ]
        rows.append([link(card), f"{card['parameters']:,}", *changes, after["n"]])
    figures = ["PESQ wb [95 %]", "STOI [95 %]", "SI-SDR (dB) [95 %]", "JND distance [95 %]"]
    return markdown_table(["Checkpoint", "Parameters", *figures, "n"], rows)
