"""Processes that score: those of this machine, one a core, and clusters of Dask or Ray behind joblib."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

from zoo.errors import InputError

_ONE_CORE = {"TF_NUM_INTRAOP_THREADS": "1"}  # environment of a process that is one of as many as there are cores


def on_one_core(score: Callable, caller: int, pair: Any) -> Any:
    """`score(pair)`; a process that joblib started gets the environment of one core, the caller's is left alone.

    Args:
        score: pair -> row.
        caller: id of the process that asks for the score.
        pair: what to score.

    Example:
        >>> on_one_core(abs, os.getpid(), -1)
        1
    """
    if os.getpid() != caller:
        for name, value in _ONE_CORE.items():
            os.environ.setdefault(name, value)
    return score(pair)


@contextlib.contextmanager
def registered(backend: str, scheduler: str | None = None) -> Iterator[str]:
    """Register a backend with joblib for the length of the block; gives its name.

    Raises:
        InputError: its package is not installed, or no scheduler answers.

    Example:
        >>> with registered("loky") as name:
        ...     name
        'loky'
    """
    with contextlib.ExitStack() as stack:
        try:
            if backend == "dask":
                stack.enter_context(_dask_client(scheduler))  # joblib uses the client that is current
            elif backend == "ray":
                from ray.util.joblib import register_ray

                register_ray()
                _say_where("ray", os.environ.get("RAY_ADDRESS"), "RAY_ADDRESS names another")
        except ImportError as error:
            raise InputError(f"--backend {backend} needs a package that is not installed: {error.name}") from None
        yield backend


def _dask_client(scheduler):
    """A client of the scheduler that is named, or else of a cluster of this machine."""
    import dask
    import distributed

    named = scheduler or dask.config.get("scheduler-address", None)
    try:
        # Python runs one thread at a time, and TensorFlow one a core by itself.
        client = distributed.Client(named) if named else distributed.Client(threads_per_worker=1, env=_ONE_CORE)
    except (OSError, ValueError) as error:
        raise InputError(f"no Dask scheduler answers at {named}: start it, or give another --scheduler") from error
    _say_where("dask", named, "--scheduler names another")
    return client


def _say_where(backend, address, hint):
    print(f"zoo: {backend} runs at {address or f'a cluster of this machine alone; {hint}'}", file=sys.stderr)
