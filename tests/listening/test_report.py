"""A study's report: a page that needs nothing else, and its tables."""

import csv

import pytest

from tests.support.listening import make_preference, message
from zoo.errors import InputError
from zoo.listening import flow, report


def answer(store, kind, choices, seconds):
    token = flow.begin(store, kind, worker=f"<b>{seconds}</b>")
    for i, choice in enumerate(("agree", "set", *choices)):
        state = flow.state(store, kind, token)
        flow.save(store, kind, token, message(state, choice, f"{token[:20]}-{i}", seconds=seconds))


def test_a_report_has_its_page_tables_and_figures(tmp_path):
    store, kind = make_preference(tmp_path, 2)
    answer(store, kind, "ab", 2.0)
    answer(store, kind, "ab", 0.1)
    text = report.write(store, kind, tmp_path / "report").text
    assert "2 took part, 0 to the end; 4 answers, 2 of them count" in text and "too fast: 0.1 s" in text
    names = {path.name for path in (tmp_path / "report").iterdir()}
    assert names == {"index.html", "answers.csv", "listeners.csv", "preference.png"}
    page = (tmp_path / "report" / "index.html").read_text()
    assert "&lt;b&gt;0.1&lt;/b&gt;" in page and "<script" not in page and "http" not in page
    with open(tmp_path / "report" / "answers.csv", newline="") as file:
        assert [row["rejected"] for row in csv.DictReader(file)] == ["0", "0", "1", "1"]
    assert "4 answers, 4 of them count" in report.write(store, kind, tmp_path / "report", everyone=True).text
    store.close()


def test_a_study_whose_sessions_are_all_marked_says_so(tmp_path):
    store, kind = make_preference(tmp_path, 2)
    answer(store, kind, "a", 0.1)
    with pytest.raises(InputError, match="--everyone"):
        report.write(store, kind, tmp_path / "report")
    assert not (tmp_path / "report").exists()
    store.close()
