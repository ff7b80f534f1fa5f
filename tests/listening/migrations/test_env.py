"""Migrations run on the store's own connection."""

from tests.support.listening import Store


def test_a_database_is_brought_to_the_newest_version_once(tmp_path):
    for _ in range(2):
        store = Store(tmp_path / "study.db", create=True)
        with store.read() as session:
            versions = session.connection().exec_driver_sql("SELECT version_num FROM alembic_version").all()
        assert versions == [("first",)]
        store.close()
