"""Fit a surrogate's intervals on pairs that it did not learn from, and measure how often they hold the true metric."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.optimize
from matplotlib.figure import Figure

from zoo.audio import io, mix
from zoo.base import files
from zoo.checkpoint import integrity, network, preset, provenance, registry
from zoo.checkpoint.card import write_card
from zoo.data.manifest import read_manifest
from zoo.data.speech import SAMPLE_RATE, draw_noise, read_corpus
from zoo.errors import InputError
from zoo.metrics.preference import wilson
from zoo.quality_net import evaluate, examples, labels, train
from zoo.quality_net.intervals import Intervals, describe, offsets, regressors

LEVEL = 0.9
_FAMILIAR = 0.99  # share of the training pairs that lie within a distance of 1
_PENALTY = 3e-5  # of the squared weights: some 50 of them are fitted to some thousand pairs
_SECONDS = 3.0  # of a recording that is no speech
_COUNT = 48  # of those of each kind
_SNR_DB = (-5, 30)


def calibrate(directory: str | Path, recipe, data: str | Path, runs: str | Path, n_jobs: int, command: str) -> None:
    """Fit a saved surrogate's intervals, keep them in its configuration, and write how often they hold on its card.

    Fitted on its validation pairs; measured on those of both test splits, and on what is no speech. Its weights, and the
    scores, stay as they are.

    Args:
        directory: of the checkpoint.
        recipe: its `zoo.quality_net.train.Recipe`, which says how many pairs of each split.
        data, runs, n_jobs: as for `zoo.quality_net.train.prepare`.
        command: that repeats this, for the card.
    """
    directory, metric = Path(directory), preset.load(directory)
    pairs, truth = train.prepare(recipe, data, runs, "validation", n_jobs)
    metric.intervals = None
    held = scored(metric, pairs.audio, pairs.facts, truth)
    learned = train.draw(recipe, data, runs, "train", n_jobs)
    metric.intervals = fit(metric, held, descriptions(metric, learned.audio)).get_config()
    rows, tested = [], {}
    for split, name in (("test", "first test"), ("test2", "second test")):
        pairs, truth = train.prepare(recipe, data, runs, split, n_jobs)
        tested[name] = scored(metric, pairs.audio, pairs.facts, truth)
        rows += [{"pairs": f"{name}, {group}", **each} for group, each in coverage(tested[name]).items()]
    for name, audio in unlike_speech(data).items():
        truth = labels.label([audio], recipe.target(), train.labels_file(runs), SAMPLE_RATE, n_jobs)
        tested[name] = scored(metric, [audio], [{"kind": name, "snr_db": None}] * len(audio), truth)
        rows.append({"pairs": name, **coverage(tested[name])["all"]})
    config = integrity.read_json(directory, "config.json")
    config["config"]["intervals"] = metric.intervals
    with files.atomic_write(directory / "config.json") as part:
        part.write_text(json.dumps(config), encoding="utf-8")
    figure(metric, tested, directory / "intervals.png")
    facts = {
        "command": command,
        "commit": provenance.commit(),
        "level": LEVEL,
        "n_fitted": len(held.truth),
        "rows": rows,
    }
    write_card(directory, registry.info(directory) | {"intervals": facts})
    if (directory / network.FILE).is_file():
        network.write(metric, directory)


@dataclass(frozen=True)
class Scored:
    """Pairs with their true and predicted scores.

    Attributes:
        facts: list of {"kind", "snr_db"}, as `zoo.quality_net.examples.Chunks` has them.
        truth, predicted: (pairs,), in the metric's units.
        described: (pairs, n), of `intervals.describe`.
        bounds: (pairs, 2), of the intervals; None where the metric has none.
    """

    facts: list
    truth: np.ndarray
    predicted: np.ndarray
    described: np.ndarray
    bounds: np.ndarray | None = None


def scored(metric, audio: list, facts: list, truth: np.ndarray) -> Scored:
    """Score pairs, a list of int16 (pairs, 2, samples), with intervals if the metric has some."""
    results, has = [], bool(metric.intervals)
    for recordings in evaluate.recordings(metric, audio):
        results.append(metric.score(*recordings, examples.SAMPLE_RATE, clip=False, interval=has))
    predicted = np.concatenate([result[0] for result in results] if has else results)
    bounds = np.concatenate([result[1] for result in results]) if has else None
    return Scored(facts, truth, predicted, descriptions(metric, audio), bounds)


def descriptions(metric, audio) -> np.ndarray:
    """`intervals.describe` of stored pairs, a list of int16 (pairs, 2, samples)."""
    parts = []
    for recordings in evaluate.recordings(metric, audio):
        lengths = np.full(len(recordings[0]), recordings[0].shape[1])
        parts.append(describe(recordings, lengths, metric.sample_rate, metric.n_fft, metric.hop_length))
    return np.concatenate(parts)


def fit(metric, held: Scored, familiar: np.ndarray, level: float = LEVEL) -> Intervals:
    """Intervals that hold the true metric on a share `level` of pairs, half of the others on each side.

    Pinball loss of the offsets, each an exponential (`Intervals`), by L-BFGS with a small penalty of squared weights. A
    kind of degradation counts by the root of its number of pairs, so that the rare ones are not left out.

    Args:
        metric: a surrogate.
        held: pairs that it did not learn from.
        familiar: (pairs, n) descriptions of pairs that it learned from.
        level: above 0 and below 1.
    """
    worst, best = metric.target_range
    truth, quality = ((scores - worst) / (best - worst) for scores in (held.truth, held.predicted))
    usable = np.isfinite(truth) & np.isfinite(quality)
    mean = familiar.mean(axis=0)
    spread = np.cov(familiar, rowvar=False) + 1e-6 * np.eye(len(mean))
    # Triangular, so that the first coordinates are of the first numbers alone.
    whitening = np.linalg.inv(np.linalg.cholesky(spread)).T
    whitening /= np.quantile(Intervals(level, mean, whitening, None, None).distance(familiar), _FAMILIAR)
    coordinates = (held.described[usable] - mean) @ whitening
    x, further = regressors(coordinates, quality[usable])
    errors, share = truth[usable] - quality[usable], (1 + level) / 2
    kinds = np.array([pair["kind"] for pair in held.facts])[usable]
    counts = np.array([1 / np.sqrt(np.count_nonzero(kinds == kind)) for kind in kinds])
    lower, upper = (_weights(x, sign * errors / np.square(further), counts / counts.sum(), share) for sign in (-1, 1))
    return Intervals(level, mean, whitening, lower, upper)


def _weights(x, errors, counts, share):
    """Weights of the offsets that a share of the errors, each of which counts so much, lies below."""
    start = np.zeros(x.shape[1])
    start[0] = np.log(np.quantile(np.abs(errors), share))

    def loss_and_slopes(weights):
        offset = offsets(x, weights)
        above = errors > offset
        loss = np.where(above, share, share - 1) * (errors - offset)
        slopes = np.where(above, -share, 1 - share) * offset
        penalty = _PENALTY * np.append(0.0, weights[1:])
        return counts @ loss + penalty @ weights, x.T @ (counts * slopes) + 2 * penalty

    done = scipy.optimize.minimize(loss_and_slopes, start, jac=True, method="L-BFGS-B", options={"maxiter": 3000})
    return done.x


def coverage(pairs: Scored) -> dict:
    """How often the intervals hold the truth: {group: {"coverage": mean with its interval, "width", "n", "n_failed"}}.

    Groups as of `evaluate.groups`, intervals of shares by Wilson's score; "width" is the mean, in the metric's units.
    """
    results = {}
    for name, chosen in evaluate.groups(pairs.facts).items():
        truth, bounds = pairs.truth[chosen], pairs.bounds[chosen]
        usable = np.isfinite(truth) & np.isfinite(bounds).all(axis=1)
        truth, bounds = truth[usable], bounds[usable]
        held = (bounds[:, 0] <= truth) & (truth <= bounds[:, 1])
        width = float(np.diff(bounds, axis=1).mean()) if len(held) else np.nan
        results[name] = {
            "coverage": list(wilson(float(held.sum()), len(held))),
            "width": width,
            "n": len(held),
            "n_failed": int((~usable).sum()),
        }
    return results


def unlike_speech(data: str | Path) -> dict[str, np.ndarray]:
    """Pairs that no training knows: {name: int16 (pairs, 2, samples)} of music, and of clicks in silence, in noise.

    The music is that of the songs under music/test, the noise that of the test split, at -5 to 30 dB.
    """
    folder, rng = Path(data), np.random.default_rng(0)
    paths = [row["path"] for row in read_manifest(folder / "music") if row["path"].startswith("test/")]
    paths = [folder / "music" / path for path in paths if Path(path).stem == "mixture"]
    if not paths:
        raise InputError(f"{folder} has no mixture under music/test: copy one of the project's data")
    songs = [io.read(path, SAMPLE_RATE, resample=True, downmix=True)[0] for path in paths]
    noise, samples = read_corpus(folder, "test").noise, int(_SECONDS * SAMPLE_RATE)
    pairs = {"music": [], "clicks in silence": []}
    for _ in range(_COUNT):
        song = songs[rng.integers(len(songs))]
        start = rng.integers(len(song) - samples)
        clicks = np.zeros(samples)
        clicks[rng.integers(samples, size=6)] = rng.choice([-0.5, 0.5], 6)
        for name, reference in zip(pairs, (song[start : start + samples], clicks), strict=True):
            degraded = mix.mix_at_snr(reference, draw_noise(noise, samples, rng), rng.uniform(*_SNR_DB))
            scale = 0.99 / max(1, np.abs(degraded).max(), np.abs(reference).max())
            pairs[name].append(np.round(32767 * scale * np.stack([reference, degraded])).astype("int16"))
    return {name: np.stack(each) for name, each in pairs.items()}


def figure(metric, tested: dict[str, Scored], path: str | Path) -> None:
    """Draw the width of each interval, and the error inside or outside it, against how unfamiliar its pair is."""
    intervals, drawn = Intervals(**metric.intervals), Figure(figsize=(6, 4), layout="constrained")
    axes = drawn.subplots()
    for (name, pairs), colour in zip(tested.items(), ("tab:blue", "tab:green", "tab:red", "tab:orange"), strict=True):
        distance = intervals.distance(pairs.described)
        half = np.diff(pairs.bounds, axis=1)[:, 0] / 2
        axes.scatter(distance, np.abs(pairs.truth - pairs.predicted), s=5, alpha=0.5, color=colour, label=name)
        axes.scatter(distance, half, s=14, marker="_", alpha=0.5, color=colour)
    axes.axvline(1, color="black", linewidth=0.8, linestyle=":")
    axes.set(xscale="log", xlabel="how unlike the training pairs (99 % of them lie below 1)", ylim=(0, None))
    axes.set(ylabel="dots: error; dashes: half the interval", title="How sure")
    axes.legend(fontsize=8)
    with files.atomic_write(path) as part:
        drawn.savefig(part, dpi=110, format="png")
