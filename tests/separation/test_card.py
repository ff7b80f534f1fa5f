"""How the cards of separators read."""

from zoo.checkpoint import papers
from zoo.separation import card as separation

SCORE = {"mean": 4.26, "deviation": 1.04, "median": 4.5, "n": 5, "n_frames": 6, "n_nan_frames": 1}
NONE = dict.fromkeys(("mean", "deviation", "median")) | {"n": 0, "n_frames": 6, "n_nan_frames": 6}
SOURCE = dict.fromkeys(("sdr", "isr", "sir", "sar"), SCORE) | {"si-sdr": 3.21, "silent": []}
SILENT = dict.fromkeys(("sdr", "isr", "sir", "sar"), NONE) | {"si-sdr": None, "silent": ["song"]}
CARD = {
    "name": "chandna-4stem-44k",
    "parameters": 585742,
    "sources": ["vocals", "drums"],
    "latency": 0.1916,
    "evaluation": {
        "command": "python tools/evaluate.py separation",
        "commit": "abc",
        "data": "2 tracks",
        "results": {"song": {"vocals": SILENT, "drums": SOURCE}},
        "gains": {"song": {"vocals": None, "drums": 6.06}},
        "references": {"mixture": {"song": {"vocals": SILENT, "drums": SOURCE}}},
    },
}


def test_the_page_has_scores_gains_references_and_the_authors_own_beside_them():
    page = separation.evaluation(CARD)
    for text in (
        "| chandna-4stem-44k | song | drums | 4.3 ± 1.0 (4.5) |", "| 3.2 | 5 | 1 |", "| mixture | song | drums |",
        "| chandna-4stem-44k | song | vocals | - | - | - | - | - | 0 | 6 |", "| song | - | +6.1 |", "other data",
        "| vocals | 0.81 | 8.29 | 4.57 | 6.35 |", "`abc`", "```\npython tools/evaluate.py separation\n```",
    ):  # fmt: skip
        assert text in page
    assert dict(separation.facts(CARD)) == {"Sources": "vocals, drums", "Latency": "192 ms, streamed"}


def test_songs_and_other_inputs_have_their_rows():
    vocals, drums = {"value": [None] * 3, "n": 0}, {"value": [4.04, 3.0, 5.0], "n": 2}
    by_song = {"songs": {"a": {"vocals": None, "drums": 4.04}}, "means": {"vocals": vocals, "drums": drums}}
    limits = {"quiet": {"vocals": vocals, "drums": drums}}
    page = separation.evaluation(CARD | {"evaluation": CARD["evaluation"] | {"by_song": by_song, "limits": limits}})
    for text in (
        "| a | - | +4.0 |",
        "| mean | - | 4.0 [3.0, 5.0] |",
        "| 40 dB softer: above the mixture | - | 4.0 [3.0, 5.0] |",
    ):
        assert text in page
    assert "By song" not in separation.evaluation(CARD)


def test_papers_are_of_the_network_and_of_what_it_is_trained_on():
    training = {"recipe": {"in_phase": True}}
    assert separation.papers({"architecture": "ChandnaSeparator", "training": {}}) == [papers.CHANDNA]
    assert separation.papers({"architecture": "BandSeparator", "training": training}) == [papers.OORD, papers.ERDOGAN]


def test_the_readmes_rows():
    header, _, row = separation.summary([CARD]).splitlines()
    assert "| vocals SDR | drums SDR | frames |" in header
    assert "| 585,742 | song | - | 4.3 (+6.1) | 5 |" in row
    assert separation.summary([]) == ""
