"""The page of an enhancer."""

import pytest

from tests.support.cards import ENHANCER, OTHER, scores
from zoo.checkpoint.papers import FU, GERMAIN, MANOCHA, MARTIN_DONAS
from zoo.enhancement import card as enhancement
from zoo.errors import InputError


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


def test_the_row_of_the_table():
    row = enhancement.summary([ENHANCER]).splitlines()[-1]
    assert row == (
        "| [`blstm-mse-16k`](checkpoints/blstm-mse-16k/README.md) | 125,493 | 2.25 → 2.50 [2.25, 2.75] "
        "| 0.800 → 0.800 [0.750, 0.850] | -1.2 → undefined | 3.50 → 3.50 [3.25, 3.75] | 60 |"
    )
