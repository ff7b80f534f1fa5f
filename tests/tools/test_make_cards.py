"""MODEL_CARDS.md and the README's table are what tools/make_cards.py makes of the cards."""

import subprocess
import sys

import pytest

from tests.support.harness import REPOSITORY
from tools import make_cards
from zoo.checkpoint import markdown
from zoo.checkpoint.page import page as card_page
from zoo.enhancement import card as enhancement
from zoo.errors import InputError
from zoo.quality_net import card as quality_net

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
    "family": "quality_net",
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


def scores(pesq):
    """Results of a system whose PESQ wb is this at -6 dB, and 1 more on average."""
    row = {
        "pesq-nb": [2.5, 2.25, 2.75],
        "stoi": [0.8, 0.75, 0.85],
        "si-sdr": [-1.25, -2.25, None],
        "jnd": [3.5, 3.25, 3.75],
    }
    row |= {"n": 60, "n_failed": 1}
    return {
        name: row | {"pesq-wb": [value, value - 0.25, value + 0.25]}
        for name, value in (("-6", pesq), ("average", pesq + 1))
    }


ENHANCER = CARD | {
    "name": "blstm-mse-16k",
    "family": "enhancement",
    "architecture": "BLSTMEnhancer",
    "description": "Takes noise out.",
    "lookahead": None,
    "training": CARD["training"] | {"command": "python train_it", "best_iteration": 300},
    "evaluation": {
        "command": "python evaluate_it",
        "commit": "abg",
        "data": "Unseen mixtures",
        "results": scores(1.5),
        "noisy": scores(1.25),
        "wiener": scores(1.25),
        "spectral_gating": scores(1.0),
        "gains": {"over noisy": scores(-0.75)["average"]},
    },
    "experiments": [{"change": "no floor", "result": "PESQ 1.25", "command": "python try", "commit": "abh"}],
}
OTHER = ENHANCER | {"name": "dnn-mse-16k", "lookahead": 0.032}


@pytest.fixture(scope="module")
def page():
    return make_cards.model_cards([ENHANCER, OTHER, CARD])


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
        "## blstm-mse-16k",
        "| Lookahead | the whole recording |",
        "| Lookahead | 0.032 s; statistics",
        "| -6 dB | 1.50 [1.25, 1.75] | 2.50 [2.25, 2.75] | 0.800 [0.750, 0.850] | undefined | 3.50 [3.25, 3.75] | 60 | 1 |",
        "| average, Wiener | 2.25 [2.00, 2.50] |",
        "| over noisy | +0.25 [+0.00, +0.50] |",
        "```\npython evaluate_it\n```",
        "Kept: iteration 300.",
        "| no floor | PESQ 1.25 | `python try` | `abh` |",
    ],
)
def test_the_page_holds(page, text):
    assert text in page


def test_what_a_card_lacks_has_no_heading():
    page = make_cards.model_cards([{**CARD, "departures": [], "ablation": {}, "gradient": {}}])
    for heading in ("Departures", "What each change", "Ascending"):
        assert heading in make_cards.model_cards([CARD]) and heading not in page


def test_the_page_opens_with_contents_by_family(page):
    opening = page[: page.index("## quality-net-lite-pesq-wb-16k\n")]
    metrics, enhancers = opening.index("### Learned metrics"), opening.index("### Speech enhancers")
    assert metrics < opening.index("- [quality-net-lite-pesq-wb-16k](#quality-net-lite-pesq-wb-16k)") < enhancers
    assert enhancers < opening.index("- [dnn-mse-16k](#dnn-mse-16k): Takes noise out.")


def test_all_enhancers_stand_in_one_table(page):
    table = page[page.index("### Enhancers compared") : page.index("## quality-net-lite-pesq-wb-16k\n")]
    assert "| PESQ wb | noisy | Wiener | spectral gating | blstm-mse-16k | dnn-mse-16k |" in table
    assert "| -6 dB | 1.25 [1.00, 1.50] | 1.25 [1.00, 1.50] | 1.00 [0.75, 1.25] | 1.50 [1.25, 1.75] |" in table
    assert "| scores that failed | 1 | 1 | 1 | 1 | 1 |" in table
    assert "| Average | noisy |" in table and "| STOI | 0.800 [0.750, 0.850] |" in table


def test_size_and_latency_are_told_where_they_were_measured():
    served = {"command": "python bench", "commit": "abg", "machine": "two cores", "n": 50}
    served |= {"megabytes": 1.76, "milliseconds": [3.14, 4.5]}
    told = "1.8 MB as a SavedModel with warm-up requests. One recording of 2.5 s, or a spectrogram of 250 frames, takes 3.1 ms"
    assert told in card_page(CARD | {"served": served}, CARD["name"], {})
    served |= {"xla": {"milliseconds": [2.04, 3.0], "first_milliseconds": 540.0}}
    served |= {"bfloat16": {"milliseconds": [6.0, 7.0], "difference": 0.012}}
    page = card_page(CARD | {"served": served}, CARD["name"], {})
    assert "Compiled by XLA it takes 2.0 ms, after 0.5 s for each new length or batch size." in page
    assert "In `mixed_bfloat16` the Keras model takes 6.0 ms, and its output differs by 0.012 of the largest." in page
    assert "### ServingModel" not in card_page(CARD, CARD["name"], {})


def test_enhancers_of_other_mixtures_are_not_compared():
    other = OTHER | {"evaluation": ENHANCER["evaluation"] | {"noisy": scores(1.5)}}
    with pytest.raises(InputError, match="dnn-mse-16k was not evaluated on the same mixtures"):
        enhancement.comparison([ENHANCER, other])


def test_a_family_without_cards_has_no_heading():
    assert "nhancers" not in make_cards.model_cards([CARD])


def test_an_undefined_figure_says_so():
    assert markdown.interval([None, None, None]) == "undefined"


def test_the_readme_has_a_table_a_family():
    text = "a\n" + "".join(
        f"<!-- checkpoints: {name} -->\nold\n<!-- /checkpoints -->\n" for name in make_cards.FAMILIES
    )
    filled = make_cards.readme(text, [CARD, ENHANCER])
    assert "old" not in filled and make_cards.readme(filled, [CARD, ENHANCER]) == filled
    assert filled.index(quality_net.summary([CARD])) < filled.index(enhancement.summary([ENHANCER]))
    with pytest.raises(InputError, match="README.md needs"):
        make_cards.readme(text + text, [])


def test_the_readme_row_of_an_enhancer():
    row = enhancement.summary([ENHANCER]).splitlines()[-1]
    assert row == (
        "| [`blstm-mse-16k`](MODEL_CARDS.md#blstm-mse-16k) | 125,493 | 2.25 → 2.50 [2.25, 2.75] "
        "| 0.800 → 0.800 [0.750, 0.850] | -1.2 → undefined | 3.50 → 3.50 [3.25, 3.75] | 60 |"
    )


def test_the_readme_row_of_a_metric():
    row = quality_net.summary([CARD]).splitlines()[-1]
    assert row == (
        "| [`quality-net-lite-pesq-wb-16k`](MODEL_CARDS.md#quality-net-lite-pesq-wb-16k) | PESQ wb | 16 kHz "
        "| 125,493 | 0.9912 [0.9900, 0.9925] | 0.1310 [0.1200, 0.1400] | 80 |"
    )
