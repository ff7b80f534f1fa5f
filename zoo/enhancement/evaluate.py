"""Scores of enhancers on speech in noise: of each mixture, their means by SNR, and gains of one system over another.

Imports no Keras backend.
"""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.data.speech import SAMPLE_RATE
from zoo.enhancement import measures
from zoo.enhancement.baselines import omlsa, spectral_gating, wiener
from zoo.errors import InputError
from zoo.metrics.agreement import grouped_mean

AVERAGE = "average"  # the row of all mixtures
# What a card shows beside the checkpoint: heading, and the system. An older card may lack some.
BASELINES = {
    "noisy": ("noisy", lambda noisy: noisy),
    "wiener": ("Wiener", lambda noisy: [wiener(audio, SAMPLE_RATE) for audio in noisy]),
    "omlsa": ("OM-LSA", lambda noisy: [omlsa(audio, SAMPLE_RATE) for audio in noisy]),
    "spectral_gating": ("spectral gating", lambda noisy: [spectral_gating(audio, SAMPLE_RATE) for audio in noisy]),
}


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
    for chosen, padded, lengths in measures.batches(noisy, f"enhance {system.name}"):
        for i, row in zip(chosen, system.enhance(padded, SAMPLE_RATE, lengths=lengths), strict=True):
            estimates[i] = row[: len(noisy[i])]
    return estimates


def score(system, examples: list, listener, free=None, n_jobs: int = -1) -> list[dict]:
    """Enhance mixtures, and score them by every measure of `zoo.enhancement.measures`.

    Args:
        system: an `Enhancer`, or a function of a list of noisy float32 (samples,) at 16 kHz -> the
            enhanced ones.
        examples: list of `Example`.
        listener: a JND metric.
        free: a metric without a reference; None leaves its score out.
        n_jobs: processes that score (joblib's counting).

    Returns:
        list of {"name", "snr_db", metric: score, ...}, one an example, in order; a score that cannot be computed
        (silence, too short, too long) is NaN. Higher is better for each (SI-SDR in dB) but the distance "jnd", which
        is lower. The scores of DNSMOS are there where speechmos is installed.

    Raises:
        InputError: the system gives another number of recordings or of samples.

    Example:
        >>> rows = score(enhancer, examples, zoo.load("jnd-22k"))  # needs a test set  # doctest: +SKIP
    """
    estimates = enhance(system, [example.noisy for example in examples])
    if len(estimates) != len(examples):
        raise InputError(f"the system gave {len(estimates)} recordings for {len(examples)}; it must keep each")
    scored = measures.scores([example.reference for example in examples], estimates, listener, free, n_jobs)
    keys = [{"name": example.name, "snr_db": example.snr_db} for example in examples]
    return [key | row for key, row in zip(keys, scored, strict=True)]


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
        {metric that both have: [mean difference, low, high], ..., "n", "n_failed"} over all mixtures; above 0 the system
        is better, by "jnd" below 0. A score that either failed to get is left out and counted. Intervals as in
        `results`.

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
    metrics = [metric for metric in measures.measured(rows) if metric in measures.measured(base_rows)]
    pairs = zip(rows, base_rows, strict=True)
    gained = [{metric: row[metric] - base[metric] for metric in metrics} for row, base in pairs]
    return _means([{"name": row["name"]} | gain for row, gain in zip(rows, gained, strict=True)])


def bases(name: str) -> list[str]:
    """Checkpoints that a checkpoint's gain is shown over: its network after signal losses alone."""
    name = Path(name).name  # of a directory, the last part of its path
    network = name.partition("-")[0]
    return [base for base in (f"{network}-mse-16k", f"{network}-mse-wide-16k", f"{network}-16k") if base != name]


def evaluation(scored: dict[str, list[dict]], name: str, outside: Iterable[str] = ()) -> dict:
    """The part of a card's `evaluation` that is figures.

    Args:
        scored: {name: rows of `score`} of a checkpoint, of systems of `BASELINES`, of `outside`, and of its `bases`.
        name: of the checkpoint.
        outside: names of systems that are not ours (`zoo.enhancement.outside`).

    Returns:
        {"results", "noisy", "wiener", "omlsa", "spectral_gating": `results`, "outside": {name: `results`}, where there
        are some, "gains": {"over ...": `gains`}}. `zoo.enhancement.report` adds "clean", what
        clean speech becomes, and "limits".

    Example:
        >>> row = {"name": "a", "snr_db": 6, "pesq-wb": 2.0, "pesq-nb": 2.5, "stoi": 0.8, "si-sdr": 6.0, "jnd": 0.5}
        >>> scored = {name: [row] for name in ("mine", "noisy", "wiener", "spectral_gating")}
        >>> evaluation(scored, "mine")["gains"]["over noisy"]["pesq-wb"][0]
        0.0
    """
    compared = [base for base in ("noisy", *bases(name)) if base in scored]
    others = {system: results(scored[system]) for system in outside}
    return {
        "results": results(scored[name]),
        **{system: results(scored[system]) for system in BASELINES if system in scored},
        **({"outside": others} if others else {}),
        "gains": {f"over {base}": gains(scored[name], scored[base]) for base in compared},
    }


def clean_examples(examples: list) -> list:
    """Each utterance once, without noise: what an enhancer should leave as it is.

    Args:
        examples: list of `Example`.

    Returns:
        list of `Example` whose `noisy` is their reference.

    Example:
        >>> from zoo.enhancement.examples import Example
        >>> mixtures = [Example("a", snr_db, np.ones(4), np.zeros(4)) for snr_db in (0, 6)]
        >>> [(example.name, example.noisy.tolist()) for example in clean_examples(mixtures)]
        [('a', [1.0, 1.0, 1.0, 1.0])]
    """
    utterances = {example.name: example for example in examples}
    return [replace(example, snr_db=None, noisy=example.reference) for example in utterances.values()]


def other_systems(evaluated: dict) -> dict[str, dict]:
    """What a checkpoint is shown beside: classical systems, and those from outside.

    Args:
        evaluated: as `evaluation` returns it, or the `evaluation` of a card.

    Returns:
        {heading: `results`}, of those that are there.

    Example:
        >>> list(other_systems({"noisy": {}, "wiener": {}, "outside": {"DTLN": {}}}))
        ['noisy', 'Wiener', 'DTLN']
    """
    classical = {heading: evaluated[name] for name, (heading, _) in BASELINES.items() if name in evaluated}
    return classical | evaluated.get("outside", {})


def _means(rows):
    utterances = [row["name"] for row in rows]
    metrics = measures.measured(rows)
    means = {metric: list(grouped_mean([row[metric] for row in rows], utterances)) for metric in metrics}
    failed = sum(bool(np.isnan(row[metric])) for row in rows for metric in metrics)
    return means | {"n": len(rows), "n_failed": failed}
