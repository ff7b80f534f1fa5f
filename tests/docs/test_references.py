"""The papers have one wording in docs/references.md, on the checkpoints' pages and in CITATION.cff."""

import re

import pytest
import yaml

from tests.support.harness import REPOSITORY
from zoo.checkpoint import papers

REFERENCES = (REPOSITORY / "docs" / "references.md").read_text(encoding="utf-8")
PAPERS = {name: paper for name, paper in vars(papers).items() if isinstance(paper, papers.Paper)}
CITATION = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", PAPERS)
def test_entries_of_the_checkpoints_pages_are_those_of_the_docs(name):
    assert PAPERS[name].bibtex in REFERENCES


@pytest.mark.parametrize("paper", CITATION["references"], ids=lambda paper: paper["title"][:30])
def test_citation_names_papers_of_the_docs(paper):
    titles = [re.sub(r"[{}]", "", title) for title in re.findall(r"title\s*= \{(.*)\},", REFERENCES)]
    assert paper["title"] in titles
    for author in paper["authors"]:
        name = author["family-names"].replace("ó", r"{\'o}")
        assert f"{name}, {author['given-names']}" in REFERENCES


def test_citation_has_the_version_of_the_package():
    import zoo

    assert CITATION["version"] == zoo.__version__
