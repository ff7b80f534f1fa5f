"""The page of an enhancer: its scores by SNR, beside the noisy input, classical methods and systems from outside.

Cards need not have every measure and system: what none has is no row or column, what one lacks is "-".
"""

import numpy as np

from zoo.base.tables import markdown_table
from zoo.checkpoint.markdown import code, experiments, interval, link, section
from zoo.checkpoint.papers import BRADBURY, FU, GERMAIN, MANOCHA, MARTIN_DONAS
from zoo.enhancement.evaluate import AVERAGE, other_systems
from zoo.enhancement.limits import rows as limit_rows
from zoo.enhancement.measures import FREE, LISTENER, METRICS, measured
from zoo.errors import InputError

_SUMMARY = ("pesq-wb", "stoi", "si-sdr", "jnd", "dnsmos-ovrl")  # measures of the table of all checkpoints
_CAUSAL = "QuasiRecurrentEnhancer"  # the architecture that streams
_PAPERS = {"ContextAggregationEnhancer": MANOCHA, _CAUSAL: BRADBURY}  # of the networks that are not Fu et al.'s
_PAPERS_OF_LOSSES = {"pmsqe": MARTIN_DONAS, "jnd-pre-22k": GERMAIN}


def cells(result, metrics, sign=""):
    """A result's cells: one a metric, and what was scored and failed."""
    return [*(cell(result, metric, sign) for metric in metrics), result["n"], result["n_failed"]]


def cell(result, metric, sign=""):
    """A result's figure with its interval, "-" where it was not scored by that metric."""
    return interval(result[metric], METRICS[metric][1], sign) if metric in result else "-"


def snr(row):
    """A row's name in words: "6 dB", "average"."""
    return row if row == AVERAGE else f"{row} dB"


def facts(card):
    """Rows of the table of facts that only this family has."""
    seconds = card["lookahead"]
    if card["architecture"] == _CAUSAL:
        return [["Latency", f"{1000 * seconds:g} ms, of the window; it streams"]]
    reach = (
        "the whole recording" if seconds is None else f"{seconds:g} s; statistics of the whole recording come on top"
    )
    return [["Lookahead", reach]]


def papers(card):
    """Papers that the page cites: of the network, and of its loss."""
    own = [_PAPERS.get(card["architecture"], FU)]
    losses = card["training"].get("recipe", {}).get("loss", {})
    if FU not in own and any(loss.startswith("quality-net") for loss in losses):
        own = [*own, FU]
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
    results = {snr(row): result for row, result in evaluated["results"].items()}
    results |= {f"average, {words}": others[AVERAGE] for words, others in other_systems(evaluated).items()}
    metrics = measured(results.values())
    header = [*(METRICS[metric][0] for metric in metrics), "n", "failed"]
    scores = [[row, *cells(result, metrics)] for row, result in results.items()]
    gains = [[words, *cells(gain, metrics, "+")] for words, gain in evaluated["gains"].items()]
    return section(
        title,
        markdown_table(["SNR", *header], scores),
        markdown_table(["Gain of the average", *header], gains),
        _caption(evaluated, metrics),
        _of_clean(evaluated),
        _limits(evaluated),
        code(evaluated["command"]),
    )


def _of_clean(evaluated):
    """What clean speech becomes, beside the systems from outside; "" on cards from before it was measured."""
    if "clean" not in evaluated:
        return ""
    metrics = measured(evaluated["clean"].values())
    header = ["Clean speech in", *(METRICS[metric][0] for metric in metrics), "n", "failed"]
    rows = [[name, *cells(result, metrics)] for name, result in evaluated["clean"].items()]
    table = markdown_table(header, rows)
    return f"The utterances themselves, without noise, which should stay: PESQ wb of 4.64 is no change.\n\n{table}"


def _limits(evaluated):
    """What becomes of music, a second talker and other levels; "" on cards from before it was measured."""
    if "limits" not in evaluated:
        return ""
    words = (
        "Limits, on stretches of 4 s: what becomes of music without a voice, of two talkers at once, and how far the output "
        "of the same noisy speech at another level or with an offset is from what comes out at a peak of -6 dBFS, re that "
        "output; below -40 dB it is the same to the ear."
    )
    return f"{words}\n\n{markdown_table(*limit_rows(evaluated['limits']))}"


def _caption(evaluated, metrics):
    """What was scored, where the measures come from, and which weights those from outside had."""
    sentences = [f"{evaluated['data']}. 95 % bootstrap intervals; commit `{evaluated['commit']}`."]
    sentences.append(
        f"The JND distance is that of `{LISTENER}`, lower is better; 1 is where half of the listeners hear a difference."
    )
    if "dnsmos-ovrl" in metrics:
        sentences.append("DNSMOS P.835 hears the recording alone: overall, speech, background, 1 to 5.")
    if "free-pesq" in metrics:
        sentences.append(f"Free PESQ is what `{FREE}` predicts of the recording alone.")
    for words, files in evaluated.get("weights", {}).items():
        digests = ", ".join(f"{name} `{digest}`" for name, digest in files.items())
        sentences.append(f"{words} is not ours: {digests} (sha256).")
    return " ".join(sentences)


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
    for card in cards:
        if not _same(card[test]["noisy"], cards[0][test]["noisy"]):
            raise InputError(
                f"{card['name']} was not evaluated on the same mixtures as {cards[0]['name']}: evaluate both."
            )
    systems = _systems(cards, test)
    rows = list(cards[0][test]["noisy"])
    by_snr = [[snr(row), *(cell(results[row], "pesq-wb") for results in systems.values())] for row in rows]
    for title, key in (("mixtures", "n"), ("scores that failed", "n_failed")):
        by_snr.append([title, *(results[AVERAGE][key] for results in systems.values())])
    averages = {name: results[AVERAGE] for name, results in systems.items()}
    by_metric = [
        [METRICS[metric][0], *(cell(result, metric) for result in averages.values())]
        for metric in measured(averages.values())
    ]
    return section(
        heading,
        f"{cards[0][test]['data']}. 95 % bootstrap intervals. The page of each says more, and how to repeat it.",
        markdown_table(["PESQ wb", *systems], by_snr),
        markdown_table(["Average", *systems], by_metric),
    )


def _same(results, others):
    """Whether results of the noisy input are of the same mixtures, by the measures that both have."""
    return list(results) == list(others) and all(_same_row(results[row], others[row]) for row in results)


def _same_row(one, other):
    triples = [(one[metric], other[metric]) for metric in measured([one]) if metric in other]
    # A network's score differs in its last digits from one machine to another.
    alike = np.allclose(*np.moveaxis(np.array(triples, float), 1, 0), rtol=1e-6, equal_nan=True)
    return one["n"] == other["n"] and alike


def _systems(cards, test):
    """{heading: results} of every system of some cards: those beside them of the card that has the most measures."""
    beside = {}
    for card in sorted(cards, key=lambda card: -len(card[test]["noisy"][AVERAGE])):
        beside |= {words: results for words, results in other_systems(card[test]).items() if words not in beside}
    return beside | {card["name"]: card[test]["results"] for card in cards}


def headlines(card):
    """Figures for the Hub's metadata: (data, metric, its name, value)."""
    result = card["evaluation"]["results"][AVERAGE]
    return [(f"{result['n']} mixtures", metric, METRICS[metric][0], result[metric][0]) for metric in measured([result])]


def summary(cards):
    """The table of the family's checkpoints: the average over all mixtures, before and after."""
    averages = [[card["evaluation"][key][AVERAGE] for key in ("noisy", "results")] for card in cards]
    metrics = [metric for metric in measured(after for _, after in averages) if metric in _SUMMARY]
    rows = [
        [link(card), f"{card['parameters']:,}", *(_change(*both, metric) for metric in metrics), both[1]["n"]]
        for card, both in zip(cards, averages, strict=True)
    ]
    return markdown_table(["Checkpoint", "Parameters", *(f"{METRICS[m][0]} [95 %]" for m in metrics), "n"], rows)


def _change(before, after, metric):
    if metric not in after:
        return "-"
    return f"{before[metric][0]:.{METRICS[metric][1]}f} → {cell(after, metric)}"
