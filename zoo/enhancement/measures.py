"""What enhanced recordings are scored by: the one list of measures, and their scores of recordings.

Imports no Keras backend, for the processes that score import this module too.
"""

import os
from collections.abc import Iterable, Iterator

import joblib
import numpy as np
from tqdm import tqdm

from zoo.audio import checks
from zoo.base import workers
from zoo.data.speech import SAMPLE_RATE
from zoo.metrics import dnsmos, speech

TRUE = ("pesq-wb", "pesq-nb", "stoi", "si-sdr")
_DNSMOS = {name: f"dnsmos-{name}" for name in dnsmos.NAMES}
# Heading and decimals of each, in the order of the tables. Results may lack some, such as those of an older card.
METRICS = {
    "pesq-wb": ("PESQ wb", 2),
    "pesq-nb": ("PESQ nb", 2),
    "stoi": ("STOI", 3),
    "si-sdr": ("SI-SDR (dB)", 1),
    "jnd": ("JND distance", 2),
    "dnsmos-ovrl": ("DNSMOS OVRL", 2),
    "dnsmos-sig": ("DNSMOS SIG", 2),
    "dnsmos-bak": ("DNSMOS BAK", 2),
    "free-pesq": ("free PESQ", 2),
}
LISTENER = "jnd-22k"  # whose distance "jnd" is, in the evaluation of checkpoints
FREE = "quality-net-free-pesq-wb-16k"  # whose score "free-pesq" is
_BATCH = 16


def measured(facts: Iterable[dict]) -> list[str]:
    """The measures that any of some rows or results has, in the order of the tables.

    Example:
        >>> measured([{"n": 2, "jnd": 0.5}, {"n": 2, "pesq-wb": 2.0}])
        ['pesq-wb', 'jnd']
    """
    facts = list(facts)
    return [metric for metric in METRICS if any(metric in each for each in facts)]


def scores(references: list, estimates: list, listener, free=None, n_jobs: int = -1) -> list[dict[str, float]]:
    """Scores of recordings: the true metrics, DNSMOS where speechmos is installed, and those of networks.

    Args:
        references, estimates: float32 (samples,) at 16 kHz, of one length each. What hears the estimate alone hears it at
            a peak of 1 at most; the others take any.
        listener: a JND metric, for "jnd".
        free: a metric without a reference, for "free-pesq"; None leaves it out.
        n_jobs: processes that score (joblib's counting).

    Returns:
        list of {metric of `METRICS`: score, NaN where there is none}, in order.

    Example:
        >>> rows = scores(clean, enhanced, zoo.load("jnd-22k"))  # needs recordings  # doctest: +SKIP
    """
    # Chosen here, so that rows are alike: a process elsewhere may lack what this one has.
    names = _DNSMOS if dnsmos.available() else {}
    bounded = [estimate / max(1.0, np.abs(estimate).max(initial=0.0)) for estimate in estimates]
    pairs = [(*both, names) for both in zip(references, estimates, bounded, strict=True)]
    tasks = (joblib.delayed(workers.on_one_core)(_pair_scores, os.getpid(), pair) for pair in pairs)
    rows = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    rows = list(tqdm(rows, total=len(references), desc="score", unit="mixture", disable=None))
    for row, distance in zip(rows, _distances(listener, references, estimates), strict=True):
        row["jnd"] = distance
    if free is not None:
        for row, score in zip(rows, _free_scores(free, bounded), strict=True):
            row["free-pesq"] = score
    return rows


def batches(recordings: list, words: str) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Recordings in batches of like lengths, so that there is little padding.

    Args:
        recordings: float (samples,) each.
        words: for the bar that shows progress.

    Yields:
        Places in the list, float32 (batch, samples) padded to one length, and their lengths.

    Example:
        >>> [(places.tolist(), batch.shape) for places, batch, _ in batches([np.ones(5), np.ones(3)], "read")]
        [([1, 0], (2, 5))]
    """
    lengths = np.array([len(audio) for audio in recordings])
    order = np.argsort(lengths, kind="stable")
    for start in tqdm(range(0, len(order), _BATCH), desc=words, unit="batch", disable=None):
        chosen = order[start : start + _BATCH]
        yield chosen, _padded(recordings, chosen), lengths[chosen]


def _padded(recordings, chosen):
    return np.stack(checks.padded(*(recordings[i] for i in chosen))).astype("float32")


def _pair_scores(pair):
    """What needs no Keras: the true metrics, and DNSMOS of the bounded estimate by the names that its scores are to have."""
    reference, estimate, bounded, names = pair
    row = {metric: speech.score_or_nan(metric, reference, estimate, SAMPLE_RATE) for metric in TRUE}
    scores_alone = dnsmos.dnsmos(bounded, SAMPLE_RATE) if names else {}
    return row | {names[name]: float(score[0]) for name, score in scores_alone.items()}


def _distances(listener, references, estimates):
    """A JND metric's distance of each estimate, float (recordings,)."""
    distances = np.full(len(estimates), np.nan)
    for chosen, padded, lengths in batches(estimates, "listen"):
        pair = _padded(references, chosen), padded
        distances[chosen] = listener.distance(*pair, SAMPLE_RATE, lengths=lengths, resample=True)
    return distances


def _free_scores(free, estimates):
    """A metric's score of each estimate alone, float (recordings,)."""
    values = np.full(len(estimates), np.nan)
    for chosen, padded, lengths in batches(estimates, "score alone"):
        values[chosen] = free.score(padded, SAMPLE_RATE, lengths=lengths)
    return values
