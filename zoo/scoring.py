"""Scores of many pairs: by several processes or machines, in order, written as they come, resumed after a stop.

Stands below the families, whose evaluations score pairs too.
"""

import argparse
import contextlib
import csv
import functools
import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.audio.pairs import Pair
from zoo.base import files, workers
from zoo.errors import InputError

BACKENDS = ("loky", "dask", "ray")
_AHEAD = 32  # pairs a process that are handed out before the first is written


def add_arguments(parser):
    """Add --resume, --backend and --scheduler to a parser, or to a group of one: for commands over very many pairs."""
    parser.add_argument("--resume", action="store_true", help="go on with the CSV of a run that was stopped")
    parser.add_argument("--backend", choices=BACKENDS, help="of the processes, as joblib has them (loky)")
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of --backend dask, tcp://host:8786 (default: a cluster of this machine)"
    )


def check_arguments(arguments: argparse.Namespace, output: str | None, option: str) -> None:
    """Refuse arguments of `add_arguments`, or a CSV, with which pairs cannot be scored, before anything is.

    Args:
        arguments: parsed, with `resume`, `backend` and `scheduler`.
        output: path of the CSV; None or "-" where there is none.
        option: the argument that names it.

    Raises:
        InputError: they do not go together, the CSV cannot be written, or a stopped run has left rows of it.

    Example:
        >>> check_arguments(argparse.Namespace(resume=False, backend="dask", scheduler=None), "scores.csv", "--csv")
    """
    if arguments.scheduler and arguments.backend != "dask":
        raise InputError("--scheduler is the address of a Dask cluster; give --backend dask too")
    if output in (None, "-"):
        if arguments.resume:
            raise InputError(f"--resume goes on with a CSV; name it by {option}")
        return
    files.check_output(output)
    files.check_output(_part(output))
    if _part(output).exists() and not arguments.resume:
        raise _leftover(_part(output))


def _part(path):
    """Where a CSV grows."""
    return Path(f"{path}.part")


def _leftover(part):
    """What to raise rather than begin anew over rows that may have taken days."""
    return InputError(f"{part} has the rows of a run that was stopped: go on with --resume, or remove it")


def processes(text: str) -> int:
    """A number of processes, as the `type` of an argument.

    Raises:
        argparse.ArgumentTypeError: it is 0.

    Example:
        >>> processes("-1")
        -1
    """
    count = int(text)
    if not count:
        raise argparse.ArgumentTypeError("0 processes do nothing; give 1 and up, or -1 for one a core")
    return count


@dataclass
class Row:
    """A pair's scores by column, NaN where there is none, what went wrong, and what to mind about the scores."""

    pair: Pair
    scores: dict
    error: str
    warning: str = ""


def rows(
    score: Callable[[Pair], Row],
    pairs: Iterable[Pair],
    table: "Table | None" = None,
    jobs: int | None = None,
    backend: str | None = None,
    scheduler: str | None = None,
) -> Iterator[Row]:
    """Rows of pairs, in their order: those that a stopped run has written, then the others, scored and written.

    Args:
        score: `pairs.Pair` -> `Row`, with the columns of the table; called and pickled as by `scored`.
        pairs: any number of them.
        table: a `Table` that is not open yet; None writes nothing.
        jobs, backend, scheduler: as for `scored`.

    Yields:
        `Row`; it is in the table by then.

    Raises:
        InputError: as `scored` and `Table.read_back`.

    Example:
        >>> pair = Pair("b.wav", "a.wav", "b.wav")
        >>> [row.scores for row in rows(lambda pair: Row(pair, {"stoi": 0.9}, ""), [pair])]
        [{'stoi': 0.9}]
    """
    from tqdm import tqdm

    pairs, number = iter(pairs), 0
    # Pairs that cannot be read must not cost the rows of the run before, so one is read before the table opens.
    pairs = itertools.chain(list(itertools.islice(pairs, 1)), pairs)
    with table or contextlib.nullcontext():
        for number, row in enumerate(table.read_back(pairs) if table else (), start=1):
            yield row
        for row in tqdm(scored(score, pairs, jobs, backend, scheduler), unit="pair", initial=number, disable=None):
            if table:
                table.write(row)
            yield row


def scored(
    score: Callable, pairs: Iterable, jobs: int | None, backend: str | None = None, scheduler: str | None = None
) -> Iterator:
    """Scores of pairs, in their order, a bounded number of them at a time.

    Args:
        score: pair -> row; with several processes it is pickled, and so are pairs and rows.
        pairs: iterable, of any number.
        jobs: processes, joblib's counting; None is all of a `backend` that is named, and otherwise this process alone.
        backend: one of `BACKENDS`; None is loky, processes of this machine. ray uses the cluster at RAY_ADDRESS. A line
            on stderr says where dask and ray run.
        scheduler: address of a Dask scheduler; None is that of DASK_SCHEDULER_ADDRESS, or a cluster of this machine.

    Yields:
        rows.

    Raises:
        InputError: the backend's package is not installed, or no scheduler answers.

    Example:
        >>> list(scored(abs, [-1, 2], jobs=1))
        [1, 2]
    """
    if backend is None and jobs in (None, 1):
        yield from map(score, pairs)
        return
    import joblib  # late, as it takes longer to import than a pair to score

    jobs = -1 if jobs is None else jobs
    if backend in (None, "loky"):
        score = functools.partial(workers.on_one_core, score, os.getpid())
    with (
        workers.registered(backend or "loky", scheduler) as name,
        joblib.parallel_config(name, n_jobs=jobs),
        joblib.Parallel() as parallel,
    ):
        for chunk in _chunks(pairs, _AHEAD * joblib.effective_n_jobs(jobs)):
            yield from parallel(joblib.delayed(score)(pair) for pair in chunk)


def _chunks(pairs, size):
    pairs = iter(pairs)
    while chunk := list(itertools.islice(pairs, size)):
        yield chunk


@functools.cache
def meters(meter: Callable, names: tuple[str, ...]) -> dict:
    """{name: meter(name)}, built once in each process.

    Example:
        >>> meters(str.upper, ("stoi",))
        {'stoi': 'STOI'}
    """
    return {name: meter(name) for name in names}


class Table:
    """A CSV of rows that grows as `<path>.part` and becomes `<path>` when it is whole; without a row nothing is left.

    Args:
        path: of the CSV; "-" is stdout.
        columns: names of the scores.
        resume: keep the rows of an interrupted run, or of a whole one; else rows of a whole run are written anew.
        facts: names of what is in the `facts` of each pair.

    Attributes:
        part: where it grows.

    Raises:
        InputError: without `resume` there are rows of an interrupted run; or it had other columns, or its rows cannot be
            read.

    Example:
        >>> with Table("-", ["stoi"]) as table:
        ...     table.write(Row(Pair("b.wav", "a.wav", "b.wav"), {"stoi": 0.9}, ""))
        reference,degraded,stoi,error
        a.wav,b.wav,0.9,
    """

    def __init__(self, path, columns, resume=False, facts=()):
        self.path, self.columns = path, columns
        self.header = ["reference", "degraded", *facts, *columns, "error"]
        self.part = _part(path)
        if self.part.exists() and not resume and path != "-":
            raise _leftover(self.part)
        if resume and not self.part.exists() and Path(path).exists():
            shutil.copyfile(path, self.part)
        self.resume = resume and self.part.exists()
        if self.resume:
            self._cut()

    def _cut(self):
        """Drop the end of a row that a kill cut short."""
        with open(self.part, "r+b") as file:
            end = file.seek(0, os.SEEK_END)
            while end and (file.seek(end - 1), file.read(1))[1] != b"\n":
                end -= 1
            file.truncate(end)
        self.resume = end > 0
        if not end:
            self.part.unlink()

    def read_back(self, pairs: Iterator[Pair]) -> Iterator[Row]:
        """The rows of the run before; to be called before any is written.

        Args:
            pairs: iterator of the pairs of this run; those of the rows are taken from it.

        Yields:
            `Row`.

        Raises:
            InputError: a row is of other recordings than the pair in its place, or the file cannot be read.
        """
        for number, texts in enumerate(self._texts(), start=1):
            pair = next(pairs, None)
            same = pair is not None and texts[: -len(self.columns) - 1] == _name(pair)
            if not same or len(texts) != len(self.header):
                raise InputError(
                    f"row {number} of {self.part} is of other recordings: remove it, and leave out --resume"
                )
            scores = map(float, texts[-len(self.columns) - 1 : -1])
            yield Row(pair, dict(zip(self.columns, scores, strict=True)), texts[-1])

    def _texts(self):
        """The rows of the run before, lists of text."""
        if not self.resume:
            return
        try:
            with open(self.part, newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
                rows = csv.reader(file)
                if (header := next(rows)) != self.header:
                    raise InputError(
                        f"{self.part} has the columns {', '.join(header)}, not those of this run: "
                        "remove it, and leave out --resume"
                    )
                yield from rows
        except csv.Error as error:
            raise InputError(f"{self.part} cannot be read ({error}): remove it, and leave out --resume") from None

    def __enter__(self):
        self.started, self.file = self.resume, sys.stdout
        if self.path != "-":
            # Names of files may be no UTF-8. Of two runs at once only one may begin.
            options = {"newline": "", "encoding": "utf-8", "errors": "surrogateescape"}
            try:
                self.file = open(self.part, "a" if self.resume else "x", **options)
            except FileExistsError:
                raise _leftover(self.part) from None
        return self

    def write(self, row: Row) -> None:
        """Add a row."""
        self._start()
        self._write([*_name(row.pair), *row.scores.values(), row.error])

    def _start(self):
        """Write the header, once: a run that fails before its first row writes nothing."""
        if not self.started:
            self._write(self.header)
        self.started = True

    def _write(self, texts):
        csv.writer(self.file, lineterminator="\n").writerow(texts)
        self.file.flush()

    def __exit__(self, kind, *_):
        if kind is None:
            self._start()
        if self.path == "-":
            return
        self.file.close()
        if kind is None:
            self.part.replace(self.path)
        elif not self.started:
            self.part.unlink()
        elif not issubclass(kind, Exception):  # Ctrl-C, or another signal
            print(f"{self.part} has the rows so far; the same command with --resume goes on", file=sys.stderr)


def _name(pair):
    """The first cells of a row, which say what pair it is of."""
    return [str(pair.reference or ""), str(pair.degraded), *pair.facts]
