"""Scores of enhancers on speech in noise: true metrics and a JND distance of each mixture, means, the paper's Table I.

Imports no Keras backend, for the processes that score import this module too.
"""

import textwrap
from pathlib import Path

import joblib
import numpy as np
from tqdm import tqdm

from zoo.audio import checks
from zoo.data.speech import SAMPLE_RATE
from zoo.enhancement.baselines import spectral_gating, wiener
from zoo.errors import InputError
from zoo.metrics import speech
from zoo.metrics.agreement import grouped_mean

_TRUE = {"pesq-wb": ("PESQ wb", 2), "pesq-nb": ("PESQ nb", 2), "stoi": ("STOI", 3), "si-sdr": ("SI-SDR (dB)", 1)}
METRICS = _TRUE | {"jnd": ("JND distance", 2)}
LISTENER = "jnd-22k"  # whose distance that is, in the evaluation of checkpoints
AVERAGE = "average"  # the row of all mixtures
# What a card shows beside the checkpoint: heading, and the system.
BASELINES = {
    "noisy": ("noisy", lambda noisy: noisy),
    "wiener": ("Wiener", lambda noisy: [wiener(audio, SAMPLE_RATE) for audio in noisy]),
    "spectral_gating": ("spectral gating", lambda noisy: [spectral_gating(audio, SAMPLE_RATE) for audio in noisy]),
}
_BATCH = 16
_MIN_WIDTH = 16  # of a column, so that headings break at their hyphens


def enhance(system, noisy: list[np.ndarray]) -> list[np.ndarray]:
    """Recordings of any lengths, enhanced by a system.

    Args:
        system: as for `score`.
        noisy: list of float32 (samples,) at 16 kHz.

    Returns:
        list of float32 (samples,), in order.

    Example:
        >>> [audio.shape for audio in enhance(lambda noisy: noisy, [np.zeros(8000, "float32")])]
        [(8000,)]
    """
    if not hasattr(system, "enhance"):
        return system(noisy)
    estimates = [None] * len(noisy)
    for chosen, padded, lengths in _batches(noisy, f"enhance {system.name}"):
        for i, row in zip(chosen, system.enhance(padded, SAMPLE_RATE, lengths=lengths), strict=True):
            estimates[i] = row[: len(noisy[i])]
    return estimates


def score(system, examples: list, listener, n_jobs: int = -1) -> list[dict]:
    """Enhance mixtures; score them by the true metrics PESQ wb and nb, STOI, SI-SDR, and by a JND distance.

    Args:
        system: an `Enhancer`, or a function of a list of noisy float32 (samples,) at 16 kHz -> the
            enhanced ones.
        examples: list of `Example`.
        listener: a JND metric.
        n_jobs: processes that score (joblib's counting).

    Returns:
        list of {"name", "snr_db", "pesq-wb", "pesq-nb", "stoi", "si-sdr", "jnd"}, one an example, in order; a score
        that cannot be computed (silence, too short, too long) is NaN. Higher is better for each (SI-SDR in dB) but
        the distance, which is lower.

    Raises:
        InputError: the system gives another number of recordings or of samples.

    Example:
        >>> rows = score(enhancer, examples, zoo.load("jnd-22k"))  # needs a test set  # doctest: +SKIP
    """
    estimates = enhance(system, [example.noisy for example in examples])
    if len(estimates) != len(examples):
        raise InputError(f"the system gave {len(estimates)} recordings for {len(examples)}; it must keep each")
    tasks = (
        joblib.delayed(_true_scores)(example.reference, estimate)
        for example, estimate in zip(examples, estimates, strict=True)
    )
    scores = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    scores = tqdm(scores, total=len(examples), desc="score", unit="mixture", disable=None)
    rows = [
        {"name": example.name, "snr_db": example.snr_db} | true for example, true in zip(examples, scores, strict=True)
    ]
    for row, distance in zip(rows, _distances(listener, examples, estimates), strict=True):
        row["jnd"] = distance
    return rows


def results(rows: list[dict]) -> dict[str, dict]:
    """A system's results as its card holds them: means by SNR and over all mixtures.

    Args:
        rows: of `score`.

    Returns:
        {row: {metric: [mean, low, high], ..., "n": mixtures, "n_failed": scores that are NaN, of all metrics}}; rows
        are the SNRs in dB, "-6", "0" and so on, rising, and "average", the mean over all mixtures. Intervals are 95 %
        bootstraps that resample utterances with all their SNRs.

    Example:
        >>> row = {"name": "a", "snr_db": 6, "pesq-wb": 2.0, "pesq-nb": 2.5, "stoi": 0.8, "si-sdr": 6.0, "jnd": 0.5}
        >>> results([row, row | {"name": "b", "pesq-wb": 3.0}])["average"]["pesq-wb"][0]
        2.5
    """
    levels = sorted({row["snr_db"] for row in rows if row["snr_db"] is not None})
    groups = {f"{level:g}": [row for row in rows if row["snr_db"] == level] for level in levels}
    return {group: _means(chosen) for group, chosen in (groups | {AVERAGE: rows}).items()}


def gains(rows: list[dict], base_rows: list[dict]) -> dict:
    """Mean gain of a system over another one, mixture by mixture.

    Args:
        rows, base_rows: of `score`, of the same mixtures.

    Returns:
        {metric: [mean difference, low, high], ..., "n", "n_failed"} over all mixtures; above 0 the system is better, by
        "jnd" below 0. A score that either failed to get is left out and counted. Intervals as in `results`.

    Raises:
        InputError: the mixtures differ.

    Example:
        >>> row = {"name": "a", "snr_db": 6, "pesq-wb": 2.0, "pesq-nb": 2.5, "stoi": 0.8, "si-sdr": 6.0, "jnd": 0.5}
        >>> gains([row | {"pesq-wb": 2.5}], [row])["pesq-wb"][0]
        0.5
    """
    mixtures, base_mixtures = ([(row["name"], row["snr_db"]) for row in each] for each in (rows, base_rows))
    if mixtures != base_mixtures:
        raise InputError("the rows are of different mixtures; score both systems on the same examples")
    both = zip(rows, base_rows, strict=True)
    return _means([row | {metric: row[metric] - base[metric] for metric in METRICS} for row, base in both])


def bases(name: str) -> list[str]:
    """Checkpoints that a checkpoint's gain is shown over: its network after squared error, at both ranges of SNR."""
    name = Path(name).name  # of a directory, the last part of its path
    network = name.partition("-")[0]
    return [base for base in (f"{network}-mse-16k", f"{network}-mse-wide-16k") if base != name]


def evaluation(scored: dict[str, list[dict]], name: str) -> dict:
    """The part of a card's `evaluation` that is figures.

    Args:
        scored: {name: rows of `score`} of a checkpoint and of every system of `BASELINES`, and of its `bases`.
        name: of the checkpoint.

    Returns:
        {"results", "noisy", "wiener", "spectral_gating": `results`, "gains": {"over ...": `gains`}}.

    Example:
        >>> row = {"name": "a", "snr_db": 6, "pesq-wb": 2.0, "pesq-nb": 2.5, "stoi": 0.8, "si-sdr": 6.0, "jnd": 0.5}
        >>> scored = {name: [row] for name in ("mine", "noisy", "wiener", "spectral_gating")}
        >>> evaluation(scored, "mine")["gains"]["over noisy"]["pesq-wb"][0]
        0.0
    """
    compared = [base for base in ("noisy", *bases(name)) if base in scored]
    return {
        "results": results(scored[name]),
        **{system: results(scored[system]) for system in BASELINES},
        "gains": {f"over {base}": gains(scored[name], scored[base]) for base in compared},
    }


def table(columns: dict[str, dict]) -> str:
    """The paper's Table I as text: a block for each metric, rows by SNR and average, a column for each system.

    Args:
        columns: {heading: `results` of a system}, or such of cards, where None stands for NaN.

    Returns:
        str of lines, without a newline at the end; a cell is "mean [low, high]", "-" where nothing has a score.

    Example:
        >>> row = {"name": "a", "snr_db": 6, "pesq-wb": 2.0, "pesq-nb": 2.5, "stoi": 0.8, "si-sdr": 6.0, "jnd": 0.5}
        >>> print("\\n".join(table({"noisy": results([row])}).splitlines()[:4]))
        PESQ wb
        SNR (dB)             noisy
        6                     2.00
        average               2.00
    """
    names = list(next(iter(columns.values())))
    blocks = []
    for metric, (title, decimals) in METRICS.items():
        rows = [[name, *(_cell(results[name][metric], decimals) for results in columns.values())] for name in names]
        blocks.append(_aligned(title, "SNR (dB)", columns, rows))
    headings = {"mixtures": "n", "failed scores": "n_failed"}
    counts = [[words, *(str(facts[AVERAGE][key]) for facts in columns.values())] for words, key in headings.items()]
    blocks.append(_aligned("Counts", "", columns, counts))
    return "\n\n".join(blocks)


def gain_table(gains_by_name: dict[str, dict]) -> str:
    """Gains as text, a line each.

    Args:
        gains_by_name: {"system over another": `gains`}.

    Returns:
        str of lines, without a newline at the end; cells as in `table`.

    Example:
        >>> row = {"name": "a", "snr_db": 6, "pesq-wb": 2.0, "pesq-nb": 2.5, "stoi": 0.8, "si-sdr": 6.0, "jnd": 0.5}
        >>> gain = gains([row | {"stoi": 0.9}], [row])
        >>> print(gain_table({"Wiener over noisy": gain}).splitlines()[-1])
        Wiener over noisy             +0.00             +0.00            +0.100              +0.0             +0.00
    """
    headings = [title for title, _ in METRICS.values()]
    rows = [
        [words, *(_cell(gain[metric], decimals, "+") for metric, (_, decimals) in METRICS.items())]
        for words, gain in gains_by_name.items()
    ]
    return _aligned("Gains, mean over all mixtures", "", headings, rows)


def records(columns: dict[str, dict]) -> list[dict]:
    """The paper's Table I as records for a CSV file.

    Args:
        columns: as for `table`.

    Returns:
        list of {"system", "snr_db", "n", "n_failed", metric, metric + " low", metric + " high", ...}, one a system and
        row of its results.

    Example:
        >>> row = {"name": "a", "snr_db": 6, "pesq-wb": 2.0, "pesq-nb": 2.5, "stoi": 0.8, "si-sdr": 6.0, "jnd": 0.5}
        >>> [record["snr_db"] for record in records({"noisy": results([row])})]
        ['6', 'average']
    """
    rows = []
    for system, by_row in columns.items():
        for name, facts in by_row.items():
            record = {"system": system, "snr_db": name, "n": facts["n"], "n_failed": facts["n_failed"]}
            for metric in METRICS:
                record |= zip((metric, f"{metric} low", f"{metric} high"), facts[metric], strict=True)
            rows.append(record)
    return rows


def _batches(recordings, words):
    """(places, recordings padded to one length, lengths) of like lengths, so that there is little padding."""
    lengths = np.array([len(audio) for audio in recordings])
    order = np.argsort(lengths, kind="stable")
    for start in tqdm(range(0, len(order), _BATCH), desc=words, unit="batch", disable=None):
        chosen = order[start : start + _BATCH]
        yield chosen, _padded(recordings, chosen), lengths[chosen]


def _padded(recordings, chosen):
    return np.stack(checks.padded(*(recordings[i] for i in chosen))).astype("float32")


def _true_scores(reference, estimate):
    return {metric: speech.score_or_nan(metric, reference, estimate, SAMPLE_RATE) for metric in _TRUE}


def _distances(listener, examples, estimates):
    """A JND metric's distance of each estimate, float (examples,)."""
    distances, references = np.full(len(examples), np.nan), [example.reference for example in examples]
    for chosen, padded, lengths in _batches(estimates, "listen"):
        pair = _padded(references, chosen), padded
        distances[chosen] = listener.distance(*pair, SAMPLE_RATE, lengths=lengths, resample=True)
    return distances


def _means(rows):
    utterances = [row["name"] for row in rows]
    means = {metric: list(grouped_mean([row[metric] for row in rows], utterances)) for metric in METRICS}
    failed = sum(bool(np.isnan(row[metric])) for row in rows for metric in METRICS)
    return means | {"n": len(rows), "n_failed": failed}


def _cell(triple, decimals, sign=""):
    mean, *interval = np.array(triple, float)  # None becomes NaN
    if np.isnan(mean):
        return "-"
    mean, low, high = (f"{value:{sign}z.{decimals}f}" for value in (mean, *interval))
    return mean if np.isnan(interval).any() else f"{mean} [{low}, {high}]"


def _aligned(title, corner, columns, rows):
    """A block of text: the title, headings broken at hyphens to the width of their column, then the rows."""
    width = max(_MIN_WIDTH, *(len(cell) for row in rows for cell in row[1:]))
    headings = [textwrap.wrap(heading, width) for heading in columns]
    depth = max(map(len, headings))
    lines = [[""] * (depth - len(heading)) + heading for heading in headings]
    head = [[corner if i == depth - 1 else "", *(line[i] for line in lines)] for i in range(depth)]
    first = max(len(row[0]) for row in (*head, *rows))
    shown = ["  ".join([row[0].ljust(first), *(cell.rjust(width) for cell in row[1:])]).rstrip() for row in head + rows]
    return "\n".join([title, *shown])
