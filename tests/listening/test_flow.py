"""A session: one screen after the other, each answer once."""

import pytest

from tests.support.listening import make_preference, message
from zoo.listening import flow
from zoo.listening.flow import Refused
from zoo.listening.store import Answer, Listener


@pytest.fixture
def session(tmp_path):
    """Store, kind and token of a session that is at its first pair."""
    store, kind = make_preference(tmp_path, 3)
    token = flow.begin(store, kind, worker="ann")
    for i, choice in enumerate(("agree", "set")):
        flow.save(store, kind, token, message(flow.state(store, kind, token), choice, f"before-{i}"))
    yield store, kind, token
    store.close()


def answers(store):
    with store.read() as session:
        return session.query(Answer).count()


def test_a_session_goes_through_its_screens_to_the_code(session):
    store, kind, token = session
    screens = []
    while (state := flow.state(store, kind, token))["status"] == "going":
        screens.append(state["trial"]["screen"])
        choice = {"text": ""} if screens[-1] == "comments" else {"choice": "a"}
        flow.save(store, kind, token, message(state, "a", f"trial-{len(screens):04}", value=choice))
    assert screens == ["preference"] * 3 + ["comments"]
    assert state["done"] == state["of"] == 3 and len(state["code"]) == 8


def test_a_session_that_is_begun_again_is_the_same(session):
    store, kind, _ = session
    for _ in range(2):
        assert flow.begin(store, kind, worker="bob", token="0a" * 32) == "0a" * 32
    with pytest.raises(Refused, match="this id has a session"):
        flow.begin(store, kind, worker="bob", token="0b" * 32)
    for token in ("0a" * 31, "G" * 64):
        with pytest.raises(Refused, match="64 hexadecimal digits"):
            flow.begin(store, kind, token=token)
    with store.read() as reader:
        assert reader.query(Listener).count() == 2


def test_an_answer_that_is_sent_again_is_stored_once(session):
    store, kind, token = session
    state = flow.state(store, kind, token)
    for choice in "aab":
        flow.save(store, kind, token, message(state, choice, "the-same-id"))
    flow.save(store, kind, token, message(state, "b", "of-another-tab"))
    assert answers(store) == 3
    with store.read() as reader:
        assert reader.query(Answer).filter_by(client_id="the-same-id").one().value == {"choice": "a"}


def test_the_next_trial_is_named_so_that_its_sounds_can_be_fetched(session):
    store, kind, token = session
    state = flow.state(store, kind, token)
    assert state["next"] == {"number": state["trial"]["number"] + 1, "sounds": 2}


def test_nothing_on_the_page_tells_the_system_or_a_sentinel(session):
    store, kind, token = session
    trial = flow.state(store, kind, token)["trial"]
    assert not {"exchanged", "item", "item_id", "expected", "digest", "role"} & trial.keys()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"number": 99}, 404),
        ({"number": None}, 404),
        ({"number": 3}, 409),
        ({"value": {"choice": "c"}}, 400),
        ({"client_id": "x"}, 400),
        ({"client_id": "before-0"}, 409),
        ({"client_id": "'; drop table answer --"}, 400),
        ({"seconds": -1}, 400),
        ({"seconds": float("nan")}, 400),
        ({"plays": [1]}, 400),
        ({"plays": [1, "2"]}, 400),
    ],
)
def test_what_is_no_answer_is_refused_and_not_stored(session, changes, status):
    store, kind, token = session
    with pytest.raises(Refused) as refused:
        flow.save(store, kind, token, message(flow.state(store, kind, token), "a", "an-answer") | changes)
    assert refused.value.status == status and answers(store) == 2


def test_a_worker_has_one_session(session):
    store, kind, _ = session
    with pytest.raises(Refused, match="this id has a session"):
        flow.begin(store, kind, worker="ann")
    with store.read() as reader:
        assert reader.query(Listener).count() == 1


def test_another_token_opens_nothing(session):
    store, kind, token = session
    for call in (flow.state, flow.save):
        with pytest.raises(Refused, match="no such session"):
            call(store, kind, f"{token}x", *([{}] if call is flow.save else []))
    with pytest.raises(Refused, match="no such session"):
        flow.sound(store, "", 1, 0)
    with store.read() as reader:
        assert token not in str(reader.query(Listener).one().token)  # the database has its hash


def test_sounds_are_places_of_a_trial(session):
    store, kind, token = session
    number = flow.state(store, kind, token)["trial"]["number"]
    assert flow.sound(store, token, number, 0)[:4] == b"RIFF"
    for place in (2, -1):
        with pytest.raises(Refused, match="no such sound"):
            flow.sound(store, token, number, place)


def test_a_wrong_word_ends_the_session(tmp_path):
    store, kind = make_preference(tmp_path, 1, attention=True)
    token = flow.begin(store, kind)
    for choice in ("agree", "set", "garden"):
        flow.save(store, kind, token, message(flow.state(store, kind, token), choice, f"answer-{choice}"))
    assert flow.state(store, kind, token)["status"] == "ended"
    store.close()
