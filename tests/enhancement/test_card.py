"""The page of an enhancer."""

import pytest

from tests.support.cards import ENHANCER, OTHER, scores
from zoo.checkpoint.papers import BRADBURY, FU, GERMAIN, MANOCHA, MARTIN_DONAS
from zoo.enhancement import card as enhancement
from zoo.enhancement.evaluate import AVERAGE
from zoo.errors import InputError


def newer(card, **evaluation):
    """A card with DNSMOS and PESQ without a reference, and what else its evaluation has."""
    more = {"dnsmos-ovrl": [3.0, 2.75, 3.25], "free-pesq": [2.0, 1.75, 2.25]}
    evaluated = card["evaluation"]
    systems = {
        key: {row: result | more for row, result in evaluated[key].items()}
        for key in ("results", "noisy", "wiener", "spectral_gating")
    }
    gains = {over: gain | {"dnsmos-ovrl": [0.5, 0.25, 0.75]} for over, gain in evaluated["gains"].items()}
    return card | {"evaluation": evaluated | systems | {"gains": gains} | evaluation}


@pytest.mark.parametrize(
    "text",
    [
        "| -6 dB | 1.50 [1.25, 1.75] | 2.50 [2.25, 2.75] | 0.800 [0.750, 0.850] | undefined | 3.50 [3.25, 3.75] | 60 | 1 |",
        "| average, Wiener | 2.25 [2.00, 2.50] |",
        "| over noisy | +0.25 [+0.00, +0.50] |",
        "```\npython evaluate_it\n```",
    ],
)
def test_the_evaluation_holds(text):
    assert text in enhancement.evaluation(ENHANCER)


def test_the_lookahead_is_a_fact():
    assert enhancement.facts(ENHANCER) == [["Lookahead", "the whole recording"]]
    assert enhancement.facts(OTHER)[0][1].startswith("0.032 s; statistics")


def test_a_causal_network_has_a_latency_and_its_own_paper():
    causal = OTHER | {"architecture": "QuasiRecurrentEnhancer"}
    assert enhancement.facts(causal) == [["Latency", "32 ms, of the window; it streams"]]
    assert enhancement.papers(causal) == [BRADBURY]
    learned = causal["training"] | {"recipe": {"loss": {"quality-net-lite-pesq-wb-16k": 1.0, "pmsqe": 1.0}}}
    assert enhancement.papers(causal | {"training": learned}) == [BRADBURY, FU, MARTIN_DONAS]


def test_what_clean_speech_becomes_has_a_table_where_it_was_measured():
    assert "Clean speech in" not in enhancement.evaluation(ENHANCER)
    clean = {
        name: {"pesq-wb": [value, 4.0, 4.5], "n": 56, "n_failed": 0} for name, value in (("mine", 4.4), ("DTLN", 4.2))
    }
    page = enhancement.evaluation(ENHANCER | {"evaluation": ENHANCER["evaluation"] | {"clean": clean}})
    assert "| Clean speech in | PESQ wb | n | failed |" in page
    assert "| mine | 4.40 [4.00, 4.50] | 56 | 0 |" in page and "| DTLN | 4.20" in page


def test_limits_have_a_table_where_they_were_measured():
    assert "Limits" not in enhancement.evaluation(ENHANCER)
    limits = {
        name: {"music": {"value": [value, -4.0, -2.0], "n": 21, "n_failed": 0}}
        for name, value in (("noisy", 0.0), ("mine", -3.0))
    }
    page = enhancement.evaluation(ENHANCER | {"evaluation": ENHANCER["evaluation"] | {"limits": limits}})
    assert "| Limit | noisy | mine | n | failed |" in page
    assert "| music alone: level that remains (dB) | 0.0 [-4.0, -2.0] | -3.0 [-4.0, -2.0] | 21 | 0 |" in page


def test_experiments_are_studies():
    assert "| no floor | PESQ 1.25 | `python try` | `abh` |" in "".join(enhancement.studies(ENHANCER))


def test_the_papers_are_of_the_network_and_of_its_loss():
    def papers(architecture, loss):
        training = ENHANCER["training"] | {"recipe": {"loss": {loss: 1.0}}}
        return enhancement.papers(ENHANCER | {"architecture": architecture, "training": training})

    assert enhancement.papers(ENHANCER) == papers("BLSTMEnhancer", "magnitude-mse") == [FU]
    assert papers("DNNEnhancer", "pmsqe") == [FU, MARTIN_DONAS]
    assert papers("ContextAggregationEnhancer", "jnd-pre-22k") == [MANOCHA, GERMAIN]


def test_enhancers_of_other_mixtures_are_not_compared():
    other = OTHER | {"evaluation": ENHANCER["evaluation"] | {"noisy": scores(1.5)}}
    with pytest.raises(InputError, match="dnn-mse-16k was not evaluated on the same mixtures"):
        enhancement.comparison([ENHANCER, other])


def test_figures_of_the_second_test_set_stand_beside_and_are_compared_with_each_other_alone():
    second = ENHANCER["evaluation"] | {"command": "python second", "noisy": scores(2.0)}
    both = ENHANCER | {"test2": second}
    shown = "\n".join(enhancement.studies(both))
    assert "## True scores on the second test set" in shown and "```\npython second\n```" in shown
    first, compared = enhancement.comparison([both, OTHER]).split("## Enhancers compared on the second test set")
    assert OTHER["name"] in first and OTHER["name"] not in compared and "3.00 [2.75, 3.25]" in compared
    with pytest.raises(InputError, match="dnn-mse-16k was not evaluated on the same mixtures"):
        enhancement.comparison([both, OTHER | {"test2": ENHANCER["evaluation"]}])
    assert "second" not in enhancement.comparison([ENHANCER, OTHER]) and enhancement.comparison([]) == ""


def test_systems_from_outside_and_newer_measures_are_rows_and_columns():
    outside = {"DTLN": scores(1.75), "GTCRN": scores(2.0)}
    card = newer(ENHANCER, omlsa=scores(1.0), outside=outside, weights={"DTLN": {"model_1.onnx": "abcd"}})
    shown = enhancement.evaluation(card)
    assert "| SI-SDR (dB) | JND distance | DNSMOS OVRL | free PESQ | n |" in shown
    assert "| average, OM-LSA | 2.00 [1.75, 2.25] |" in shown and "| average, DTLN | 2.75 [2.50, 3.00] |" in shown
    assert "| average, GTCRN | 3.00 [2.75, 3.25] | 2.50 [2.25, 2.75] | 0.800 [0.750, 0.850] | undefined " in shown
    assert "| 3.50 [3.25, 3.75] | - | - | 60 | 1 |" in shown  # of GTCRN, which was not scored by the newer ones
    assert "| +0.50 [+0.25, +0.75] | - | 60 | 1 |" in shown
    assert "DNSMOS P.835 hears" in shown and "`quality-net-free-pesq-wb-16k`" in shown
    assert "DTLN is not ours: model_1.onnx `abcd` (sha256)." in shown
    assert [headline[1] for headline in enhancement.headlines(card)][-2:] == ["dnsmos-ovrl", "free-pesq"]


def test_older_cards_show_what_they_have():
    shown = enhancement.evaluation(ENHANCER)
    assert "DNSMOS" not in shown and "OM-LSA" not in shown and "is not ours" not in shown
    assert "DNSMOS" not in enhancement.summary([ENHANCER]) + enhancement.comparison([ENHANCER])


def test_older_and_newer_cards_are_compared_by_what_both_have():
    outside = {"DTLN": scores(1.75)}
    cards = [OTHER, newer(ENHANCER, outside=outside)]
    compared = enhancement.comparison(cards)
    assert "| Average | noisy | Wiener | spectral gating | DTLN | dnn-mse-16k | blstm-mse-16k |" in compared
    dnsmos = next(line for line in compared.splitlines() if line.startswith("| DNSMOS OVRL |"))
    assert dnsmos.split(" | ")[1:] == [*["3.00 [2.75, 3.25]"] * 3, "-", "-", "3.00 [2.75, 3.25] |"]
    rows = [line.split(" | ") for line in enhancement.summary(cards).splitlines()]
    assert [row[-2] for row in rows] == ["DNSMOS OVRL [95 %]", "---", "-", "3.00 → 3.00 [2.75, 3.25]"]


def test_a_last_digit_is_no_other_mixture():
    noisy = {row: result | {"jnd": [3.5000001, 3.25, 3.75]} for row, result in ENHANCER["evaluation"]["noisy"].items()}
    assert enhancement.comparison([ENHANCER, OTHER | {"evaluation": OTHER["evaluation"] | {"noisy": noisy}}])
    fewer = {row: result | {"n": 59} for row, result in noisy.items()}
    with pytest.raises(InputError, match="not evaluated on the same mixtures"):
        enhancement.comparison([ENHANCER, OTHER | {"evaluation": OTHER["evaluation"] | {"noisy": fewer}}])
    with pytest.raises(InputError, match="not evaluated on the same mixtures"):
        one = {AVERAGE: noisy[AVERAGE]}
        enhancement.comparison([ENHANCER, OTHER | {"evaluation": OTHER["evaluation"] | {"noisy": one}}])


def test_the_row_of_the_table():
    row = enhancement.summary([ENHANCER]).splitlines()[-1]
    assert row == (
        "| [`blstm-mse-16k`](checkpoints/blstm-mse-16k/README.md) | 125,493 | 2.25 → 2.50 [2.25, 2.75] "
        "| 0.800 → 0.800 [0.750, 0.850] | -1.2 → undefined | 3.50 → 3.50 [3.25, 3.75] | 60 |"
    )
