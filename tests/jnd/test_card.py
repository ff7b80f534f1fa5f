"""The cards of perceptual distances: every figure of the evaluation is on the page, with what it is compared with."""

import copy

import pytest

from tests.support.cards import CARD
from tools import make_cards
from zoo.checkpoint.page import page
from zoo.errors import InputError
from zoo.jnd import card as jnd


def answers(auc, calibrated=True):
    facts = {"n": 90, "n_failed": 2, "auc": [auc, auc - 0.02, auc + 0.02]}
    if calibrated:
        facts |= {"cross_entropy": [0.5, 0.48, 0.52], "calibration_error": [0.04, 0.03, 0.05]}
    return {"linear": facts, "all": facts}


def climb(*means, spearman=1.0, rises=True):
    distance = [[mean, mean - 0.1, mean + 0.1] for mean in means]
    return {"rungs": [1, 2], "distance": distance, "spearman": spearman, "rises": rises, "n": 50, "n_failed": 1}


DISTANCE = CARD | {
    "name": "jnd-22k",
    "family": "jnd",
    "architecture": "SpectralJND",
    "description": "Hears differences.",
    "sample_rate": 22050,
    "training": CARD["training"] | {"seeds": [{"seed": 0, "cross_entropy": 0.51}, {"seed": 1, "cross_entropy": 0.52}]},
    "evaluation": {
        "command": "python judge",
        "commit": "abi",
        "data": "Unseen talkers",
        "answers": answers(0.81),
        "jnd_distance": [1.0, 0.95, 1.05],
        "two_afc": {"accuracy": [0.99, 0.98, 1.0], "n": 1000, "n_failed": 0},
        "ladders": {"mp3": climb(0.2, 3.0), "eq": climb(0.3, 0.2, spearman=-1.0, rises=False)},
        "shifts": {"samples": [1, 100], "distance": [[0.05, 0.04, 0.06], [0.4, 0.3, 0.5]], "n": 50, "n_failed": 0},
        "levels": {"db": [-6, 6], "distance": [[2.5, 2.4, 2.6], [2.75, 2.7, 2.8]], "n": 50, "n_failed": 0},
        "lead": {"PESQ wb": [0.03, -0.01, 0.07]},
        "compared": {
            "PESQ wb": {
                "answers": answers(0.78, calibrated=False),
                "jnd_distance": [0.3, 0.2, 0.4],
                "two_afc": {"accuracy": [0.97, 0.96, 0.98], "n": 1000, "n_failed": 0},
            }
        },
    },
}


@pytest.mark.parametrize(
    "text",
    [
        "| jnd-22k | 0.810 [0.790, 0.830] | 0.810 [0.790, 0.830] | 0.500 [0.480, 0.520] | 0.040 [0.030, 0.050] |",
        "| 0.990 [0.980, 1.000] | 90 | 2 |",
        "| PESQ wb | 0.780 [0.760, 0.800] | 0.780 [0.760, 0.800] | - | - | 0.970 [0.960, 0.980] | 90 | 2 |",
        "| PESQ wb | +0.030 [-0.010, +0.070] |",
        "commit `abi`",
        "```\npython judge\n```",
        "at a distance of 1.000 [0.950, 1.050]",
        "| mp3 | 1.000 | yes | 0.200 [0.100, 0.300] | 3.000 [2.900, 3.100] | 50 | 1 |",
        "| eq | -1.000 | no |",
        "| shift, samples | 100 | 0.400 [0.300, 0.500] | 50 | 0 |",
        "| level, dB | -6 | 2.500 [2.400, 2.600] | 50 | 0 |",
        "| 1 | 0.5200 |",
    ],
)
def test_the_page_holds(text):
    assert text in page(DISTANCE, "jnd-22k", [])


def test_the_readme_row():
    row = jnd.summary([DISTANCE]).splitlines()[-1]
    assert row == (
        "| [`jnd-22k`](checkpoints/jnd-22k/README.md) | 125,493 | 0.810 [0.790, 0.830] | 0.040 [0.030, 0.050] | 1 of 2 "
        "| 0.05 | 90 |"
    )


def test_what_is_not_defined_says_so():
    card = copy.deepcopy(DISTANCE)
    card["evaluation"]["jnd_distance"] = [None, None, None]
    card["evaluation"]["ladders"]["mp3"]["spearman"] = None
    text = page(card, "jnd-22k", [])
    assert "at a distance of undefined" in text and "| mp3 | undefined |" in text
    assert "| 0 of 2 | - |" in jnd.summary([card])


def test_one_seed_needs_no_table():
    card = copy.deepcopy(DISTANCE)
    card["training"]["seeds"] = card["training"]["seeds"][:1]
    assert "## Seeds" in page(DISTANCE, "jnd-22k", []) and "## Seeds" not in page(card, "jnd-22k", [])


def test_several_are_compared_in_one_table():
    other = copy.deepcopy(DISTANCE) | {"name": "jnd-lin-22k"}
    other["evaluation"]["answers"] = answers(0.75)
    assert "Perceptual distances compared" not in make_cards.index([DISTANCE])
    table = jnd.comparison([DISTANCE, other])
    assert [line.split("|")[1].strip() for line in table.splitlines()[-3:]] == ["jnd-22k", "jnd-lin-22k", "PESQ wb"]
    assert "| jnd-lin-22k | 0.750 [0.730, 0.770] |" in table and "Unseen talkers" in table
    assert f"#{table}" in make_cards.index([DISTANCE, other])


def test_what_was_evaluated_apart_is_not_compared():
    other = copy.deepcopy(DISTANCE) | {"name": "jnd-lin-22k"}
    other["evaluation"]["data"] = "Other talkers"
    with pytest.raises(InputError, match="jnd-lin-22k was not evaluated together with jnd-22k"):
        jnd.comparison([DISTANCE, other])


def test_an_evaluation_on_a_study_has_no_ladders():
    evaluated = {
        key: value for key, value in DISTANCE["evaluation"].items() if key not in ("two_afc", "ladders", "shifts")
    }
    evaluated["compared"] = {"PESQ wb": {"answers": answers(0.78, calibrated=False)}}
    card = DISTANCE | {"evaluation": evaluated}
    text = jnd.evaluation(card)
    assert "| PESQ wb | 0.780 [0.760, 0.800] | 0.780 [0.760, 0.800] | - | - | - | 90 | 2 |" in text
    assert "Sanity checks" not in text and "adder" not in text
    assert len(jnd.headlines(card)) == 1 and "| - | - | 90 |" in jnd.summary([card])
