"""A study that several modules look at: its one session takes a second."""

import pytest


@pytest.fixture(scope="session")
def exact_study(tmp_path_factory):
    """A test of just noticeable differences with one session, of a listener who hears a difference from 40 on."""
    from tests.support.listening import attend, make_jnd, notices

    store, kind = make_jnd(tmp_path_factory.mktemp("study"))
    attend(store, kind, notices(lambda strength: strength >= 40))
    yield store, kind
    store.close()
