"""Which of two sounds better? An AB preference test (Fu et al. 2019, III-G; Manocha et al. 2020, section 4.2).

Each listener judges some pairs, those with the fewest answers so far, in random order and with the two systems on
random sides, each side as often as the other.
"""

import datetime
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from zoo.audio import pairs
from zoo.errors import InputError
from zoo.listening import sounds
from zoo.listening.screens import View
from zoo.listening.store import Answer, Item, Listener, Trial, now
from zoo.listening.study import Kind, Settings
from zoo.metrics.preference import TIE

_PATIENCE = datetime.timedelta(hours=1)  # for a session that is open


@dataclass(frozen=True)
class PreferenceSettings(Settings):
    """Settings of a preference test.

    Attributes:
        pairs: that a listener judges; all where there are fewer.
        ties: whether "no preference" may be answered.
        misses, ...: as `Settings`; a preference has no sentinels.
    """

    pairs: int = 20
    ties: bool = False

    def __post_init__(self):
        super().__post_init__()
        if self.pairs < 1:
            raise InputError(f"pairs = {self.pairs}; give 1 or more")


def read_items(path: Path | str, session: Session) -> list[Item]:
    """The pairs of a table, their sounds stored.

    Args:
        path: CSV with the columns a and b, recordings of two systems on one item, and optionally reference, item,
            group (such as the SNR), system_a and system_b (names; default a and b). Paths are relative to its folder.
        session: of `Store.write`.

    Returns:
        list of `Item`; its facts are {"a", "b", "reference": digests, "systems": [a, b], "files": [a, b]}.

    Raises:
        InputError: a file is missing or differs from its counterpart in rate, channels or length, a pair of systems
            occurs twice on one item, or the sample rates of rows differ.
    """
    path, items, rates = Path(path), [], set()
    for number, row in enumerate(pairs.read_table(path, ("a", "b")), start=2):
        names = {key: row[key] for key in ("a", "b", "reference") if row.get(key)}
        if not {"a", "b"} <= names.keys():
            raise InputError(f"{path}, line {number}: lacks its a or b; fill it in")
        audio, rate = sounds.read_alike([path.parent / name for name in names.values()])
        rates.add(rate)
        digests = {key: sounds.add(session, each, rate) for key, each in zip(names, audio, strict=True)}
        systems = [row.get("system_a") or "a", row.get("system_b") or "b"]
        if systems[0] == systems[1]:
            raise InputError(f"{path}, line {number}: compares {systems[0]} with itself; name two systems")
        facts = digests | {"systems": systems, "files": [row["a"], row["b"]]}
        items.append(Item(name=row.get("item") or row["a"], group=row.get("group") or "", facts=facts))
    check_rates(path, rates)
    check_once(path, [(item.name, *sorted(item.facts["systems"])) for item in items])
    return items


def check_rates(path: Path, rates: set[int]) -> None:
    """Refuse recordings of more than one sample rate in a study, since a page plays at one.

    Example:
        >>> check_rates("pairs.csv", {16000})
    """
    if len(rates) > 1:
        shown = " and ".join(f"{rate} Hz" for rate in sorted(rates))
        raise InputError(f"{path}: has recordings at {shown}; resample them to one rate")


def check_once(path: Path, keys: list[tuple]) -> None:
    """Refuse rows that would ask the same twice.

    Example:
        >>> check_once("pairs.csv", [("1", "a", "b"), ("2", "a", "b")])
    """
    twice = [key for key, count in Counter(keys).items() if count > 1]
    if twice:
        raise InputError(f"{path}: has {', '.join(map(str, twice[0]))} twice; keep one of the rows, or name the items")


def asked(session: Session) -> dict[int, int]:
    """How often each item was judged, or is about to be: sessions that were left an hour ago do not count.

    Args:
        session: of the store.

    Returns:
        {id of an item: number of trials}.
    """
    counted = or_(Answer.trial_id.is_not(None), Listener.begun > now() - _PATIENCE)
    query = select(Trial.item_id, func.count()).join(Trial.listener).outerjoin(Trial.answer)
    return dict(session.execute(query.where(counted).group_by(Trial.item_id)).all())


class Preference(Kind):
    """An AB preference test."""

    name = "preference"
    settings_class = PreferenceSettings

    def first_sound(self, item):
        """Digest of system a's recording."""
        return item.facts["a"]

    def plan(self, session: Session, rng: np.random.Generator) -> list[Trial]:
        """The pairs with the fewest trials so far, ties drawn; half of them with their sides exchanged."""
        trials_of = asked(session)
        items = session.scalars(select(Item).order_by(Item.id)).all()
        drawn = [items[i] for i in rng.permutation(len(items))]
        chosen = sorted(drawn, key=lambda item: trials_of.get(item.id, 0))[: self.settings.pairs]
        exchanged = rng.permutation(np.arange(len(chosen)) % 2).astype(bool)
        order = rng.permutation(len(chosen))
        return [_trial(chosen[i], bool(exchanged[i])) for i in order]

    def view(self, trial: Trial) -> View:
        """Two recordings A and B, and the reference where there is one."""
        has_reference = len(trial.content["sounds"]) == 3
        labels, keys = (("Reference", "A", "B"), ("r", "a", "b")) if has_reference else (("A", "B"), ("a", "b"))
        default = "Which is closer to the reference?" if has_reference else "Which of the two has the better quality?"
        choices = [("a", "A"), ("b", "B")] + [(TIE, "No preference")] * self.settings.ties
        return View(self.settings.question or default, (), labels, keys, together=True, choices=tuple(choices))

    def answer_row(self, trial: Trial) -> dict[str, Any]:
        """The systems, which of them was A on the page, and the one that was preferred."""
        systems, exchanged = trial.item.facts["systems"], trial.content["exchanged"]
        return {
            "system_a": systems[0],
            "system_b": systems[1],
            "shown_as_a": systems[1] if exchanged else systems[0],
            "answer": preferred(trial),
        }

    def report(self, store, rows, folder):
        """Shares, groups and scores."""
        from zoo.listening import preference_report  # which loads matplotlib

        return preference_report.sections(rows, folder)


def _trial(item, exchanged):
    sides = ("b", "a") if exchanged else ("a", "b")
    reference = [item.facts["reference"]] if "reference" in item.facts else []
    content = {"sounds": [*reference, *(item.facts[side] for side in sides)], "exchanged": exchanged}
    return Trial(screen="preference", role="judged", item_id=item.id, content=content)


def preferred(trial: Trial) -> str:
    """The system that a listener preferred, or `TIE`."""
    choice = trial.answer.value["choice"]
    if choice == TIE:
        return TIE
    place = {"a": 0, "b": 1}[choice]
    return trial.item.facts["systems"][1 - place if trial.content["exchanged"] else place]
