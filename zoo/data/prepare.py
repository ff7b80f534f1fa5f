"""The data folder, made from public repositories by the manifest: one repository at a time, and resumable."""

import csv
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tqdm import tqdm

from zoo.base.files import check_folder, write_text
from zoo.data import inventory, processing, sources
from zoo.data.manifest import VERSION_FILE, Recording, recordings
from zoo.errors import InputError

_THERE = ("equal", "close")  # states of a file that need no work
_CLONES = ".repositories"  # in the data folder, for what is cloned here
# Column of a MANIFEST.csv: attribute of `Recording`.
_COLUMNS = {
    "path": "path",
    "source_repo": "repository",
    "commit": "commit",
    "original_path": "sources",
    "licence": "licence",
    "speaker_or_class": "label",
    "seconds": "seconds",
    "kind": "kind",
    "sex": "sex",
    "split": "split",
    "sample_rate": "sample_rate",
    "start_s": "start_s",
    "gain_db": "gain_db",
    "attribution": "attribution",
    "sha256": "sha256",
}
_MUSIC_COLUMNS = {
    name: _COLUMNS.get(name, name)
    for name in ("path", "source_repo", "commit", "original_path", "licence", "seconds", "notes", "sha256")
}


@dataclass
class Outcome:
    """What a run did.

    Attributes:
        counts: of recordings by (kind, state): "equal", "close" or "missing" (see `zoo.data.processing.check`).
    """

    counts: Counter = field(default_factory=Counter)

    @property
    def missing(self) -> int:
        """Number of recordings that the data folder lacks."""
        return sum(number for (_, state), number in self.counts.items() if state == "missing")


def prepare(
    data: Path | str,
    rows: list[Recording],
    version: int,
    repositories: Path | str | None = None,
    keep: bool = False,
    report: Callable[[str], None] = tqdm.write,
    base: str = sources.GITHUB,
) -> Outcome:
    """Make the files of a data folder that are not there, and its MANIFEST.csv, ATTRIBUTIONS.md and VERSION.

    Files that are there and as the manifest says are left alone, so that an interrupted run goes on. What cannot be
    made is reported, and the rest made. The tables list what the folder has, of any kind.

    Args:
        data: folder, which is made.
        rows: what to make.
        version: of the manifest that `rows` are of.
        repositories: folder of clones (see `zoo.data.sources.find`); None to clone from `base` what is needed.
        keep: whether clones that were made here stay, in `data`/.repositories.
        report: function of a line on a failure.
        base: address of the host of the repositories.

    Returns:
        `Outcome`.

    Raises:
        InputError: `data` cannot be written, `repositories` does not exist, or git is missing.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as data:
        ...     prepare(data, [], 1).missing, sorted(path.name for path in Path(data).iterdir())
        (0, ['ATTRIBUTIONS.md', 'MANIFEST.csv', 'VERSION'])
    """
    data = Path(data)
    sources.check_git()
    if repositories is not None and not Path(repositories).is_dir():
        raise InputError(f"{repositories}: is no folder of repositories; clone some there, or leave it out")
    check_folder(data)
    data.mkdir(parents=True, exist_ok=True)
    outcome = Outcome()
    with tqdm(total=len(rows), unit="file", disable=None) as progress:
        for name, group in _by_repository(rows).items():
            progress.set_description(name)
            for row, state in _states(name, group, _Place(data, repositories, keep, base), report):
                outcome.counts[row.kind, state] += 1
                progress.update()
    _write_tables(data, recordings(version=version), version)
    return outcome


def _by_repository(rows):
    groups = {}
    for row in rows:
        groups.setdefault(row.repository, []).append(row)
    return groups


@dataclass(frozen=True)
class _Place:
    """Where files go, and where repositories are."""

    data: Path
    repositories: Path | str | None
    keep: bool
    base: str


def _states(name, rows, place, report):
    """(row, state) of the rows of a repository, after what is missing was made."""
    todo = []
    for row in rows:
        state = processing.check(row, place.data / row.path)
        if state in _THERE:
            yield row, state
        else:
            todo.append(row)
    if not todo:
        return
    try:
        with _opened(name, todo, place) as repository:
            for row in todo:
                yield row, _made(row, repository, place.data / row.path, report)
    except InputError as error:
        report(f"{error}: {len(todo)} files are missing")
        yield from ((row, "missing") for row in todo)


@contextmanager
def _opened(name, rows, place):
    """A repository that has the sources of rows; what was cloned for them is removed at the end."""
    if place.repositories is not None:
        repository = sources.find(place.repositories, name)
        if repository is None:
            raise InputError(f"{name}: is not in {place.repositories}")
        yield repository
        return
    folder = place.data / _CLONES / name.replace("/", "+")
    blobs = [blob for row in rows for blob in row.blobs]
    try:
        yield sources.clone(name, folder, dict.fromkeys(row.commit for row in rows), blobs, place.base)
    finally:
        if not place.keep:
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):  # others are in it
                folder.parent.rmdir()


def _made(row, repository, path, report):
    """State of a file after it was made."""
    try:
        processing.make(row, [_content(row, repository, *names) for names in _names(row)], path)
    except InputError as error:
        report(f"{row.path}: {error}")
        return "missing"
    state = processing.check(row, path)
    if state in _THERE:
        return state
    path.unlink()
    report(f"{row.path}: differs from the manifest, and was removed")
    return "missing"


def _names(row):
    return zip(row.sources, row.blobs, strict=True)


def _content(row, repository, source, blob):
    content = repository.read(row.commit, source, blob)
    if content is None:
        raise InputError(f"{row.repository} lacks {source}")
    return content


def _write_tables(data, rows, version):
    """MANIFEST.csv, that of music/, ATTRIBUTIONS.md and VERSION, of the files that are there."""
    rows = [row for row in rows if (data / row.path).is_file()]
    _write_table(data, [row for row in rows if row.kind not in ("music", "judgments")], _COLUMNS)
    music = [replace(row, path=row.path.removeprefix("music/")) for row in rows if row.kind == "music"]
    if music:
        _write_table(data / "music", music, _MUSIC_COLUMNS)
    for name, text in (("ATTRIBUTIONS.md", inventory.attributions(rows)), (VERSION_FILE, f"{version}\n")):
        write_text(data / name, partial(_put, text))


def _put(text, file):
    file.write(text)


def _write_table(folder, rows, columns):
    def write(file):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows([_cell(getattr(row, name)) for name in columns.values()] for row in rows)

    write_text(folder / "MANIFEST.csv", write)


def _cell(value):
    return " + ".join(value) if isinstance(value, tuple) else value
