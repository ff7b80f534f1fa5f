"""Many pairs: scored by several processes or machines, in order, and written as they come; a second run goes on."""

import csv
import functools
import itertools
import os
import sys
from pathlib import Path

import joblib

from zoo.errors import InputError

BACKENDS = ("loky", "dask", "ray")
_AHEAD = 32  # pairs a process that are given out before the first is written


def scored(score, pairs, jobs, backend=None):
    """Scores of pairs, in their order, a bounded number of them at a time.

    Args:
        score: pair -> row; with several processes it is pickled, and so are pairs and rows.
        pairs: iterable, of any number.
        jobs: processes, joblib's counting; 1 stays in this one.
        backend: one of `BACKENDS`; None is loky, processes of this machine. dask asks the scheduler at
            DASK_SCHEDULER_ADDRESS, or a cluster of this machine; ray the cluster at RAY_ADDRESS.

    Yields:
        rows.

    Raises:
        InputError: the backend's package is not installed.

    Example:
        >>> list(scored(abs, [-1, 2], jobs=1))
        [1, 2]
    """
    if jobs == 1 and backend is None:
        yield from map(score, pairs)
        return
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")  # of the processes to come: one a core
    with joblib.parallel_config(_register(backend or "loky"), n_jobs=jobs), joblib.Parallel() as parallel:
        for chunk in _chunks(pairs, _AHEAD * joblib.effective_n_jobs(jobs)):
            yield from parallel(joblib.delayed(score)(pair) for pair in chunk)


def _chunks(pairs, size):
    pairs = iter(pairs)
    while chunk := list(itertools.islice(pairs, size)):
        yield chunk


def _register(backend):
    """A backend's name, known to joblib from then on."""
    try:
        if backend == "dask":
            import distributed

            distributed.Client()  # joblib finds it
        elif backend == "ray":
            from ray.util.joblib import register_ray

            register_ray()
    except ImportError as error:
        raise InputError(f"--backend {backend} needs a package that is not installed: {error.name}") from None
    return backend


@functools.cache
def meters(meter, names):
    """{name: meter(name)}, made once in each process.

    Example:
        >>> meters(str.upper, ("stoi",))
        {'stoi': 'STOI'}
    """
    return {name: meter(name) for name in names}


class Table:
    """A CSV that grows as `<path>.part` and becomes `<path>` when it is whole.

    Args:
        path: of the CSV; "-" is stdout.
        header: names of the columns.
        resume: keep the rows of an interrupted run; else they are written anew.

    Attributes:
        part: where it grows.
        kept: rows of the interrupted run, lists of text.

    Raises:
        InputError: the interrupted run had other columns.

    Example:
        >>> with Table("scores.csv", ["reference", "degraded", "stoi"], resume=True) as table:  # doctest: +SKIP
        ...     table.write(["a.wav", "b.wav", 0.9])
    """

    def __init__(self, path, header, resume):
        self.path, self.header = path, header
        self.part = Path(f"{path}.part")
        self.kept = self._recover() if resume and self.part.exists() else []

    def _recover(self):
        """Rows of the part that were written whole; what a kill cut short is dropped."""
        text = self.part.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        header, *rows = list(csv.reader(whole.decode("utf-8").splitlines())) or [self.header]
        if header != self.header:
            raise InputError(f"{self.part} is of other metrics ({', '.join(header)}): remove it, or leave out --resume")
        with open(self.part, "r+b") as file:
            file.truncate(len(whole))
        return rows

    def __enter__(self):
        mode = "a" if self.kept else "w"
        self.file = sys.stdout if self.path == "-" else open(self.part, mode, newline="", encoding="utf-8")
        if not self.kept:
            self.write(self.header)
        return self

    def write(self, row):
        """Add a row."""
        csv.writer(self.file, lineterminator="\n").writerow(row)
        self.file.flush()

    def __exit__(self, kind, *_):
        if self.path == "-":
            return
        self.file.close()
        if kind is None:
            self.part.replace(self.path)
        elif kind is KeyboardInterrupt:
            print(f"zoo: {self.part} has what was done; the same with --resume goes on", file=sys.stderr)
