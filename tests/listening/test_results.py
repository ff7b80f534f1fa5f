"""Answers and listeners as rows, and a listener who is forgotten."""

import pytest

from tests.support.listening import make_preference, message
from zoo.errors import InputError
from zoo.listening import flow, results
from zoo.listening.store import Answer, Trial


def session(store, kind, worker, choices, seconds=2.0):
    token = flow.begin(store, kind, worker)
    for i, choice in enumerate(("agree", "set", *choices)):
        flow.save(
            store, kind, token, message(flow.state(store, kind, token), choice, f"{worker}-{i:06}", seconds=seconds)
        )
    return token


@pytest.fixture
def answered(tmp_path):
    store, kind = make_preference(tmp_path, 2)
    session(store, kind, "ann", "ab")
    session(store, kind, "bob", "a", seconds=0.1)
    yield store, kind
    store.close()


def test_answers_say_what_was_judged_and_marked_ones_stay(answered):
    rows, listeners = results.read(*answered)
    assert [(row["listener"], row["rejected"]) for row in rows] == [(1, 0), (1, 0), (2, 1)]
    assert {row["answer"] for row in rows} <= {"a", "b"} and rows[0]["system_a"] == "a"
    assert rows[0]["plays"] == "1 1" and rows[0]["seconds"] == 2.0
    assert [row["rejected"] for row in listeners] == ["", "too fast: 0.1 s"]
    assert [row["finished"] for row in listeners] == [0, 0]


def test_a_listener_is_forgotten_by_id_code_or_number(answered):
    store, kind = answered
    code = results.read(store, kind).listeners[1]["code"]
    assert results.forget(store, "ann") == 4
    assert [row["worker"] for row in results.read(store, kind).listeners] == ["bob"]
    assert results.forget(store, code) == 3
    with store.read() as reader:
        assert reader.query(Answer).count() == reader.query(Trial).count() == 0
    with pytest.raises(InputError, match="no listener has the id, code or number 'ann'"):
        results.forget(store, "ann")
    with pytest.raises(InputError, match="holds no answers yet"):
        results.read(store, kind)


def test_a_code_that_all_share_names_nobody(tmp_path):
    store, kind = make_preference(tmp_path, 1, completion_code="C0DE")
    for worker in ("ann", "bob"):
        session(store, kind, worker, "a")
    with pytest.raises(InputError, match="2 listeners have"):
        results.forget(store, "C0DE")
    store.close()
