"""Alembic runs this to bring a study's tables to another version, on the connection of `zoo.listening.store.Store`."""

from alembic import context


def migrate() -> None:
    """Run the migrations in the caller's transaction, so that a study is of one version or the other."""
    context.configure(connection=context.config.attributes["connection"], render_as_batch=True)
    context.run_migrations()


if hasattr(context, "config"):  # Alembic imports it; whoever else does has no configuration
    migrate()
