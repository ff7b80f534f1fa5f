"""The report of a study: a page with tables and figures, and the tables as CSV files."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from zoo.base import files, tables
from zoo.errors import InputError
from zoo.listening import results
from zoo.listening.store import Sound, Store
from zoo.listening.study import Kind

_STYLE = """
body{font:16px/1.55 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#17202c;background:#fff}
h1{line-height:1.2}table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums;font-size:.94rem}
th,td{padding:.35rem .9rem .35rem 0;text-align:left;border-bottom:1px solid #dfe4eb}th{color:#566273;font-weight:600}
div{overflow-x:auto}img{max-width:100%;height:auto}
@media(prefers-color-scheme:dark){body{color:#e9edf3;background:#11161d}th{color:#a7b2c1}th,td{border-color:#2d3744}
img{background:#fff;border-radius:.5rem;padding:.5rem}}
"""


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        title: of the part.
        text: a paragraph, what the figures mean.
        header, rows: of its table, texts.
        figure: name of a PNG in the report's folder, "" for none.
    """

    title: str
    text: str
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    figure: str = ""


class Report(NamedTuple):
    """What a study's report says: its sections, and their tables as text."""

    sections: list[Section]
    text: str


def write(store: Store, kind: Kind, folder: Path, everyone: bool = False) -> Report:
    """Write a study's report: index.html, answers.csv, listeners.csv, and the figures and exports of its kind.

    Args:
        store, kind: of the study.
        folder: made if it is missing.
        everyone: whether answers of sessions that the rules marked count too. They are in answers.csv in any case.

    Returns:
        `Report`.

    Raises:
        InputError: no answers, none of a session that passed, or a folder that cannot be written to.
    """
    files.check_folder(folder)
    answered = results.read(store, kind)
    counted = [row for row in answered.answers if everyone or not row["rejected"]]
    if not counted:
        reasons = sorted({row["rejected"] for row in answered.listeners if row["rejected"]})
        raise InputError(f"the rules mark all sessions ({', '.join(reasons)}); --everyone counts them")
    folder.mkdir(parents=True, exist_ok=True)
    tables.write_csv(folder / "answers.csv", answered.answers)
    tables.write_csv(folder / "listeners.csv", answered.listeners)
    sections = [_listeners(answered, len(counted)), *kind.report(store, counted, folder)]
    with files.atomic_write(folder / "index.html") as temporary:
        temporary.write_text(_page(kind.settings.title, sections), encoding="utf-8")
    return Report(sections, "\n\n".join(map(_text, sections)))


def _listeners(answered, n_counted):
    """How many took part, and which sessions are marked."""
    listeners = answered.listeners
    finished = sum(row["finished"] for row in listeners)
    marked = [[str(row["listener"]), row["worker"], row["rejected"]] for row in listeners if row["rejected"]]
    text = f"{len(listeners)} took part, {finished} to the end; {len(answered.answers)} answers, {n_counted} of them count."
    header = ["marked listener", "id", "reason"] if marked else []
    return Section("Listeners", text, header, marked)


def _text(section: Section) -> str:
    table = tables.table(section.header, section.rows) if section.rows else ""
    return f"{section.title}: {section.text}\n{table}".strip()


def _page(title: str, sections: list[Section]) -> str:
    body = "".join(map(_html, sections))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><h1>{escape(title)}</h1>{body}"
        '<p><a href="answers.csv">answers.csv</a>, <a href="listeners.csv">listeners.csv</a></p></body></html>\n'
    )


def _html(section: Section) -> str:
    figure = f'<p><img src="{escape(section.figure)}" alt="{escape(section.title)}"></p>' if section.figure else ""
    return f"<h2>{escape(section.title)}</h2><p>{escape(section.text)}</p>{_table(section)}{figure}"


def _table(section: Section) -> str:
    if not section.rows:
        return ""
    head = "".join(f"<th>{escape(name)}</th>" for name in section.header)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in section.rows)
    return f"<div><table><tr>{head}</tr>{lines}</table></div>"


def splits(names: Iterable[str], held_out: dict[str, int]) -> dict[str, str]:
    """Which items are held out of a training, and for what; the same items always for the same.

    Args:
        names: of the items.
        held_out: {split: n}: one item in n is for it, at least one where there are more items than such splits.

    Returns:
        {name: split}; the others are "train".

    Example:
        >>> sorted(splits("abcdef", {"test": 3}).values())
        ['test', 'test', 'train', 'train', 'train', 'train']
    """
    drawn = sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())
    counts = {split: max(1, len(drawn) // n) for split, n in held_out.items()} if len(drawn) > len(held_out) else {}
    held = [split for split, count in counts.items() for _ in range(count)]
    return dict(zip(drawn, held + ["train"] * (len(drawn) - len(held)), strict=True))


def write_sound(session: Session, digest: str, folder: Path) -> str:
    """Write a sound into the folder audio/ of an export, once, under its digest.

    Args:
        session: of the study's store.
        digest: of the sound.
        folder: of the export's table.

    Returns:
        Its name in the table.
    """
    path = folder / "audio" / f"{digest[:20]}.wav"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.atomic_write(path) as temporary:
            temporary.write_bytes(session.scalar(select(Sound.audio).where(Sound.digest == digest)))
    return f"audio/{path.name}"


def percent(share: float) -> str:
    """A share to print, in percent.

    Example:
        >>> percent(0.731)
        '73.1 %'
    """
    return f"{100 * share:.1f} %"


def p_value(p: Any) -> str:
    """A p to print: small ones by a bound.

    Example:
        >>> p_value(0.00027), p_value(1e-9)
        ('0.00027', '< 0.0001')
    """
    return f"{p:.2g}" if p >= 1e-4 else "< 0.0001"
