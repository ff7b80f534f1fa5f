"""The paper's Figures 2 and 3 for our networks, and scores of systems over SNR, as PNG."""

from io import BytesIO
from itertools import cycle

import numpy as np
import scipy.signal
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image

from zoo.base.files import atomic_write
from zoo.enhancement.evaluate import AVERAGE, BASELINES
from zoo.enhancement.measures import METRICS
from zoo.metrics import speech

_N_FFT = 512
_HOP_LENGTH = 128
_RANGE_DB = 70  # of the colours, below the loudest bin of all panels
_OVER_SNR = ("pesq-wb", "stoi", "si-sdr", "dnsmos-ovrl")
_GREYS, _MARKERS = ("0.15", "0.4", "0.55", "0.7"), "osD^vPX*<>"
# Strong ones, then the pale ones; no greys, which are the classical systems'.
_COLOURS = [rgb for rgb in (*colormaps["tab20"].colors[::2], *colormaps["tab20"].colors[1::2]) if len({*rgb}) > 1]
_CLASSICAL = [heading for heading, _ in BASELINES.values()]
_TRUE, _PREDICTED = "tab:blue", "tab:orange"


def learning(trainings: dict[str, dict], path) -> None:
    """True and predicted PESQ of the validation set against iterations, a panel a training (paper, Figure 2).

    Where predicted PESQ rises and true PESQ falls, the surrogate is fooled. The checkpoint's iteration is marked.

    Args:
        trainings: {title: `training` of a card}, with "curve": {"iteration", "pesq-wb", "predicted"} (None: not
            known) and "best_iteration".
        path: PNG to write.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     learning({"blstm-mse-16k": zoo.info("blstm-mse-16k")["training"]}, f"{folder}/learning.png")
    """
    figure = Figure(figsize=(max(5.2, 3.6 * len(trainings)), 3.6), layout="constrained")
    panels = figure.subplots(1, len(trainings), sharey=True, squeeze=False)[0]
    for axes, (title, training) in zip(panels, trainings.items(), strict=True):
        _learning_panel(axes, title, training)
    panels[0].set_ylabel("mean PESQ wb, validation")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    _save(figure, path)


def spectrograms(reference: np.ndarray, systems: dict[str, np.ndarray], sample_rate: int, path) -> None:
    """Log spectrograms of one mixture, clean and by each system, with its PESQ wb or NaN (paper, Figure 3).

    Periodic Hamming window of 512 samples, hop 128. One scale of colours for all: 70 dB below the loudest bin.

    Args:
        reference: clean speech, float32 (samples,).
        systems: {title: float32 (samples,)}, such as the noisy mixture and the output of enhancers.
        sample_rate: Hz; 16000, as PESQ wb wants it.
        path: PNG to write.

    Example:
        >>> import tempfile
        >>> noise = np.random.default_rng(0).standard_normal(16000)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     spectrograms(noise, {"half": noise / 2}, 16000, f"{folder}/spectrograms.png")
    """
    signals = {"clean": reference} | systems
    decibels = [_decibels(audio, sample_rate) for audio in signals.values()]
    top = max(spectrum.max() for spectrum in decibels)
    columns = -(-len(signals) // 2)
    figure = Figure(figsize=(3.4 * columns + 0.8, 5), layout="constrained")
    grid = figure.subplots(2, columns, sharex=True, sharey=True, squeeze=False)
    seconds = len(reference) / sample_rate
    for axes, (title, audio), spectrum in zip(grid.flat, signals.items(), decibels, strict=False):
        image = axes.imshow(
            spectrum - top, origin="lower", aspect="auto", extent=(0, seconds, 0, sample_rate / 2000), cmap="magma",
            vmin=-_RANGE_DB, vmax=0,
        )  # fmt: skip
        (pesq,) = speech.pesq(reference, audio, sample_rate)
        axes.set_title(f"{title}\nPESQ {pesq:.2f}", fontsize=9)
        axes.xaxis.set_tick_params(labelbottom=True)
    for axes in grid.flat[len(signals) :]:
        axes.set_visible(False)
    figure.supxlabel("time (s)", fontsize=10)
    figure.supylabel("frequency (kHz)", fontsize=10)
    figure.colorbar(image, ax=grid, label="level (dB)", aspect=40, pad=0.01)
    _save(figure, path)


def levels(systems: dict[str, dict]) -> list[str]:
    """The rows of results that are of one SNR.

    Example:
        >>> levels({"noisy": {"-6": {}, "6": {}, "average": {}}})
        ['-6', '6']
    """
    return [row for row in next(iter(systems.values())) if row != AVERAGE]


def over_snr(systems: dict[str, dict], path) -> None:
    """PESQ, STOI, SI-SDR and DNSMOS against SNR, a line a system with its 95 % interval as a band.

    Classical systems are dashed and grey; a measure that no system has is no panel.

    Args:
        systems: {title: `zoo.enhancement.evaluate.results`} of mixtures at two SNRs or more.
        path: PNG to write.

    Example:
        >>> import tempfile
        >>> card = zoo.info("blstm-mse-16k")["evaluation"]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     over_snr({"noisy": card["noisy"], "blstm-mse-16k": card["results"]}, f"{folder}/over_snr.png")
    """
    rows = levels(systems)
    metrics = [metric for metric in _OVER_SNR if any(metric in results[rows[0]] for results in systems.values())]
    figure = Figure(figsize=(7.6, 3.1 * -(-len(metrics) // 2) + 0.28 * -(-len(systems) // 3)), layout="constrained")
    grid = figure.subplots(-(-len(metrics) // 2), 2, sharex=True, squeeze=False)
    for axes, metric in zip(grid.flat, metrics, strict=False):
        _snr_panel(axes, systems, rows, metric)
    for axes in grid.flat[len(metrics) :]:
        axes.set_visible(False)
    figure.legend(
        *grid.flat[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False, fontsize=9
    )
    _save(figure, path, Image.Quantize.MEDIANCUT)  # which keeps the pale colours of the bands


def _snr_panel(axes, systems, rows, metric):
    """One measure of every system that has it."""
    snr_db = [float(row) for row in rows]
    colours = cycle(_COLOURS)
    for i, (title, results) in enumerate(systems.items()):
        classical = title in _CLASSICAL
        style = {"color": _GREYS[i % len(_GREYS)], "linestyle": "--"} if classical else {"color": next(colours)}
        if metric not in results[rows[0]]:
            continue
        mean, low, high = np.array([results[row][metric] for row in rows], float).T  # None becomes NaN
        axes.fill_between(snr_db, low, high, color=style["color"], alpha=0.1, linewidth=0)
        axes.plot(snr_db, mean, marker=_MARKERS[i % len(_MARKERS)], markersize=3.5, linewidth=1.3, label=title, **style)
    axes.set_title(METRICS[metric][0], fontsize=10)
    axes.set_xticks(snr_db, rows)
    axes.xaxis.set_tick_params(labelbottom=True)
    axes.set_xlabel("SNR of the mixture (dB)", fontsize=9)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _learning_panel(axes, title, training):
    curve = {key: np.array(values, float) for key, values in training["curve"].items()}  # None becomes NaN
    iteration, true, predicted = curve["iteration"], curve["pesq-wb"], curve["predicted"]
    axes.fill_between(iteration, true, predicted, where=predicted > true, color=_PREDICTED, alpha=0.12, linewidth=0)
    axes.plot(iteration, predicted, "--", color=_PREDICTED, label="predicted by the surrogate")
    axes.plot(iteration, true, "-", color=_TRUE, label="true")
    best = training["best_iteration"]
    axes.axvline(best, color="0.6", linewidth=0.8, linestyle=":")
    axes.plot(best, true[iteration == best], "o", color=_TRUE, markersize=7, label="checkpoint")
    axes.set_title(title, fontsize=10)
    axes.set_xlabel("iteration")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)


def _decibels(audio, sample_rate):
    window = scipy.signal.get_window("hamming", _N_FFT)
    transform = scipy.signal.ShortTimeFFT(window, _HOP_LENGTH, fs=sample_rate)
    power = transform.spectrogram(np.asarray(audio, np.float64), p0=0, p1=1 + len(audio) // _HOP_LENGTH)
    return 10 * np.log10(power + 1e-12)


def _save(figure, path, palette=Image.Quantize.MAXCOVERAGE):
    drawn = BytesIO()
    figure.savefig(drawn, format="png", dpi=110)
    # 256 colours look the same and take a third of the bytes.
    image = Image.open(drawn).convert("RGB").quantize(256, palette)
    with atomic_write(path) as part:
        image.save(part, format="png", optimize=True)
