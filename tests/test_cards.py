"""MODEL_CARDS.md and the README's table are what tools/make_cards.py makes of the cards."""

import subprocess
import sys

import make_cards
import pytest
from harness import REPOSITORY

AGREEMENT = {
    "n": 80,
    "n_failed": 2,
    "pearson": [0.99123, 0.99, 0.9925],
    "spearman": [0.98, 0.97, 0.985],
    "rmse": [0.131, 0.12, 0.14],
    "mae": [0.1, 0.09, 0.11],
}
CARD = {
    "name": "quality-net-lite-pesq-wb-16k",
    "architecture": "QualityNetLite",
    "description": "Predicts wide-band PESQ.",
    "sample_rate": 16000,
    "metric": {"name": "pesq", "mode": "wb", "range": [1.0, 4.64], "higher_is_better": True},
    "parameters": 125493,
    "files": {"config.json": "00ff"},
    "licence": {"code": "MIT", "weights": "MIT", "data": "CC BY 4.0"},
    "data": "Speech | noise",
    "training": {
        "command": "python train",
        "commit": "abc",
        "seed": 0,
        "versions": {"keras": "3.15.1"},
        "minutes": 30.4,
        "machine": "two cores",
    },
    "evaluation": {
        "command": "python evaluate",
        "commit": "abd",
        "data": "Unseen",
        "results": {"all": AGREEMENT},
    },
    "departures": ["Mel input."],
    "ablation": {
        "command": "python ablate",
        "commit": "abe",
        "n_train": 512,
        "epochs": 1,
        "rows": [{"change": "plain input", "minutes": 2.5, **AGREEMENT}],
    },
    "gradient": {
        "command": "python ascend",
        "commit": "abf",
        "data": "Unseen noise",
        "n": 40,
        "n_failed": 1,
        "steps": [0, 10],
        "predicted": [1.4, 2.5],
        "truth": [1.5, 1.625],
        "best_step": 10,
        "gain_at_best": [0.125, 0.1, 0.15],
        "fooled_at_step": 20,
    },
    "limits": ["English."],
}


@pytest.fixture(scope="module")
def page():
    return make_cards.model_cards([CARD])


def test_generated_files_are_up_to_date():
    script = REPOSITORY / "tools" / "make_cards.py"
    done = subprocess.run([sys.executable, script, "--check"], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_figure_stands_with_its_interval_n_and_failures(page):
    assert (
        "| all | 0.9912 [0.9900, 0.9925] | 0.9800 [0.9700, 0.9850] "
        "| 0.1310 [0.1200, 0.1400] | 0.1000 [0.0900, 0.1100] | 80 | 2 |" in page
    )


@pytest.mark.parametrize(
    "text",
    [
        "## quality-net-lite-pesq-wb-16k",
        "PESQ wb, 1.0 to 4.64, higher is better",
        "| Parameters | 125,493 |",
        "code MIT; weights MIT; data CC BY 4.0",
        "Speech \\| noise",
        "```\npython train\n```",
        "30 minutes on two cores, seed 0, commit `abc`; keras 3.15.1.",
        "```\npython evaluate\n```",
        "- Mel input.",
        "| plain input | 0.9912 [0.9900, 0.9925] | 0.1310 [0.1200, 0.1400] | 80 | 2 | 2.5 |",
        "same 512 pairs, epochs: 1",
        "```\npython ablate\n```",
        "| Steps | 0 | 10 |\n| --- | --- | --- |\n| Predicted | 1.400 | 2.500 |\n| True | 1.500 | 1.625 |",
        "gains 0.1250 [0.1000, 0.1500] at step 10",
        "promises 1.1000; by step 20 it falls again",
        "```\npython ascend\n```",
        "- English.",
        "| config.json | `00ff` |",
    ],
)
def test_the_page_holds(page, text):
    assert text in page


def test_what_a_card_lacks_has_no_heading():
    page = make_cards.model_cards([{**CARD, "departures": [], "ablation": {}, "gradient": {}}])
    for heading in ("Departures", "What each change", "Ascending"):
        assert heading in make_cards.model_cards([CARD]) and heading not in page


def test_an_undefined_correlation_says_so():
    assert make_cards.interval([None, None, None]) == "undefined"


def test_the_readme_row():
    row = make_cards.readme_table([CARD]).splitlines()[-1]
    assert row == (
        "| [`quality-net-lite-pesq-wb-16k`](MODEL_CARDS.md#quality-net-lite-pesq-wb-16k) | PESQ wb | 16 kHz "
        "| 125,493 | 0.9912 [0.9900, 0.9925] | 0.1310 [0.1200, 0.1400] | 80 |"
    )
