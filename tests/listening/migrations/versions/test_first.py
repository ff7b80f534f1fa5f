"""The first version of the tables is that of the models, and can be undone."""

import alembic.autogenerate
import sqlalchemy
from alembic.migration import MigrationContext
from alembic.operations import Operations

import tests.support.listening  # noqa: F401 - skips where the extra is absent
from zoo.listening.migrations.versions import first
from zoo.listening.store import Base


def test_the_tables_are_those_of_the_models_and_go_again():
    with sqlalchemy.create_engine("sqlite://").connect() as connection:
        context = MigrationContext.configure(connection)
        with Operations.context(context):
            first.upgrade()
            assert not alembic.autogenerate.compare_metadata(context, Base.metadata)
            first.downgrade()
        assert not sqlalchemy.inspect(connection).get_table_names()
