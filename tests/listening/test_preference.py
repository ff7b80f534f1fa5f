"""An AB preference test: its table, and who judges what."""

from collections import Counter

import numpy as np
import pytest

from tests.support.listening import RATE, Store, make_preference, write_pairs, write_table
from zoo.audio import io
from zoo.errors import InputError
from zoo.listening import flow, preference
from zoo.listening.store import Answer, Listener, Trial, now


def read(folder, table):
    store = Store(folder / "study.db", create=True)
    try:
        with store.write() as session:
            return preference.read_items(table, session)
    finally:
        store.close()


def test_a_table_may_have_a_reference_a_group_and_names(tmp_path):
    table = write_pairs(tmp_path, 1, reference="a0.wav", group="5 dB", system_a="MSE", system_b="Quality-Net")
    (item,) = read(tmp_path, table)
    assert (item.name, item.group, item.facts["systems"]) == ("item 0", "5 dB", ["MSE", "Quality-Net"])
    assert item.facts["reference"] == item.facts["a"] != item.facts["b"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"a": "a0.wav", "b": "absent.wav"}, "absent.wav"),
        ({"a": "a0.wav", "b": ""}, "line 2: lacks its a or b"),
        ({"a": "a0.wav", "b": "long.wav"}, "number of samples"),
        ({"a": "a0.wav", "b": "a0.wav", "system_a": "MSE", "system_b": "MSE"}, "compares MSE with itself"),
    ],
)
def test_rows_that_cannot_be_used_are_refused(tmp_path, row, words):
    write_pairs(tmp_path, 1)
    io.write(tmp_path / "long.wav", np.zeros(RATE), RATE)
    with pytest.raises(InputError, match=words):
        read(tmp_path, write_table(tmp_path, [row]))


def test_an_item_twice_and_a_second_rate_are_refused(tmp_path):
    write_pairs(tmp_path, 2)
    rows = [{"a": "a0.wav", "b": "b0.wav", "item": "1"}, {"a": "a1.wav", "b": "b1.wav", "item": "1"}]
    with pytest.raises(InputError, match="has 1, a, b twice"):
        read(tmp_path, write_table(tmp_path, rows))
    for name in "ab":
        io.write(tmp_path / f"{name}1.wav", np.zeros(800), 8000)
    rows[1]["item"] = "2"
    with pytest.raises(InputError, match="8000 Hz and 16000 Hz; resample"):
        read(tmp_path, write_table(tmp_path, rows))


def test_every_pair_gets_as_many_answers_and_every_side_its_half(tmp_path):
    store, kind = make_preference(tmp_path, 6, pairs=4)
    for _ in range(9):
        flow.begin(store, kind)
    with store.read() as session:
        trials = session.query(Trial).filter_by(role="judged").all()
        assert set(Counter(trial.item_id for trial in trials).values()) == {6}
        by_listener = Counter((trial.listener_id, trial.content["exchanged"]) for trial in trials)
        assert set(by_listener.values()) == {2}
        orders = {tuple(trial.item_id for trial in trials if trial.listener_id == i) for i in range(1, 10)}
        assert len(orders) > 4
    store.close()


def test_a_session_that_was_left_does_not_count(tmp_path):
    store, kind = make_preference(tmp_path, 2, pairs=1)
    flow.begin(store, kind)
    with store.write() as session:
        left = session.query(Trial).filter_by(role="judged").one().item_id
        session.query(Listener).one().begun = now() - 2 * preference._PATIENCE
    with store.read() as session:
        assert left not in preference.asked(session)
    store.close()


@pytest.mark.parametrize(("exchanged", "choice", "system"), [(False, "a", "a"), (True, "a", "b"), (True, "b", "a")])
def test_the_preferred_system_is_that_of_the_side(tmp_path, exchanged, choice, system):
    store, _ = make_preference(tmp_path, 1)
    with store.write() as session:
        trial = preference._trial(session.query(preference.Item).one(), exchanged)
        trial.item = session.query(preference.Item).one()
        trial.answer = Answer(value={"choice": choice})
        assert preference.preferred(trial) == system
        session.expunge_all()
    store.close()


def test_ties_and_a_reference_show_on_the_page(tmp_path):
    kind = preference.Preference(preference.PreferenceSettings(ties=True))
    view = kind.view(Trial(content={"sounds": ["r", "a", "b"]}))
    assert view.labels == ("Reference", "A", "B") and [value for value, _ in view.choices] == ["a", "b", "tie"]
    assert view.together and "reference" in view.title
    assert kind.view(Trial(content={"sounds": ["a", "b"]})).labels == ("A", "B")
