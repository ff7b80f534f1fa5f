"""docs/backends.md says what works where, as the tests do."""

from tests.support.backend_table import PAGE, page


def test_the_table_is_that_of_the_tests():
    assert PAGE.read_text(encoding="utf-8") == page(), "stale: python -m tests.support.backend_table"
