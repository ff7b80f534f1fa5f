"""Same or different? The collection of just noticeable differences of Manocha et al. 2020 (sections 2.1, 3.1 and 3.2).

A listener judges three blocks of ten pairs, each with a reference and a direction of perturbations of its own. In each
block two pairs are sentinels, obviously different; the strength of the other eight follows from the listener's answers.
"""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from zoo.audio import io, walk
from zoo.audio.rooms import shoebox_rooms
from zoo.errors import InputError
from zoo.jnd import blocks, perturb
from zoo.jnd.directions import Direction
from zoo.jnd.examples import SAMPLES
from zoo.jnd.listening import Procedure
from zoo.jnd.noises import NOISES, Material
from zoo.listening import renderings, sounds
from zoo.listening.screens import View
from zoo.listening.store import Item, Listener, Sound, Store, Trial
from zoo.listening.study import Kind, Settings

SAME, DIFFERENT = "same", "different"
RATE = perturb.SAMPLE_RATE
_SHORTEST_S = 1.0
_ROOMS = 16  # simulated ones
_HOP = RATE // 10
_OBVIOUS = {"noise:white": 100.0}  # of a sentinel: 5.5 dB SNR


@dataclass(frozen=True)
class JNDSettings(Settings):
    """Settings of a test of just noticeable differences.

    Attributes:
        condition: tables of name, towards ({axis: strength at rho = 100} of `zoo.jnd.perturb`), and optionally reference
            ({axis: strength}, its own perturbations) and order (of categories). None for random directions, as in the
            paper.
        most: of a random direction, the greatest number of categories, 1..5.
        search: how the next strength is chosen: "paper" takes mu, "draws" draws from the fitted Gaussian (`Procedure`).
        material: {noise: digests of its recordings}; `zoo listen jnd --noise` fills it in.
    """

    attention: bool = True
    condition: list[dict] = field(default_factory=list)
    most: int = 3
    search: str = "paper"
    material: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self):
        super().__post_init__()
        if self.search not in ("paper", "draws"):
            raise InputError(f'search = "{self.search}"; give "paper" or "draws"')
        if not 1 <= self.most <= len(perturb.CATEGORIES):
            raise InputError(f"most = {self.most}; give 1 to {len(perturb.CATEGORIES)}")
        for condition in self.condition:
            _check_condition(condition)


def _check_condition(condition):
    known = {"name", "towards", "reference", "order"}
    name = condition.get("name", "")
    if not condition.keys() <= known or not name or not condition.get("towards"):
        raise InputError(f"a [[condition]] needs a name and towards, and may have reference and order, not {condition}")
    for strengths in (condition["towards"], condition.get("reference", {})):
        try:
            for axis, strength in strengths.items():
                perturb.value(axis, strength)
        except (InputError, TypeError, ValueError) as error:
            raise InputError(f"condition {name}: {error}") from None
    if unknown := set(condition.get("order", ())) - perturb.CATEGORIES.keys():
        raise InputError(f"condition {name}: no category {', '.join(unknown)}; use {', '.join(perturb.CATEGORIES)}")


def read_items(folder: Path | str, session: Session) -> list[Item]:
    """The clips of a folder: of each recording its loudest 2.5 s, at 22,050 Hz and -16 LUFS.

    Args:
        folder: of recordings of 1 s or more.
        session: of `Store.write`.

    Returns:
        list of `Item`; its facts are {"clip": digest}.

    Raises:
        InputError: no recording, or one that is too short or silent.
    """
    names = sorted(walk.recordings(Path(folder))) if Path(folder).is_dir() else []
    if not names:
        raise InputError(f"{folder}: holds no recordings; give a folder of clean ones")
    return [
        Item(name=name, group="", facts={"clip": sounds.add(session, _clip(Path(folder) / name), RATE)})
        for name in names
    ]


def _clip(path):
    audio, _ = io.read(path, RATE, resample=True, downmix=True)
    if len(audio) < _SHORTEST_S * RATE or not audio.any():
        raise InputError(f"{path}: is silent or shorter than {_SHORTEST_S:g} s; leave it out")
    starts = range(0, max(len(audio) - SAMPLES, 0) + 1, _HOP)
    energy = np.concatenate([[0.0], np.cumsum(audio.astype("float64") ** 2)])
    start = max(starts, key=lambda place: energy[min(place + SAMPLES, len(audio))] - energy[place])
    return perturb.loudness_normalise(audio[start : start + SAMPLES])


def with_noises(settings: JNDSettings, folder: Path | str | None, session: Session) -> JNDSettings:
    """Settings with the recorded noises of a folder, which has a sub-folder for each: applause, room and the like.

    Raises:
        InputError: a sub-folder has the name of no noise, or a condition's noise is not there.
    """
    material = {}
    if folder is not None:
        for name in sorted(walk.recordings(Path(folder))):
            noise = Path(name).parts[0] if "/" in name else ""
            if noise not in NOISES:
                raise InputError(f"{folder}: {name} is in no folder of a noise; make {', '.join(NOISES[4:8])}")
            audio, _ = io.read(Path(folder) / name, RATE, resample=True, downmix=True)
            material.setdefault(noise, []).append(sounds.add(session, np.clip(audio, -1, 1), RATE))
    settings = replace(settings, material=material)
    for condition in settings.condition:
        axes = {**condition["towards"], **condition.get("reference", {})}
        if missing := [axis for axis in axes if not _is_there(axis, material)]:
            raise InputError(f"condition {condition['name']}: no recordings of {', '.join(missing)}; give --noise")
    return settings


def _is_there(axis, material):
    """Whether a noise can be had: coloured ones and sirens are made."""
    name = axis.removeprefix("noise:")
    return name == axis or name in (*NOISES[:4], "siren") or name in material


class JND(Kind):
    """A test of just noticeable differences."""

    name = "jnd"
    settings_class = JNDSettings

    def open(self, session: Session) -> None:
        """Read the noises, and simulate rooms where a direction may have one."""
        super().open(session)
        recordings = {
            name: [sounds.decode(session.get(Sound, digest).audio)[0][:, 0] for digest in digests]
            for name, digests in self.settings.material.items()
        }
        chosen = [{**each["towards"], **each.get("reference", {})} for each in self.settings.condition]
        needs_rooms = not chosen or any({"drr", "rt60"} & axes.keys() for axes in chosen)
        self.material = Material(recordings, list(shoebox_rooms(_ROOMS, 0, RATE)) if needs_rooms else [])

    def first_sound(self, item):
        """Digest of the clip."""
        return item.facts["clip"]

    def plan(self, session: Session, rng: np.random.Generator) -> list[Trial]:
        """Two trials to teach, and three blocks of ten (`zoo.jnd.blocks.paper_block`), block by block."""
        items = session.scalars(select(Item).order_by(Item.id)).all()
        chosen = [items[i] for i in rng.permutation(max(len(items), blocks.REFERENCES)) % len(items)]
        conditions = self._conditions(rng)
        trials = [_fixed(chosen[0], rho, expected, "teaching", 0, rng) for rho, expected in _TAUGHT]
        sentinels = [place // 2 for place in range(blocks.OBVIOUS)]
        order = blocks.paper_block(range(blocks.REFERENCES), sentinels, rng)
        for place, expected in sorted(order, key=lambda each: each.item):  # stable: random within a block
            item = chosen[place]
            if expected is None:
                name, direction = conditions[place]
                content = {"condition": name, "direction": asdict(direction), "exchanged": bool(rng.integers(2))}
                trials.append(Trial(screen="jnd", role="judged", block=place + 1, item_id=item.id, content=content))
            else:
                trials.append(_fixed(item, 100.0, DIFFERENT, "sentinel", place + 1, rng))
        return trials

    def _conditions(self, rng):
        """(name, direction) of each block."""
        if not self.settings.condition:
            return [self._random_direction(rng) for _ in range(blocks.REFERENCES)]
        count = len(self.settings.condition)
        drawn = rng.permutation(max(count, blocks.REFERENCES)) % count
        return [_direction(self.settings.condition[i], rng) for i in drawn[: blocks.REFERENCES]]

    def _random_direction(self, rng):
        while True:
            direction = Direction.draw(rng, self.settings.most)
            axes = {**direction.reference, **direction.towards}
            if all(_is_there(axis, self.settings.material) for axis in axes):
                return "+".join(sorted(direction.towards)), direction

    def view(self, trial: Trial) -> View:
        """Two recordings, one after the other."""
        practice = ("This is for practice. Afterwards you are told the answer.",)
        text = practice if trial.role == "teaching" else ()
        choices = ((SAME, "Exactly the same"), (DIFFERENT, "Different"))
        question = self.settings.question or "Are the two recordings the same or different?"
        return View(question, text, ("First", "Second"), ("a", "b"), choices=choices)

    def feedback(self, trial: Trial, value: dict[str, Any]) -> str:
        """What the two recordings of a trial to teach are."""
        if trial.role != "teaching":
            return ""
        right = "Right: " if value["choice"] == trial.expected else "Not so: "
        if trial.expected == SAME:
            return f"{right}they are the same recording twice."
        return f"{right}they differ, one has noise in it. Later differences can be of any kind, and much smaller."

    def prepare(self, store: Store, trial_id: int) -> None:
        """Choose the strength of a trial by the answers before it, and render its pair."""
        with store.read() as session:
            trial = session.get(Trial, trial_id)
            rho = trial.content.get("rho", None)
            rho = self._search(session, trial).next() if rho is None else rho
            item, content = trial.item, trial.content
        pair = renderings.pair(store, item, content["direction"], rho, self.material)
        shown = pair[::-1] if content["exchanged"] else pair
        with store.write() as session:
            trial = session.get(Trial, trial_id)
            if not self.is_ready(trial):
                trial.content = content | {"rho": rho, "pair": pair, "sounds": shown}

    def prepare_ahead(self, store: Store, trial_id: int) -> None:
        """Render the pair of the next trial, for either answer to this one."""
        with store.read() as session:
            trial = session.get(Trial, trial_id)
            query = select(Trial).where(Trial.listener_id == trial.listener_id, Trial.number == trial.number + 1)
            following = session.scalar(query)
            if following is None or following.screen != "jnd" or self.is_ready(following):
                return
            rhos = self._next_strengths(session, trial, following)
            item, direction = following.item, following.content["direction"]
        for rho in rhos:
            renderings.pair(store, item, direction, rho, self.material)

    def _next_strengths(self, session, trial, following):
        """Strengths that the next trial may have, for either answer to the current one."""
        if following.role != "judged":
            return [following.content["rho"]]
        is_same_block = trial.role == "judged" and trial.block == following.block
        strengths = set()
        for answer in (False, True) if is_same_block else (None,):
            search = self._search(session, following)
            if answer is not None and "rho" in trial.content and trial.answer is None:
                _record(search, trial.content["rho"], answer)
            strengths.add(search.next())
        return sorted(strengths)

    def _search(self, session, trial):
        """The procedure of a trial's block, with the answers so far."""
        query = select(Trial).join(Trial.answer).where(Trial.listener_id == trial.listener_id)
        query = query.where(Trial.block == trial.block, Trial.role == "judged").order_by(Trial.number)
        answered = session.scalars(query).all()
        search = Procedure.of_paper()
        if self.settings.search == "draws":
            # A generator for each trial, so that a restart or a second server draws the same.
            seed = session.get(Listener, trial.listener_id).seed
            search = Procedure(0.0, 100.0, np.random.default_rng([seed, trial.number]))
        for each in answered:
            _record(search, each.content["rho"], each.answer.value["choice"] == DIFFERENT)
        return search

    def answer_row(self, trial: Trial) -> dict[str, Any]:
        """The condition, its strength, the answer, and the right one of a sentinel."""
        content = trial.content
        return {
            "condition": content.get("condition", ""),
            "rho": round(content["rho"], 4),
            "answer": trial.answer.value["choice"],
            "expected": trial.expected or "",
        }

    def report(self, store, rows, folder):
        """Thresholds, the paper's checks, and the triplets."""
        from zoo.listening import jnd_report  # which loads matplotlib

        return jnd_report.sections(store, rows, folder)


_TAUGHT = ((60.0, DIFFERENT), (0.0, SAME))


def _record(search, rho, different):
    search.strengths.append(rho)
    search.answers.append(different)


def _fixed(item, rho, expected, role, block, rng):
    """A trial whose strength does not depend on answers."""
    direction = Direction({}, _OBVIOUS, tuple(perturb.CATEGORIES), int(rng.integers(2**31)))
    content = {"direction": asdict(direction), "rho": rho, "exchanged": bool(rng.integers(2))}
    return Trial(screen="jnd", role=role, block=block, item_id=item.id, content=content, expected=expected)


def _direction(condition, rng):
    order = tuple(condition.get("order", perturb.CATEGORIES))
    seed = int(rng.integers(2**31))
    return condition["name"], Direction(condition.get("reference", {}), condition["towards"], order, seed)
