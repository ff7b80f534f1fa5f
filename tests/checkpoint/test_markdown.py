"""Pieces of Markdown."""

from zoo.checkpoint import markdown


def test_an_undefined_figure_says_so():
    assert markdown.interval([None, None, None]) == "undefined"


def test_gains_show_their_sign():
    assert markdown.interval([0.125, -0.25, 0.5], 2, "+") == "+0.12 [-0.25, +0.50]"


def test_empty_parts_leave_no_heading():
    assert markdown.section("Limits", "", "") == "" and markdown.code("") == ""
    assert markdown.section("Limits", "", "one") == "## Limits\n\none"


def test_experiments_have_a_command_and_a_commit():
    card = {"experiments": [{"change": "no floor", "result": "PESQ 1.25", "command": "python try", "commit": "abh"}]}
    assert "| no floor | PESQ 1.25 | `python try` | `abh` |" in markdown.experiments(card)
    assert markdown.experiments({}) == ""
