"""The database of a study: its settings, sounds, items, listeners, trials and answers.

One SQLite file in WAL mode by default, any database that SQLAlchemy knows by its URL. Sounds lie in it too, by the hash
of their content: a study is one thing to copy, and many servers can share it.
"""

import contextlib
import datetime
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import alembic.command
import alembic.config
import alembic.migration
import alembic.script
import sqlalchemy
from sqlalchemy import JSON, ForeignKey, LargeBinary, String, UniqueConstraint, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from zoo.errors import InputError, first_line

MIGRATIONS = Path(__file__).resolve().parent / "migrations"
_WAIT = 30  # seconds for another process that writes
_CONNECTIONS = 40  # as many as a server has threads


class Base(DeclarativeBase):
    """Tables of a study."""

    type_annotation_map: ClassVar = {dict: JSON(none_as_null=True), list: JSON(none_as_null=True)}


class Study(Base):
    """What is asked: one row. `settings` are those of its kind, `digest` identifies settings and items."""

    __tablename__ = "study"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    settings: Mapped[dict]
    digest: Mapped[str] = mapped_column(String(64))


class Sound(Base):
    """A recording as browsers get it, a WAV file, by the sha256 of its bytes."""

    __tablename__ = "sound"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    audio: Mapped[bytes] = mapped_column(LargeBinary)
    sample_rate: Mapped[int]
    seconds: Mapped[float]


class Rendering(Base):
    """The sound of an item under a condition, by the sha256 of both, so that it is rendered once."""

    __tablename__ = "rendering"
    recipe: Mapped[str] = mapped_column(String(64), primary_key=True)
    digest: Mapped[str] = mapped_column(ForeignKey("sound.digest"))


class Item(Base):
    """What is judged: a pair of two systems, a clip, or recordings to rate; `facts` has the digests of its sounds."""

    __tablename__ = "item"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    group: Mapped[str] = mapped_column("item_group", default="")
    facts: Mapped[dict]


class Listener(Base):
    """One session of a listener.

    `token` is the sha256 of the secret that the browser holds. `worker`, `assignment` and `campaign` come from the URL of
    a crowdsourcing platform; nothing else is known of a person.
    """

    __tablename__ = "listener"
    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    worker: Mapped[str | None] = mapped_column(String(200), unique=True)
    assignment: Mapped[str] = mapped_column(String(200), default="")
    campaign: Mapped[str] = mapped_column(String(200), default="")
    seed: Mapped[int]
    code: Mapped[str] = mapped_column(String(40))
    begun: Mapped[datetime.datetime]
    trials: Mapped[list["Trial"]] = relationship(order_by="Trial.number", back_populates="listener")


class Trial(Base):
    """A screen that asks a listener something, in the order of `number`.

    `content` has the sounds in the order of the page and what only the server knows of them; None until the answers
    before it decide on it. `expected` is the right answer where there is one.
    """

    __tablename__ = "trial"
    __table_args__ = (UniqueConstraint("listener_id", "number"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    listener_id: Mapped[int] = mapped_column(ForeignKey("listener.id"))
    number: Mapped[int]
    screen: Mapped[str] = mapped_column(String(20))
    role: Mapped[str] = mapped_column(String(20), default="")
    block: Mapped[int] = mapped_column(default=0)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"), index=True)
    content: Mapped[dict | None]
    expected: Mapped[str | None]
    listener: Mapped[Listener] = relationship(back_populates="trials")
    item: Mapped[Item | None] = relationship()
    answer: Mapped["Answer | None"] = relationship(back_populates="trial")


class Answer(Base):
    """What a listener answered: one a trial, so that a resent one is stored once."""

    __tablename__ = "answer"
    trial_id: Mapped[int] = mapped_column(ForeignKey("trial.id"), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(64), unique=True)
    value: Mapped[dict]
    seconds: Mapped[float]
    plays: Mapped[list]
    saved: Mapped[datetime.datetime]
    trial: Mapped[Trial] = relationship(back_populates="answer")


class Store:
    """A study's database, open.

    Args:
        address: path of an SQLite file, or a URL such as postgresql://user@host/study.
        create: whether a database that has no study's tables gets them.

    Raises:
        InputError: it cannot be opened, has no study, or is of a newer version.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = Store(f"{folder}/study.db", create=True)
        ...     with store.read() as session:
        ...         print(session.get(Study, 1))
        ...     store.close()
        None
    """

    def __init__(self, address: str | Path, create: bool = False):
        self.address = str(address)
        self._new_file = "://" not in self.address and not Path(self.address).exists()
        self.is_sqlite = "://" not in self.address or self.address.startswith("sqlite")
        if self.is_sqlite and "://" not in self.address:
            _check_file(Path(self.address), create)
        # One writer at a time: the others wait here rather than poll a locked file.
        self._writing = threading.Lock() if self.is_sqlite else contextlib.nullcontext()
        self._engine = _engine(self.address)
        self._writer = self._engine.execution_options(writes=True)
        try:
            self._upgrade(create)
        except (sqlalchemy.exc.SQLAlchemyError, OSError) as error:
            self.close()
            raise InputError(
                f"{self.address}: cannot be opened ({_reason(error)}); mend that, or give another --study"
            ) from None

    @contextlib.contextmanager
    def read(self) -> Iterator[Session]:
        """A session to read in."""
        with Session(self._engine) as session:
            yield session

    @contextlib.contextmanager
    def write(self) -> Iterator[Session]:
        """A session to write in: committed, and on the disk, at the end of the block, or rolled back if it fails."""
        with self._writing, Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def discard(self) -> None:
        """Close, and remove the file if it was made here: of a study that could not be made nothing is left."""
        self.close()
        for suffix in ("", "-wal", "-shm") if self._new_file else ():
            Path(f"{self.address}{suffix}").unlink(missing_ok=True)

    def _upgrade(self, create):
        """Bring the tables to this version; migrations keep what a study holds."""
        config = alembic.config.Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        known = alembic.script.ScriptDirectory.from_config(config)
        with self._writing, self._writer.begin() as connection:
            version = alembic.migration.MigrationContext.configure(connection).get_current_revision()
            if version is None and not create:
                raise InputError(f"{self.address}: holds no study; make one by `zoo listen preference`, jnd or rate")
            if version is not None and version not in {script.revision for script in known.walk_revisions()}:
                raise InputError(f"{self.address}: was made by a newer version of the zoo ({version}); update this one")
            if version != known.get_current_head():
                config.attributes["connection"] = connection
                alembic.command.upgrade(config, "head")


def now() -> datetime.datetime:
    """The time in UTC, without a zone, as databases store it."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


def _check_file(path, create):
    if not path.parent.is_dir():
        raise InputError(f"{path}: its folder does not exist; make it first")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file in it")
    if not path.exists() and not create:
        raise InputError(f"{path}: no such study; check the path")
    if path.exists() and path.stat().st_size:
        with open(path, "rb") as file:
            if file.read(16) != b"SQLite format 3\0":
                raise InputError(f"{path}: is no study's database; give another --study")


def _engine(address):
    if "://" not in address:
        address = f"sqlite:///{address}"
    try:
        url = sqlalchemy.make_url(address)
        if url.drivername == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
        options = {"connect_args": {"timeout": _WAIT}} if url.drivername.startswith("sqlite") else {}
        engine = sqlalchemy.create_engine(url, pool_size=_CONNECTIONS, **options)
    except (sqlalchemy.exc.ArgumentError, ImportError) as error:
        raise InputError(f"{address}: no database to use ({first_line(error)}); give a file or a URL") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection, _):
    """Settings of an SQLite connection: an answer is on the disk once it is committed."""
    connection.isolation_level = None  # transactions begin in `_begin`
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection):
    """Begin; one that will write takes the lock at once, since a read lock cannot always become one."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _reason(error):
    return first_line(getattr(error, "orig", None) or error)
