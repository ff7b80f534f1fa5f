"""The first version: study, sounds, items, listeners, trials, answers."""

from alembic import op
from sqlalchemy import JSON, Column, DateTime, Double, ForeignKey, Integer, LargeBinary, String, UniqueConstraint

revision = "first"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    _create_content()
    _create_sessions()


def _create_content():
    op.create_table(
        "study",
        Column("id", Integer, primary_key=True),
        Column("kind", String(20), nullable=False),
        Column("settings", JSON, nullable=False),
        Column("digest", String(64), nullable=False),
    )
    op.create_table(
        "sound",
        Column("digest", String(64), primary_key=True),
        Column("audio", LargeBinary, nullable=False),
        Column("sample_rate", Integer, nullable=False),
        Column("seconds", Double, nullable=False),
    )
    op.create_table(
        "rendering",
        Column("recipe", String(64), primary_key=True),
        Column("digest", String(64), ForeignKey("sound.digest"), nullable=False),
    )
    op.create_table(
        "item",
        Column("id", Integer, primary_key=True),
        Column("name", String, nullable=False),
        Column("item_group", String, nullable=False),
        Column("facts", JSON, nullable=False),
    )


def _create_sessions():
    op.create_table(
        "listener",
        Column("id", Integer, primary_key=True),
        Column("token", String(64), nullable=False, unique=True),
        Column("worker", String(200), unique=True),
        Column("assignment", String(200), nullable=False),
        Column("campaign", String(200), nullable=False),
        Column("seed", Integer, nullable=False),
        Column("code", String(40), nullable=False),
        Column("begun", DateTime, nullable=False),
    )
    op.create_table(
        "trial",
        Column("id", Integer, primary_key=True),
        Column("listener_id", Integer, ForeignKey("listener.id"), nullable=False),
        Column("number", Integer, nullable=False),
        Column("screen", String(20), nullable=False),
        Column("role", String(20), nullable=False),
        Column("block", Integer, nullable=False),
        Column("item_id", Integer, ForeignKey("item.id"), index=True),
        Column("content", JSON),
        Column("expected", String),
        UniqueConstraint("listener_id", "number"),
    )
    op.create_table(
        "answer",
        Column("trial_id", Integer, ForeignKey("trial.id"), primary_key=True),
        Column("client_id", String(64), nullable=False, unique=True),
        Column("value", JSON, nullable=False),
        Column("seconds", Double, nullable=False),
        Column("plays", JSON, nullable=False),
        Column("saved", DateTime, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("answer", "trial", "listener", "item", "rendering", "sound", "study"):
        op.drop_table(table)
