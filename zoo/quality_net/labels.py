"""The metric that a surrogate learns, any function of (reference, degraded, sample_rate), and its labels.

Labels are computed over all cores and stored in an SQLite file by content, so no pair is scored twice. An interrupted
run loses the chunks at hand; a killed one also those of the second after the last commit.
"""

import ctypes
import functools
import hashlib
import importlib
import math
import multiprocessing
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
from tqdm import tqdm

from zoo.errors import InputError
from zoo.metrics import speech

_COMMIT_SECONDS = 1.0  # a commit waits for the disk
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of mallopt, in malloc.h


@dataclass(frozen=True)
class Target:
    """A metric to learn.

    Attributes:
        name: of the metric; labels are cached by it, so a changed function needs a new name.
        function: (reference, degraded, sample_rate) of two float32 (samples,) -> float; NaN where it has no value.
        low, high: the scores that become 0 and 1, as in Q = (PESQ + 0.5) / 5 for -0.5 and 4.5.
        metric: the card's facts, {"name", "mode", "range", "higher_is_better"}.
    """

    name: str
    function: Callable
    low: float
    high: float
    metric: dict


def _facts(name, mode, low, high):
    return {"name": name, "mode": mode, "range": [low, high], "higher_is_better": True}


def _true(name, low, high, metric):
    return Target(name, functools.partial(speech.score_or_nan, name), low, high, metric)


TARGETS = {
    "pesq-wb": _true("pesq-wb", -0.5, 4.5, _facts("pesq", "wb", 1.04, 4.64)),
    "pesq-nb": _true("pesq-nb", -0.5, 4.5, _facts("pesq", "nb", 1.02, 4.55)),
    "stoi": _true("stoi", 0.0, 1.0, _facts("stoi", None, 0.0, 1.0)),
}


def target(name, low=0.0, high=1.0):
    """A known target by name, or one from `package.module:function` with the scores that become 0 and 1.

    Example:
        >>> target("pesq-wb").high
        4.5
    """
    if name in TARGETS:
        return TARGETS[name]
    module, _, attribute = name.partition(":")
    if not attribute:
        raise InputError(f"no metric {name!r}: use one of {', '.join(TARGETS)} or package.module:function")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # a user's own module lies in the working directory; workers inherit the path
    try:
        function = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(f"cannot import the metric {name}: {error}") from None
    return Target(name, function, low, high, _facts(name, None, low, high))


def label(batches, target, cache, sample_rate, n_jobs=-1):
    """Score batches of pairs with a target, over all cores, through a cache.

    Args:
        batches: sequence of int16 (n, 2, samples), [:, 0] references and [:, 1] degraded.
        target: a `Target`.
        cache: SQLite file, created if need be.
        sample_rate: of the audio, in Hz.
        n_jobs: processes (joblib's counting).

    Returns:
        float64 (pairs,), in order; NaN where the metric has no value (count them: `np.isnan(labels).sum()`).
    """
    Path(cache).parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(cache) as store:
        store.execute("CREATE TABLE IF NOT EXISTS labels (key BLOB PRIMARY KEY, value REAL)")
        with ThreadPoolExecutor() as threads:  # hashing lets go of Python's lock
            keys = list(threads.map(functools.partial(_keys, target=target, sample_rate=sample_rate), batches))
        known = _known(store, {key for batch in keys for key in batch})
        todo = [i for i, batch in enumerate(keys) if any(key not in known for key in batch)]
        tasks = (
            joblib.delayed(_score)(batches[i], keys[i], known.keys() & set(keys[i]), target, sample_rate) for i in todo
        )
        done = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(tasks)
        waiting, last = {}, time.monotonic()
        try:
            for scores in tqdm(done, total=len(todo), desc=f"label {target.name}", unit="chunk", disable=not todo):
                known.update(scores)
                waiting.update(scores)
                if time.monotonic() > last + _COMMIT_SECONDS:
                    _keep(store, waiting)
                    waiting, last = {}, time.monotonic()
        finally:
            _keep(store, waiting)
    return np.array([known[key] for batch in keys for key in batch])


def _keep(store, scores):
    # SQLite keeps NaN as NULL.
    rows = [(key, None if math.isnan(value) else value) for key, value in scores.items()]
    store.executemany("INSERT OR REPLACE INTO labels VALUES (?, ?)", rows)
    store.commit()


def _keys(batch, target, sample_rate):
    return [_key(pair, target, sample_rate) for pair in batch]


def _key(pair, target, sample_rate):
    digest = hashlib.blake2b(f"{target.name} {sample_rate} {pair.shape}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(pair))
    return digest.digest()


def _known(store, keys):
    rows = store.execute("SELECT key, value FROM labels")
    return {key: math.nan if value is None else value for key, value in rows if key in keys}


def _score(batch, keys, known, target, sample_rate):
    _keep_freed_memory(os.getpid())
    scores = {}
    for pair, key in zip(batch, keys, strict=True):
        if key not in known:
            reference, degraded = np.asarray(pair, "float32") / 32768
            scores[key] = float(target.function(reference, degraded, sample_rate))
    return scores


@functools.lru_cache
def _keep_freed_memory(process):
    """Let a process keep the memory of freed arrays: STOI spends a part of its time on getting pages of it back."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if multiprocessing.parent_process() and hasattr(libc, "mallopt"):  # the user's main process stays as it is
        libc.mallopt(_MMAP_THRESHOLD, 32 << 20)  # the most that it takes
        libc.mallopt(_TRIM_THRESHOLD, 256 << 20)
