"""How a session goes: it begins, shows one screen after the other, stores each answer once, and ends."""

import hashlib
import math
import re
import secrets
from typing import Any

import numpy as np
import sqlalchemy
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from zoo.errors import InputError
from zoo.listening import screens
from zoo.listening.screens import View
from zoo.listening.store import Answer, Listener, Sound, Store, Trial, now
from zoo.listening.study import Kind

_IDENTIFIER, _TOKEN = re.compile(r"[\w-]{8,64}"), re.compile(r"[0-9a-f]{64}")
_LONGEST_ID, _LONGEST_S = 200, 86400.0
_CODE = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # letters and digits that are not mistaken for each other


class Refused(InputError):
    """A request that cannot be met, with the status of its response."""

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


def begin(store: Store, kind: Kind, worker: str = "", assignment: str = "", campaign: str = "", token: str = "") -> str:
    """Begin a session: its trials are planned and stored.

    Args:
        store: of the study.
        kind: of the study.
        worker, assignment, campaign: ids of a crowdsourcing platform, "" for none.
        token: 64 hexadecimal digits that the browser drew. The same request again, such as after a lost response, then
            begins nothing new. "" for one that is drawn here.

    Returns:
        The token, a secret that the session's other requests carry.

    Raises:
        Refused: the worker has another session (409), an id is too long, or the token is none (400).
    """
    if max(map(len, (worker, assignment, campaign))) > _LONGEST_ID:
        raise Refused(f"an id has more than {_LONGEST_ID} characters", 400)
    if token and not _TOKEN.fullmatch(token):
        raise Refused("the token is not of 64 hexadecimal digits; reload the page", 400)
    token = token or secrets.token_hex(32)
    if _is_begun(store, token):
        return token
    listener = _listener(kind, token, worker, assignment, campaign)
    try:
        with store.write() as session:
            rng = np.random.default_rng(listener.seed)
            trials = screens.before(session, kind.settings, kind.clip, rng)
            trials += [*kind.plan(session, rng), *screens.after(kind.settings)]
            for number, trial in enumerate(trials):
                trial.number = number
            listener.trials = trials
            session.add(listener)
    except sqlalchemy.exc.IntegrityError:
        if not _is_begun(store, token):  # by the same request, which came twice at once
            raise Refused("this id has a session; go on in the browser in which it began", 409) from None
    return token


def _is_begun(store, token):
    with store.read() as session:
        return session.scalar(select(Listener.id).where(Listener.token == _hash(token))) is not None


def _listener(kind, token, worker, assignment, campaign):
    code = kind.settings.completion_code or "".join(secrets.choice(_CODE) for _ in range(8))
    return Listener(
        token=_hash(token), worker=worker or None, assignment=assignment, campaign=campaign, seed=secrets.randbits(31),
        code=code, begun=now(),
    )  # fmt: skip


def state(store: Store, kind: Kind, token: str) -> dict[str, Any]:
    """Where a session stands, as the page gets it.

    Args:
        store, kind: of the study.
        token: of the session.

    Returns:
        {"status": "going", "done" or "ended", "title", "done", "of": judged trials, "code", "return_url": at the end,
        "trial": the current screen, {"number", "sounds", "sample_rate", "counts": whether it is one of those, and the
        fields of `View`}, "next": {"number", "sounds"} of the trial after it, to fetch ahead}.

    Raises:
        Refused: no such session (401).
    """
    with store.read() as session:
        trials = _trials(session, token)
        current = next((trial for trial in trials if trial.answer is None), None)
        if current is None or kind.is_ready(current):
            return _state(session, kind, trials)
        waiting = current.id
    kind.prepare(store, waiting)  # outside of the session: it may take a while
    with store.read() as session:
        return _state(session, kind, _trials(session, token))


def save(store: Store, kind: Kind, token: str, message: dict[str, Any]) -> str:
    """Store an answer; when this returns it is committed. An answer to a trial that has one changes nothing.

    Args:
        store, kind: of the study.
        token: of the session.
        message: {"client_id": of the answer, the same when it is sent again, "number": of the trial, "value",
            "seconds": since the screen was shown, "plays": how often each sound was played}.

    Returns:
        What the listener is told of the answer, "" for nothing.

    Raises:
        Refused: no such session (401) or trial (404), a trial that is not the current one (409), or no answer to it
            (400).
    """
    try:
        with store.write() as session:
            trials = _trials(session, token)
            trial = next((trial for trial in trials if trial.number == message.get("number")), None)
            if trial is None:
                raise Refused("there is no such trial", 404)
            if trial.answer is None:
                current = next(trial for trial in trials if trial.answer is None)
                if trial is not current or _is_ended(trials) or not kind.is_ready(trial):
                    raise Refused("this is not the current trial; reload the page", 409)
                trial.answer = _answer(_view(kind, trial), trial, message)
            return kind.feedback(trial, trial.answer.value)
    except sqlalchemy.exc.IntegrityError:
        with store.read() as session:
            if any(trial.answer and trial.number == message["number"] for trial in _trials(session, token)):
                return ""  # the same answer twice at once, on a database with many writers
        raise Refused("the client_id is that of another answer; reload the page", 409) from None


def current_trial(store: Store, token: str) -> int | None:
    """Id of the trial that a session waits for, None at its end or where there is none."""
    left = select(Trial.id).join(Trial.listener).outerjoin(Trial.answer).where(Answer.trial_id.is_(None))
    with store.read() as session:
        return session.scalar(left.where(Listener.token == _hash(token)).order_by(Trial.number).limit(1))


def sound(store: Store, token: str, number: int, place: int) -> bytes:
    """A sound of a trial, by its place on the page.

    Raises:
        Refused: no such session (401) or sound (404).
    """
    with store.read() as session:
        query = select(Trial.content).join(Trial.listener)
        query = query.where(Listener.token == _hash(token), Trial.number == number)
        content = session.scalar(query)
        if content is None:
            _trials(session, token)
        digests = (content or {}).get("sounds", [])
        if not 0 <= place < len(digests):
            raise Refused("there is no such sound", 404)
        return session.scalar(select(Sound.audio).where(Sound.digest == digests[place]))


def _state(session, kind, trials):
    """What `state` gives, of a session's trials."""
    judged = [trial for trial in trials if _counts(trial)]
    shown = {"status": "done", "title": kind.settings.title, "of": len(judged)}
    shown["done"] = sum(trial.answer is not None for trial in judged)
    if _is_ended(trials):
        return shown | {"status": "ended"}
    left = [trial for trial in trials if trial.answer is None]
    if not left:
        return shown | {"code": trials[0].listener.code, "return_url": kind.settings.return_url}
    current, following = left[0], left[1] if len(left) > 1 else None
    shown |= {"status": "going", "trial": _shown(session, kind, current)}
    if following is not None and kind.is_ready(following):
        shown["next"] = {"number": following.number, "sounds": len(following.content.get("sounds", ()))}
    return shown


def _counts(trial):
    """Whether a trial is one of those to judge; which of them are sentinels the page is not told."""
    return trial.role in ("judged", "sentinel")


def _hash(token):
    return hashlib.sha256(token.encode()).hexdigest()


def _trials(session: Session, token: str) -> list[Trial]:
    """The trials of a session with their answers, in one query: every request needs them."""
    query = select(Trial).join(Trial.listener).where(Listener.token == _hash(token)).order_by(Trial.number)
    trials = session.scalars(query.options(joinedload(Trial.answer))).all()
    if not trials:
        raise Refused("there is no such session; open the study's address again", 401)
    return trials


def _is_ended(trials):
    """Whether the word in the sentence was not recognised: the paper goes on only after the right one."""
    return any(
        trial.screen == "attention" and trial.answer is not None and trial.answer.value["choice"] != trial.expected
        for trial in trials
    )


def _view(kind, trial) -> View:
    return screens.view(trial, kind.settings) or kind.view(trial)


def _shown(session, kind, trial):
    digests = trial.content.get("sounds", [])
    rate = session.scalar(select(Sound.sample_rate).where(Sound.digest == digests[0])) if digests else None
    facts = {
        "number": trial.number,
        "screen": trial.screen,
        "counts": _counts(trial),
        "sounds": len(digests),
        "sample_rate": rate,
    }
    return facts | _view(kind, trial).as_json()


def _answer(view, trial, message):
    """The `Answer` of a message, checked."""
    client_id, seconds, plays = (message.get(key) for key in ("client_id", "seconds", "plays"))
    n_sounds = len(trial.content.get("sounds", ()))
    right = isinstance(client_id, str) and _IDENTIFIER.fullmatch(client_id)
    right = right and isinstance(seconds, (int, float)) and math.isfinite(seconds) and 0 <= seconds <= _LONGEST_S
    right = right and isinstance(plays, list) and len(plays) == n_sounds
    if not right or not all(type(count) is int and 0 <= count < 10**6 for count in plays):
        raise Refused("the answer lacks its client_id, seconds or plays; reload the page", 400)
    try:
        value = view.check(message.get("value"))
    except InputError as error:
        raise Refused(str(error), 400) from None
    return Answer(client_id=client_id, value=value, seconds=float(seconds), plays=plays, saved=now())
