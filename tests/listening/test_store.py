"""A study's database: made, opened again, and refused with a line that says what to do."""

import pytest
import sqlalchemy

from tests.support.listening import make_preference
from zoo.errors import InputError
from zoo.listening.store import Item, Store, Study


def test_a_study_is_there_after_it_was_closed(tmp_path):
    store, _ = make_preference(tmp_path)
    store.close()
    again = Store(tmp_path / "study.db")
    with again.read() as session:
        assert session.get(Study, 1).kind == "preference" and session.query(Item).count() == 4
    again.close()


def test_an_answer_is_on_the_disk_when_it_is_committed(tmp_path):
    store = Store(tmp_path / "study.db", create=True)
    with store.read() as session:
        settings = [session.scalar(sqlalchemy.text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")]
    assert settings == ["wal", 2]  # 2 is FULL
    store.close()


def test_a_block_that_fails_leaves_nothing(tmp_path):
    store = Store(tmp_path / "study.db", create=True)
    with pytest.raises(RuntimeError), store.write() as session:
        session.add(Study(id=1, kind="jnd", settings={}, digest=""))
        session.flush()
        raise RuntimeError
    with store.read() as session:
        assert session.get(Study, 1) is None
    store.discard()
    assert not list(tmp_path.iterdir())


def test_a_study_that_was_there_is_not_discarded(tmp_path):
    store, _ = make_preference(tmp_path)
    store.close()
    Store(tmp_path / "study.db", create=True).discard()
    assert (tmp_path / "study.db").exists()


def test_what_is_no_study_is_refused(tmp_path):
    (tmp_path / "notes.db").write_text("buy bread\n")
    for path, words in (
        (tmp_path / "notes.db", "no study's database"),
        (tmp_path / "absent.db", "no such study"),
        (tmp_path / "absent" / "study.db", "folder does not exist"),
        (tmp_path, "is a folder"),
        ("dragon://study", "no database to use"),
    ):
        with pytest.raises(InputError, match=words):
            Store(path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.db"]


def test_a_newer_version_is_refused(tmp_path):
    store = Store(tmp_path / "study.db", create=True)
    with store.write() as session:
        session.execute(sqlalchemy.text("UPDATE alembic_version SET version_num = 'later'"))
    store.close()
    with pytest.raises(InputError, match=r"newer version of the zoo \(later\)"):
        Store(tmp_path / "study.db")
