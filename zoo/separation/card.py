"""The page of a separator: SDR, ISR, SIR and SAR by tracks and source, beside the mixture and ideal masks."""

from zoo.base.tables import markdown_table
from zoo.checkpoint.markdown import code, link, section
from zoo.checkpoint.papers import CHANDNA, ERDOGAN, OORD
from zoo.metrics.separation import SCORES
from zoo.separation.evaluate import AUTHORS, FLOOR
from zoo.separation.limits import SECONDS as LIMIT_SECONDS
from zoo.separation.limits import cell as limit_cell
from zoo.separation.limits import rows as limit_rows


def facts(card):
    """Rows of the table of facts that only this family has."""
    return [["Sources", ", ".join(card["sources"])], ["Latency", f"{1e3 * card['latency']:.0f} ms, streamed"]]


def papers(card):
    """Papers that the page cites: of the network, and of what its masks are trained on."""
    network = OORD if card["architecture"] == "BandSeparator" else CHANDNA
    return [network, ERDOGAN] if card["training"].get("recipe", {}).get("in_phase") else [network]


def usage(_, source):
    """Python that separates a recording."""
    return f"""\
mixture, sample_rate = zoo.audio.io.read(zoo.examples()["degraded"])  # or a song

separator = zoo.load("{source}")  # a keras.Model, frozen
sources = separator.separate(mixture, sample_rate=sample_rate, resample=True)
for name, audio in sources.items():  # NumPy, the shape of mixture
    print(name, audio.shape)"""


def evaluation(card):
    evaluated = card["evaluation"]
    systems = {card["name"]: evaluated["results"], **evaluated["references"]}
    scores = [
        [system, group, source, *(spread(facts[score]) for score in SCORES), decibels(facts["si-sdr"]), *counts(facts)]
        for system, by_group in systems.items()
        for group, sources in by_group.items()
        for source, facts in sources.items()
    ]
    header = ["System", "tracks", "source", *(score.upper() for score in SCORES), "SI-SDR", "frames", "without a value"]
    gains = [
        [group, *(decibels(gain, "+") for gain in sources.values())] for group, sources in evaluated["gains"].items()
    ]
    authors = [[source, *(f"{figures[score]:.2f}" for score in SCORES)] for source, figures in AUTHORS.items()]
    caption = (
        f"{evaluated['data']}. dB, higher is better: mean ± deviation (median) over frames; SI-SDR is the mean over tracks. "
        f"A source that is silent in a frame has no value there. Commit `{evaluated['commit']}`."
    )
    return section(
        "True scores",
        markdown_table(header, scores),
        f"Mean SDR above that of the {FLOOR} as estimate:",
        markdown_table(["Tracks", *card["sources"]], gains),
        *_by_song(card),
        caption,
        code(evaluated["command"]),
        "For orientation, what SiSEC 2016 measured of the authors' network on **other data**, DSD100's test songs; not to "
        "be compared:",
        markdown_table(["Source", *(score.upper() for score in SCORES)], authors),
    )


def _by_song(card):
    """Paragraphs on each song and on other inputs; none of an evaluation before there were such figures."""
    evaluated, sources = card["evaluation"], card["sources"]
    if "by_song" not in evaluated:
        return []
    songs, means = evaluated["by_song"]["songs"], evaluated["by_song"]["means"]
    rows = [[song, *(decibels(gains[source], "+") for source in sources)] for song, gains in songs.items()]
    cells = [limit_cell(means[source]) for source in sources]
    words = (
        "By song: median over frames of the SDR above the mixture's, and the mean over songs with its 95 % interval "
        "(bootstrap over songs):"
    )
    others = (
        f"Other inputs: SI-SDR in dB over {LIMIT_SECONDS:g} s of each song in which the source sounds, means with 95 % "
        "intervals (bootstrap over songs):"
    )
    table = markdown_table(["Song", *sources], [*rows, ["mean", *cells]])
    return [words, table, others, markdown_table(*limit_rows(evaluated["limits"], sources))]


def spread(facts):
    """Mean ± deviation (median); "-" where no frame has a value."""
    if facts["mean"] is None:
        return "-"
    return f"{facts['mean']:.1f} ± {facts['deviation']:.1f} ({facts['median']:.1f})"


def decibels(value, sign=""):
    return "-" if value is None else f"{value:{sign}.1f}"


def counts(facts):
    """Frames with an SDR, and without."""
    return facts["sdr"]["n"], facts["sdr"]["n_nan_frames"]


def headlines(card):
    """Figures for the Hub's metadata: (data, metric, its name, value)."""
    return [
        (tracks, "sdr", f"mean SDR of {source}, dB", facts["sdr"]["mean"])
        for tracks, sources in card["evaluation"]["results"].items()
        for source, facts in sources.items()
        if facts["sdr"]["mean"] is not None
    ]


def summary(cards):
    """The table of the family's checkpoints: mean SDR of each source, and above the mixture's."""
    rows = []
    for card in cards:
        evaluated = card["evaluation"]
        for group, sources in evaluated["results"].items():
            means = {source: facts["sdr"]["mean"] for source, facts in sources.items()}
            gains = evaluated["gains"][group]
            figures = ["-" if mean is None else f"{mean:.1f} ({gains[source]:+.1f})" for source, mean in means.items()]
            n = max(facts["sdr"]["n"] for facts in sources.values())
            rows.append([link(card), f"{card['parameters']:,}", group, *figures, n])
    sources = cards[0]["sources"] if cards else []
    return markdown_table(
        ["Checkpoint", "Parameters", "Tracks", *(f"{source} SDR" for source in sources), "frames"], rows
    )
