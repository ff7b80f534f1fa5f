"""The papers that pages cite."""

from tests.support.harness import REPOSITORY
from zoo.checkpoint import papers


def test_the_references_page_has_the_same_entries():
    references = (REPOSITORY / "docs" / "references.md").read_text(encoding="utf-8")
    entries = [paper.bibtex for paper in vars(papers).values() if isinstance(paper, papers.Paper)]
    assert len(entries) == 10
    for entry in entries:
        assert entry in references
