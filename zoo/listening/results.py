"""What listeners answered, as rows: answers, and listeners with the marks of their sessions."""

from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import selectinload

from zoo.errors import InputError
from zoo.listening import rules
from zoo.listening.store import Answer, Listener, Store, Trial
from zoo.listening.study import Kind


class Results(NamedTuple):
    """Rows of answers.csv and listeners.csv."""

    answers: list[dict[str, Any]]
    listeners: list[dict[str, Any]]


def read(store: Store, kind: Kind) -> Results:
    """All answers of a study.

    Args:
        store, kind: of the study.

    Returns:
        `Results`. An answer has "listener", "number", "block", "role", "item", "group", the columns of its kind, "seconds",
        "plays", "saved" and "rejected"; a listener's "rejected" has the reasons, "" for none.

    Raises:
        InputError: there is no answer yet.
    """
    answers, listeners = [], []
    load = selectinload(Listener.trials)
    query = (
        select(Listener).order_by(Listener.id).options(load.selectinload(Trial.answer), load.selectinload(Trial.item))
    )
    with store.read() as session:
        for listener in session.scalars(query):
            reasons = rules.marks(listener.trials, kind.settings)
            listeners.append(_listener_row(listener, reasons))
            judged = [trial for trial in listener.trials if trial.role in ("judged", "sentinel") and trial.answer]
            answers += [_answer_row(trial, kind, bool(reasons)) for trial in judged]
    if not answers:
        raise InputError(f"{store.address}: holds no answers yet; ask somebody")
    return Results(answers, listeners)


def forget(store: Store, name: str) -> int:
    """Delete a listener with all their answers, as they may ask for.

    Args:
        store: of the study.
        name: the worker's id, the completion code, or the listener's number in listeners.csv.

    Returns:
        How many answers were deleted.

    Raises:
        InputError: no listener, or several, has that name.
    """
    with store.write() as session:
        named = or_(Listener.worker == name, Listener.code == name)
        if name.isdecimal():
            named = or_(named, Listener.id == int(name))
        listeners = session.scalars(select(Listener).where(named)).all()
        if len(listeners) != 1:
            count = f"{len(listeners)} listeners have" if listeners else "no listener has"
            raise InputError(f"{count} the id, code or number {name!r}; listeners.csv of `zoo listen results` has them")
        trials = select(Trial.id).where(Trial.listener_id == listeners[0].id)
        deleted = session.execute(delete(Answer).where(Answer.trial_id.in_(trials))).rowcount
        session.execute(delete(Trial).where(Trial.listener_id == listeners[0].id))
        session.execute(delete(Listener).where(Listener.id == listeners[0].id))
    return deleted


def _answer_row(trial, kind, is_rejected):
    row = {"listener": trial.listener_id, "number": trial.number, "block": trial.block, "role": trial.role}
    row |= {"item": trial.item.name if trial.item else "", "group": trial.item.group if trial.item else ""}
    answer = trial.answer
    row |= kind.answer_row(trial) | {"seconds": round(answer.seconds, 3), "plays": " ".join(map(str, answer.plays))}
    return row | {"saved": f"{answer.saved.isoformat(timespec='milliseconds')}Z", "rejected": int(is_rejected)}


def _listener_row(listener, reasons):
    answered = [trial for trial in listener.trials if trial.answer is not None]
    judged = [trial for trial in answered if trial.role in ("judged", "sentinel")]
    comments = [trial.answer.value["text"] for trial in answered if trial.screen == "comments"]
    seconds = [trial.answer.seconds for trial in judged]
    return {
        "listener": listener.id,
        "worker": listener.worker or "",
        "assignment": listener.assignment,
        "campaign": listener.campaign,
        "code": listener.code,
        "begun": f"{listener.begun.isoformat(timespec='seconds')}Z",
        "finished": int(len(answered) == len(listener.trials)),
        "answers": len(judged),
        "misses": rules.misses(judged),
        "median_seconds": round(float(np.median(seconds)), 2) if seconds else "",
        "rejected": "; ".join(reasons),
        "comments": comments[0] if comments else "",
    }
