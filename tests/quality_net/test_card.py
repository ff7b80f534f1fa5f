"""The page of a Quality-Net."""

import pytest

from tests.support.cards import CARD
from zoo.quality_net import card as quality_net


def test_a_figure_has_its_interval_n_and_failures():
    assert (
        "| all | 0.9912 [0.9900, 0.9925] | 0.9800 [0.9700, 0.9850] "
        "| 0.1310 [0.1200, 0.1400] | 0.1000 [0.0900, 0.1100] | 80 | 2 |" in quality_net.evaluation(CARD)
    )
    assert "```\npython evaluate\n```" in quality_net.evaluation(CARD)


@pytest.mark.parametrize(
    "text",
    [
        "| plain input | 0.9912 [0.9900, 0.9925] | 0.1310 [0.1200, 0.1400] | 80 | 2 | 2.5 |",
        "same 512 pairs, epochs: 1",
        "```\npython ablate\n```",
        "| Steps | 0 | 10 |\n| --- | --- | --- |\n| Predicted | 1.400 | 2.500 |\n| True | 1.500 | 1.625 |",
        "gains 0.1250 [0.1000, 0.1500] at step 10",
        "promises 1.1000; by step 20 it falls again",
        "```\npython ascend\n```",
    ],
)
def test_the_studies_hold(text):
    assert text in "\n".join(quality_net.studies(CARD))


@pytest.mark.parametrize(("name", "title"), quality_net.FURTHER.items())
def test_figures_of_further_pairs_stand_beside_those_of_the_first(name, title):
    further = CARD["evaluation"] | {"command": "python second", "data": "Other voices"}
    shown = "\n".join(quality_net.studies(CARD | {name: further}))
    assert f"## {title}" in shown and "```\npython second\n```" in shown
    assert title not in "\n".join([quality_net.evaluation(CARD), *quality_net.studies(CARD)])


def test_what_was_not_studied_is_empty():
    assert "".join(quality_net.studies(CARD | {"ablation": {}, "gradient": {}})) == ""
    unfooled = CARD | {"gradient": CARD["gradient"] | {"fooled_at_step": None}}
    assert "more steps were not tried." in quality_net.gradient(unfooled)


def test_the_row_of_the_table():
    row = quality_net.summary([CARD]).splitlines()[-1]
    assert row == (
        "| [`quality-net-lite-pesq-wb-16k`](checkpoints/quality-net-lite-pesq-wb-16k/README.md) | PESQ wb | 16 kHz "
        "| 125,493 | 0.9912 [0.9900, 0.9925] | 0.1310 [0.1200, 0.1400] | 80 |"
    )
