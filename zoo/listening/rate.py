"""How good does it sound? Ratings on a scale of five (ACR, ITU-T P.800), or 0 to 100 beside others (MUSHRA, BS.1534).

In ACR a listener hears one recording at a time. In MUSHRA the systems of an item stand on one page, in random order, with
the reference, which is hidden among them too, and low-passed anchors.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from zoo.audio import pairs
from zoo.errors import InputError
from zoo.listening import sounds
from zoo.listening.preference import asked, check_once, check_rates
from zoo.listening.screens import View
from zoo.listening.store import Item, Trial
from zoo.listening.study import Kind, Settings

REFERENCE = "reference"  # the hidden one, as a system
ACR = (("5", "Excellent"), ("4", "Good"), ("3", "Fair"), ("2", "Poor"), ("1", "Bad"))
ANCHORS = {"anchor 3.5 kHz": 3500.0, "anchor 7 kHz": 7000.0}  # of BS.1534: the low one and the one of the mid range
MID_ANCHOR = "anchor 7 kHz"
_MOST_SYSTEMS = 15  # on a page; BS.1534 advises 12 at most


@dataclass(frozen=True)
class RatingSettings(Settings):
    """Settings of a test of ratings.

    Attributes:
        scale: "acr", 1 to 5, or "mushra", 0 to 100 with the hidden reference.
        anchors: whether MUSHRA has the anchors of BS.1534, the reference low-passed at 3.5 and 7 kHz; those that the
            sample rate allows.
        items: recordings (ACR) or pages (MUSHRA) that a listener rates; all where there are fewer.
    """

    scale: str = "acr"
    anchors: bool = True
    items: int = 20

    def __post_init__(self):
        super().__post_init__()
        if self.scale not in ("acr", "mushra"):
            raise InputError(f'scale = "{self.scale}"; give "acr" or "mushra"')
        if self.items < 1:
            raise InputError(f"items = {self.items}; give 1 or more")


def read_items(path: Path | str, settings: RatingSettings, session: Session) -> list[Item]:
    """What is rated: for ACR a recording each, for MUSHRA the systems of an item together.

    Args:
        path: CSV with the columns file, system and item, optionally group, and reference, which MUSHRA needs. Paths are
            relative to its folder.
        settings: the scale.
        session: of `Store.write`.

    Returns:
        list of `Item`; facts are {"systems": names, "sounds": digests, "files": names} and "reference", a digest.

    Raises:
        InputError: a file is missing, recordings of an item differ in rate, channels or length, an item has one system
            twice, several references or none, or the sample rates of rows differ.
    """
    path, rows = Path(path), pairs.read_table(path, ("file", "system", "item"))
    check_once(path, [(row["item"], row["system"]) for row in rows])
    if lacking := next((row for row in rows if not all((row["file"], row["system"], row["item"]))), None):
        raise InputError(
            f"{path}: a row lacks its file, system or item ({', '.join(map(str, lacking.values()))}); fill it in"
        )
    groups = defaultdict(list)
    for row in rows:
        groups[row["item"] if settings.scale == "mushra" else (row["item"], row["system"])].append(row)
    items, rates = [], set()
    for members in groups.values():
        item, rate = _item(path, members, settings, session)
        items.append(item)
        rates.add(rate)
    check_rates(path, rates)
    return items


def _item(path, members, settings, session):
    references = {row["reference"] for row in members if row.get("reference")}
    first = members[0]
    if settings.scale == "mushra" and (len(references) != 1 or len(members) > _MOST_SYSTEMS - 3):
        raise InputError(
            f"{path}: item {first['item']} has {len(references)} references and {len(members)} systems; MUSHRA takes one "
            f"reference and 1 to {_MOST_SYSTEMS - 3} systems"
        )
    if reserved := {REFERENCE, *ANCHORS} & {row["system"] for row in members}:
        raise InputError(
            f"{path}: item {first['item']} has a system {reserved.pop()!r}, which the page adds; rename it"
        )
    files = [row["file"] for row in members] + sorted(references)
    audio, rate = sounds.read_alike([path.parent / name for name in files])
    digests = [sounds.add(session, each, rate) for each in audio]
    facts = {"systems": [row["system"] for row in members], "files": files[: len(members)]}
    facts["sounds"] = digests[: len(members)]
    if references:
        facts["reference"] = digests[-1]
    if settings.scale == "mushra" and settings.anchors:
        anchors = {name: cutoff for name, cutoff in ANCHORS.items() if cutoff + 500 < rate / 2}
        facts["systems"] += anchors
        facts["sounds"] += [
            sounds.add(session, sounds.low_passed(audio[-1], rate, cutoff), rate) for cutoff in anchors.values()
        ]
    return Item(name=first["item"], group=first.get("group") or "", facts=facts), rate


class Rating(Kind):
    """A test of ratings."""

    name = "rate"
    settings_class = RatingSettings

    def first_sound(self, item):
        """Digest of the first system's recording."""
        return item.facts["sounds"][0]

    def plan(self, session: Session, rng: np.random.Generator) -> list[Trial]:
        """The items with the fewest ratings so far, in random order; on a page of MUSHRA the systems too."""
        counts, items = asked(session), session.scalars(select(Item).order_by(Item.id)).all()
        drawn = [items[i] for i in rng.permutation(len(items))]
        chosen = sorted(drawn, key=lambda item: counts.get(item.id, 0))[: self.settings.items]
        return [self._trial(chosen[i], rng) for i in rng.permutation(len(chosen))]

    def _trial(self, item, rng):
        facts = item.facts
        if self.settings.scale == "acr":
            return Trial(screen="rate", role="judged", item_id=item.id, content={"sounds": facts["sounds"][:1]})
        rated = [*zip(facts["systems"], facts["sounds"], strict=True), (REFERENCE, facts["reference"])]
        shown = [rated[i] for i in rng.permutation(len(rated))]
        content = {"systems": [name for name, _ in shown], "sounds": [facts["reference"], *(one for _, one in shown)]}
        return Trial(screen="rate", role="judged", item_id=item.id, content=content)

    def view(self, trial: Trial) -> View:
        """One recording and five words, or a reference and a scale for each of the others."""
        if self.settings.scale == "acr":
            title = self.settings.question or "How is the quality of this recording?"
            return View(title, (), ("Recording",), ("a",), choices=ACR)
        title = self.settings.question or "How good is each recording, compared with the reference?"
        text = ("One of them is the reference itself, and should get 100. Switch between them as often as you like.",)
        letters = "ABCDEFGHIJKLMNO"[: len(trial.content["systems"])]
        keys = ("r", *letters.lower())
        return View(title, text, ("Reference", *letters), keys, together=True, form="scores", rated=tuple(letters))

    def answer_row(self, trial: Trial) -> dict[str, Any]:
        """The scores, by system."""
        return {"answer": " ".join(f"{system}={score:g}" for system, score in scores(trial).items())}

    def report(self, store, rows, folder):
        """Means with intervals, post-screening, and the table to fine-tune a metric on."""
        from zoo.listening import rate_report  # which loads matplotlib

        return rate_report.sections(store, rows, folder, self.settings.scale)


def scores(trial: Trial) -> dict[str, float]:
    """{system: score} of an answered trial."""
    value = trial.answer.value
    if "choice" in value:
        return {trial.item.facts["systems"][0]: float(value["choice"])}
    return dict(zip(trial.content["systems"], map(float, value["scores"]), strict=True))
