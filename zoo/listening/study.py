"""A study in its database: made from a table and settings, opened again, and its kind."""

import hashlib
import importlib
import json
import tomllib
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from zoo.errors import InputError
from zoo.listening.screens import View
from zoo.listening.store import Answer, Item, Listener, Sound, Store, Study, Trial

KINDS = {"preference": "Preference", "jnd": "JND", "rate": "Rating"}  # modules and their classes
_CONSENT = """You will listen to short recordings and answer questions on them. There are no right or wrong opinions: \
what counts is what you hear.

Your answers are stored without your name. You may stop at any time by closing this page."""


@dataclass(frozen=True)
class Settings:
    """What a researcher may choose, in a TOML file; kinds add their own.

    Attributes:
        title: of the study.
        consent: text that a listener agrees to; an empty line parts paragraphs.
        question: that is asked; "" for the kind's own.
        headphones: whether headphones are screened for.
        attention: whether a word in a sentence must be recognised.
        sentence: recording of that sentence; "" for the bundled one.
        words: choices, the right one first.
        comments: whether there is a box for comments.
        completion_code: that a listener gets at the end; "" for one of each listener's own.
        return_url: address of a crowdsourcing platform to go back to; "" for none.
        misses: sentinels that may be wrong before a session is marked.
        fastest: seconds; a session whose median answer is faster is marked.
        fewest_plays: of each sound, on average; a session with fewer is marked.
    """

    title: str = "Listening test"
    consent: str = _CONSENT
    question: str = ""
    headphones: bool = False
    attention: bool = False
    sentence: str = ""
    words: list[str] = field(default_factory=list)
    comments: bool = True
    completion_code: str = ""
    return_url: str = ""
    misses: int = 0
    fastest: float = 1.0
    fewest_plays: float = 1.0

    def __post_init__(self):
        if self.sentence and len(self.words) < 2:
            raise InputError("the sentence needs words: the right one first, and others")
        if self.return_url and not self.return_url.startswith(("http://", "https://")):
            raise InputError(f"return_url {self.return_url!r} is no address; begin it with https://")

    @classmethod
    def read(cls, path: Path | str | None) -> "Settings":
        """Settings of a TOML file; the defaults without one.

        Raises:
            InputError: it cannot be read, or has a key or a value that the settings have not.
        """
        if path is None:
            return cls()
        try:
            chosen = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read as TOML ({error}); mend it") from None
        known = {each.name: each for each in fields(cls)}
        for name, value in chosen.items():
            if name not in known:
                raise InputError(f"{path}: there is no setting {name!r}; use {', '.join(known)}")
            default = getattr(cls(), name)
            if type(value) is not type(default) and not (type(default) is float and type(value) is int):
                raise InputError(f"{path}: {name} = {value!r} is no {type(default).__name__}; mend it")
        if chosen.get("sentence"):
            chosen["sentence"] = str(Path(path).parent / chosen["sentence"])
        return cls(**chosen)


class Kind:
    """A kind of study: what its trials are, what they show, and how their answers are read.

    Attributes:
        settings: of the study.
        clip: digest of the recording that the volume is set by.
    """

    name: str
    settings_class = Settings

    def __init__(self, settings: Settings):
        self.settings = settings
        self.clip = ""

    def open(self, session: Session) -> None:
        """Read what stays the same for all listeners."""
        self.clip = self.first_sound(session.scalars(select(Item).order_by(Item.id)).first())

    def first_sound(self, item: Item) -> str:
        """Digest of a sound of an item."""
        raise NotImplementedError

    def plan(self, session: Session, rng: np.random.Generator) -> list[Trial]:
        """The trials of a new listener, in order."""
        raise NotImplementedError

    def view(self, trial: Trial) -> View:
        """What the page shows of a trial."""
        raise NotImplementedError

    def answer_row(self, trial: Trial) -> dict[str, Any]:
        """The columns of an answer in answers.csv that are the kind's own."""
        raise NotImplementedError

    def report(self, store: Store, rows: list[dict[str, Any]], folder: Path) -> list[Any]:
        """Sections of the report on the answers that count (`zoo.listening.report.Section`); draws and exports."""
        raise NotImplementedError

    def is_ready(self, trial: Trial) -> bool:
        """Whether the sounds of a trial are decided on."""
        return bool(trial.content.get("sounds")) or trial.screen in ("consent", "comments")

    def prepare(self, store: Store, trial_id: int) -> None:
        """Decide on the sounds of a trial that waited for earlier answers."""

    def prepare_ahead(self, store: Store, trial_id: int) -> None:
        """Make ready what may follow a trial, whatever its answer."""

    def feedback(self, trial: Trial, value: dict[str, Any]) -> str:
        """What a listener is told of an answer; "" for nothing."""
        return ""


def open_kind(store: Store) -> Kind:
    """The kind of a study, with its settings.

    Raises:
        InputError: the database has no study.
    """
    with store.read() as session:
        study = session.get(Study, 1)
        if study is None:
            raise InputError(f"{store.address}: holds no study; make one by `zoo listen preference`, jnd or rate")
        kind = kind_class(study.kind)
        settings = kind.settings_class(**study.settings)
        opened = kind(settings)
        opened.open(session)
    return opened


def kind_class(name: str) -> type[Kind]:
    """The class of a kind by its name.

    Example:
        >>> kind_class("preference").__name__
        'Preference'
    """
    return getattr(importlib.import_module(f"zoo.listening.{name}"), KINDS[name])


def make(store: Store, name: str, settings: Settings, items: list[Item], session: Session) -> None:
    """Put a study into its database, or go on with it where it is there.

    Args:
        store: open.
        name: of the kind.
        settings: of the kind.
        items: new ones, whose sounds are in the session.
        session: of `store.write`, so that a study is whole or not there.

    Raises:
        InputError: the database has another study.
    """
    facts = [name, asdict(settings), [(item.name, item.group, item.facts) for item in items]]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    study = session.get(Study, 1)
    if study is None:
        session.add(Study(id=1, kind=name, settings=asdict(settings), digest=digest))
        session.add_all(items)
    elif study.kind != name:
        raise InputError(f"{store.address}: holds a study of the kind {study.kind}; give another --study")
    elif study.digest != digest:
        raise InputError(
            f"{store.address}: holds a study of other recordings or settings; give another --study, or go on with it "
            "by `zoo listen serve`"
        )


def counts(session: Session) -> dict[str, int]:
    """How many items, sounds, listeners and answers a study has."""
    tables = {"items": Item.id, "sounds": Sound.digest, "listeners": Listener.id, "answers": Answer.trial_id}
    return {name: session.scalar(select(func.count(column))) for name, column in tables.items()}
