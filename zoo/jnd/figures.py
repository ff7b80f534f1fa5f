"""Figures of a JND metric, as PNG: its distance along ladders of speech and music, and its calibration."""

import numpy as np
from matplotlib.figure import Figure

from zoo.base.files import atomic_write
from zoo.jnd.perturb import CATEGORIES
from zoo.jnd.rendered import SNR
from zoo.metrics.agreement import calibration_curve

_PANELS = {
    "additive noises": CATEGORIES["additive"],
    "rooms and codecs": (*CATEGORIES["reverberation"], *CATEGORIES["compression"]),
    "equaliser, pops, phases, dropouts": (*CATEGORIES["equalisation"], *CATEGORIES["other"]),
}
_BY_RATE, _RATES = ("opus", "aac", "mp3"), (256, 128, 64, 32)  # codecs whose values are kb/s, and marks of the axis


def ladders(facts: dict[str, dict], threshold: float | None, title: str, path) -> None:
    """Mean distance against the rung, a line an axis, with the metric's JND: white noise by SNR, and three panels.

    Args:
        facts: of `zoo.jnd.evaluate.ladders_report`, or of a card (None: not known).
        threshold: the distance at which half of the answers are "different"; NaN or None is not drawn.
        title: of the figure.
        path: PNG to write.

    Example:
        >>> import tempfile
        >>> evaluation = zoo.info("jnd-22k")["evaluation"]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     ladders(evaluation["ladders"], evaluation["jnd_distance"][0], "jnd-22k", f"{folder}/ladders.png")
    """
    figure = Figure(figsize=(9, 6.5), layout="constrained")
    first, *others = figure.subplots(2, 2, sharey=True).flat
    _line(first, facts[SNR]["rungs"], facts[SNR], "white noise")
    first.invert_xaxis()
    first.set(title="white noise", xlabel="SNR (dB)")
    for axes, (words, names) in zip(others, _PANELS.items(), strict=True):
        for name in names:
            _line(axes, range(len(facts[name]["rungs"])), facts[name], name.removeprefix("noise:"))
        axes.set(title=words, xlabel="rung, from mild to severe")
        axes.legend(fontsize=7, ncols=2, frameon=False)
    for axes in (first, *others):
        if threshold is not None and np.isfinite(threshold):
            axes.axhline(threshold, color="0.4", linewidth=0.8, linestyle=":")
            axes.annotate("JND", (0.01, threshold), xycoords=("axes fraction", "data"), fontsize=7, va="bottom")
        axes.set_yscale("log")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{title}: distance from the clip, mean of {facts[SNR]['n']} files, 95 % intervals", fontsize=11)
    figure.supylabel("distance")
    _save(figure, path)


def severity(facts: dict[str, dict], threshold: float, title: str, path) -> None:
    """Distance against severity over all kinds of degradation on one axis: by PESQ where it is valid, and by step.

    Where one curve fits all kinds of the first panel, the distance has one order for them.

    Args:
        facts: of `zoo.jnd.graded.ladders_report`.
        threshold: the distance at which half of the answers are "different".
        title: of the figure.
        path: PNG to write.

    Example:
        >>> import tempfile
        >>> rungs = {"values": [30, 10], "distance": [[1.0, 0.5, 1.5], [3.0, 2.0, 4.0]], "pesq": [0.5, 2.0], "rises": 1.0}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     severity({"mnru": rungs}, 1.0, "jnd-22k", f"{folder}/severity.png")
    """
    figure = Figure(figsize=(10, 5), layout="constrained")
    by_score, by_step = figure.subplots(1, 2, sharey=True)
    for number, (kind, ladder) in enumerate(facts.items()):
        style = {"color": f"C{number % 10}", "marker": "osD"[number // 10], "markersize": 3, "linewidth": 1.1}
        means = np.array([mean for mean, _, _ in ladder["distance"]]) / threshold
        if None not in ladder["pesq"]:
            by_score.plot(ladder["pesq"], means, label=kind, **style)
        by_step.plot(np.linspace(0, 1, len(means)), means, label=kind, **style)
    by_score.set(xlabel="PESQ wb below its best, MOS-LQO", ylabel="distance (JND)", title="kinds that PESQ is made for")
    by_step.set(xlabel="step, from mild to severe", title="all kinds")
    _finish_ladders(figure, by_step, f"{title}: distance against severity, means over clips", path)


def music(facts: dict, threshold: float, title: str, path) -> None:
    """Mean distance on stereo music, in JND: against the bit rate of codecs, and against the step of each kind.

    Args:
        facts: "ladders" of `zoo.jnd.graded.music_report`.
        threshold: the distance at which half of the answers are "different".
        title: of the figure.
        path: PNG to write.

    Example:
        >>> import tempfile
        >>> rungs = {"values": [64, 32], "distance": [[1.0, 0.5, 1.5], [3.0, 2.0, 4.0]]}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     music({"opus": rungs}, 1.0, "jnd-22k", f"{folder}/music.png")
    """
    figure = Figure(figsize=(10, 5), layout="constrained")
    by_rate, by_step = figure.subplots(1, 2, sharey=True)
    for number, (kind, ladder) in enumerate(facts.items()):
        style = {"color": f"C{number}", "marker": "o", "markersize": 3, "linewidth": 1.1, "label": kind}
        means = np.array([mean for mean, _, _ in ladder["distance"]]) / threshold
        if kind in _BY_RATE:
            by_rate.plot(ladder["values"], means, **style)
        by_step.plot(np.linspace(0, 1, len(means)), means, **style)
    by_rate.set(xlabel="kb/s of both channels", ylabel="distance (JND)", title="codecs by bit rate", xscale="log")
    by_rate.set_xticks(_RATES, [str(rate) for rate in _RATES])
    by_rate.minorticks_off()
    by_rate.invert_xaxis()
    by_step.set(xlabel="step, from mild to severe", title="all kinds")
    _finish_ladders(figure, by_step, f"{title}: distance on stereo music, means over pieces", path)


def _finish_ladders(figure, last, title, path):
    """A logarithmic axis of distances with the threshold, a legend in the last picture, and the title."""
    for axes in figure.axes:
        axes.axhline(1.0, color="0.4", linewidth=0.8, linestyle=":")
        axes.set_yscale("log")
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    last.legend(fontsize=7, ncols=2, frameon=False)
    figure.suptitle(title, fontsize=11)
    _save(figure, path)


def calibration(different: np.ndarray, probabilities: np.ndarray, title: str, path, bins: int = 10) -> None:
    """Share of the answers "different" against the predicted probability, in bins of equal mass, with 95 % intervals.

    Args:
        different: 1 where a listener answered "different", else 0, (n,).
        probabilities: that the metric predicted, (n,); NaNs are left out.
        title: of the figure.
        path: PNG to write.
        bins: at most so many.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     calibration(np.array([0, 1]), np.array([0.2, 0.7]), "jnd-22k", f"{folder}/calibration.png")
    """
    predicted, share, counts = calibration_curve(different, probabilities, bins)
    low, high = _wilson(share, counts)
    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="black", linewidth=0.8)
    bars = np.maximum([share - low, high - share], 0)
    axes.errorbar(predicted, share, bars, fmt="o-", color="tab:blue", markersize=4, capsize=2)
    axes.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel='predicted P("different")')
    axes.set(ylabel=f'share of "different", {int(counts.sum())} answers', title=title)
    axes.grid(alpha=0.25)
    _save(figure, path)


def _line(axes, x, facts, label):
    mean, low, high = np.array(facts["distance"], float).T  # None becomes NaN
    (line,) = axes.plot(x, mean, "o-", markersize=3, linewidth=1.2, label=label)
    axes.fill_between(x, low, high, color=line.get_color(), alpha=0.12, linewidth=0)


def _wilson(share, counts, z=1.96):
    """Wilson's interval of a binomial share."""
    centre = share + z**2 / (2 * counts)
    half = z * np.sqrt(share * (1 - share) / counts + z**2 / (4 * counts**2))
    return (centre - half) / (1 + z**2 / counts), (centre + half) / (1 + z**2 / counts)


def _save(figure, path):
    with atomic_write(path) as part:
        figure.savefig(part, format="png", dpi=100)
