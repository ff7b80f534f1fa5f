"""What tools/make_cards.py generates: pages of checkpoints, MODEL_CARDS.md, and tables between markers."""

import json
import runpy
import sys

import pytest

from tests.support.cards import CARD, ENHANCER, OTHER
from tests.support.harness import REPOSITORY
from tools import make_cards
from zoo.enhancement import card as enhancement
from zoo.errors import InputError
from zoo.quality_net import card as quality_net


@pytest.fixture(scope="module")
def index():
    return make_cards.index([ENHANCER, OTHER, CARD])


def test_generated_files_are_up_to_date(monkeypatch, capsys):
    """The script as it is run, in this process, which has imported what it needs."""
    monkeypatch.setattr(sys, "argv", ["tools/make_cards.py", "--check"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(REPOSITORY / "tools" / "make_cards.py"), run_name="__main__")
    assert ended.value.code == 0, capsys.readouterr().out


def test_every_checkpoint_has_a_page_and_the_index_is_short():
    files = make_cards.generated()
    assert {REPOSITORY / "checkpoints" / name / "README.md" for name in make_cards.zoo.list()} <= set(files)
    assert len(files[REPOSITORY / "MODEL_CARDS.md"].splitlines()) < 400


def test_a_stale_file_is_named_and_written(tmp_path, monkeypatch, capsys):
    page = tmp_path / "checkpoints" / "mine" / "README.md"
    page.parent.mkdir(parents=True)
    monkeypatch.setattr(make_cards, "REPOSITORY", tmp_path)
    monkeypatch.setattr(make_cards, "generated", lambda: {page: "new"})
    for arguments, status, says in [
        (["--check"], 1, "checkpoints/mine/README.md is stale: run make cards"),
        ([], 0, "checkpoints/mine/README.md written"),
        (["--check"], 0, ""),
    ]:
        monkeypatch.setattr(sys, "argv", ["make_cards.py", *arguments])
        with pytest.raises(SystemExit) as ended:
            make_cards.main()
        assert ended.value.code == status and capsys.readouterr().out.strip() == says
    assert page.read_text() == "new"


def test_the_index_is_by_family(index):
    metrics, enhancers = index.index("## Learned metrics"), index.index("## Speech enhancers")
    page = "checkpoints/quality-net-lite-pesq-wb-16k/README.md"
    assert metrics < index.index(f"- [`quality-net-lite-pesq-wb-16k`]({page})") < enhancers
    assert enhancers < index.index("- [`dnn-mse-16k`](checkpoints/dnn-mse-16k/README.md): Takes noise out.")
    assert quality_net.summary([CARD]) in index and enhancement.summary([ENHANCER, OTHER]) in index


def test_all_enhancers_are_in_one_table(index):
    table = index[index.index("### Enhancers compared") :]
    assert "| PESQ wb | noisy | Wiener | spectral gating | blstm-mse-16k | dnn-mse-16k |" in table
    assert "| -6 dB | 1.25 [1.00, 1.50] | 1.25 [1.00, 1.50] | 1.00 [0.75, 1.25] | 1.50 [1.25, 1.75] |" in table
    assert "| scores that failed | 1 | 1 | 1 | 1 | 1 |" in table
    assert "| Average | noisy |" in table and "| STOI | 0.800 [0.750, 0.850] |" in table


def test_a_family_without_cards_has_no_heading():
    assert "nhancers" not in make_cards.index([CARD])


def test_pages_have_the_tables_that_their_markers_name():
    text = "a\n" + "".join(
        f"<!-- checkpoints: {name} -->\nold\n<!-- /checkpoints -->\n" for name in make_cards.FAMILIES
    )
    filled = make_cards.filled(text, [CARD, ENHANCER], REPOSITORY)
    assert "old" not in filled and make_cards.filled(filled, [CARD, ENHANCER], REPOSITORY) == filled
    assert filled.index(quality_net.summary([CARD])) < filled.index(enhancement.summary([ENHANCER]))
    assert make_cards.filled("no marker", [CARD], REPOSITORY) == "no marker"


def test_links_are_relative_to_the_page():
    text = "<!-- checkpoints: quality_net -->\n<!-- /checkpoints -->"
    assert "](checkpoints/quality-net" in make_cards.filled(text, [CARD], REPOSITORY)
    assert "](../checkpoints/quality-net" in make_cards.filled(text, [CARD], REPOSITORY / "docs")


def test_a_marker_of_an_unknown_family_is_refused():
    with pytest.raises(InputError, match="checkpoints: metrics --> names no family; write one of quality_net, jnd"):
        make_cards.filled("<!-- checkpoints: metrics -->\n<!-- /checkpoints -->", [], REPOSITORY)


def test_the_table_of_speed_has_shares_with_quartiles_and_commands(tmp_path):
    assert make_cards.speed(tmp_path) == ""
    result = {"job": "score", "ours": "lite", "seconds": [0.2051], "peer": "pesq", "peer_seconds": [1.384]}
    result |= {"share": [0.15212, 0.147, 0.155], "reach": 0.2}
    facts = {"machine": "two cores", "processor": "AMD", "versions": {"backend": "jax"}, "threads": 2}
    facts |= {"command": "python bench.py", "results": [result, result | {"reach": None}]}
    (tmp_path / "scoring.json").write_text(json.dumps(facts))
    (tmp_path / "growth.json").write_text("{}")
    assert make_cards.speed(tmp_path).splitlines()[2:] == [
        "| score | jax | lite, 0.205 s | pesq, 1.38 s | 0.152 [0.147, 0.155] | 0.2 |",
        "| score | jax | lite, 0.205 s | pesq, 1.38 s | 0.152 [0.147, 0.155] | - |",
        "",
        "- two cores, AMD, jax, threads: 2: `python bench.py`",
    ]
