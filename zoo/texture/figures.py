"""Pictures of a synthesis, as PNG."""

import numpy as np
from keras import ops
from matplotlib.figure import Figure

from zoo.base.files import atomic_write
from zoo.texture import spectrum


def synthesis(target: np.ndarray, result, path, overwrite: bool = True) -> None:
    """Both spectrograms on one scale, and the terms of the loss by iteration.

    Args:
        target: float (samples,) at 16 kHz.
        result: `zoo.texture.Synthesis`.
        path: PNG to write.
        overwrite: whether a file that is there by then is replaced rather than left alone.

    Example:
        >>> import tempfile
        >>> rain = 0.1 * np.random.default_rng(0).standard_normal(16000)
        >>> ensemble = zoo.texture.model.RandomConvEnsemble((2, 8), filters=8)
        >>> result = zoo.texture.synthesize(rain, 16000, iterations=1, phase_iterations=1, ensemble=ensemble)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     synthesis(rain, result, f"{folder}/rain.png")
    """
    original = ops.convert_to_numpy(spectrum.log_spectrogram(np.asarray(target, "float32")[None]))[0]
    figure = Figure(figsize=(9, 7.5), layout="constrained")
    rows = figure.subplots(3, 1)
    top = max(np.quantile(original, 0.999), 1e-6)
    for axes, shown, title in zip(rows, (original, result.spectrogram), ("target", "synthesis"), strict=False):
        end = len(shown) * spectrum.HOP_LENGTH / spectrum.SAMPLE_RATE
        image = axes.imshow(
            shown.T, origin="lower", aspect="auto", extent=(0, end, 0, 8), vmin=0, vmax=top, interpolation="nearest"
        )
        axes.set(title=title, xlabel="time (s)", ylabel="frequency (kHz)")
    figure.colorbar(image, ax=rows[:2], label="log(1 + magnitude)", fraction=0.03)
    for name in ("loss", "gram", "autocorrelation", "diversity"):
        values = np.array(result.history[name])
        if values.size and np.isfinite(values).any():
            rows[2].plot(np.arange(1, len(values) + 1), values, label=name, linewidth=1.2)
    rows[2].set(title="terms of the loss, unweighted", xlabel="iteration", yscale="log")
    if rows[2].lines:
        rows[2].legend(fontsize=8, ncols=4, frameon=False)
    _save(figure, path, overwrite)


def by_shift(curves: dict[str, np.ndarray], title: str, path) -> None:
    """The paper's Figure 1: the inverse of minus equation (6) at every shift of the target; inset, its highest peak.

    The peak is drawn frame by frame, 4 ms each, which resolves it: frames overlap by seven eighths.

    Args:
        curves: {system: float (shifts,) of `zoo.texture.evaluate.Judge.inverse_by_shift`}.
        title: name of the texture.
        path: PNG to write.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     by_shift({"Gram alone": np.linspace(0, 1, 100)}, "rain", f"{folder}/shifts.png")
    """
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    axes = figure.subplots()
    inset = axes.inset_axes((0.62, 0.45, 0.36, 0.5))
    frame = spectrum.HOP_LENGTH / spectrum.SAMPLE_RATE
    peak = frame * max((values.max(), values.argmax()) for values in curves.values())[1]
    for name, values in curves.items():
        times = np.arange(len(values)) * frame
        axes.plot(times, values, label=name, linewidth=1)
        inset.plot(times, values, ".-", linewidth=1, markersize=4)
    inset.set_xlim(peak - 15 * frame, peak + 15 * frame)
    inset.tick_params(labelsize=7)
    axes.set(title=title, xlabel="shift of the target (s)", ylabel="1 / squared distance, minus (6) inverted")
    axes.legend(fontsize=8, frameon=False, loc="upper left")
    _save(figure, path)


def trade_off(results: dict[str, dict], group: str, path) -> None:
    """The paper's Figure 2, the class score against the weight of the diversity term; beside it, ours, against copying.

    Args:
        results: of `zoo.texture.evaluate.table`, a system for each weight.
        group: of the textures.
        path: PNG to write.

    Example:
        >>> import tempfile
        >>> results = zoo.info("texture-ensemble-16k")["evaluation"]["trade_off"]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     trade_off(results, "rhythmic", f"{folder}/trade-off.png")
    """
    figure = Figure(figsize=(9, 4), layout="constrained")
    weighed, axes = figure.subplots(1, 2, sharey=True)
    points = np.array([[by_group[group][score] for score in ("diversity", "class")] for by_group in results.values()])
    mean, low, high = np.moveaxis(points, 2, 0)
    for i, name in enumerate(results):
        reach = np.abs(np.stack([mean[i] - low[i], high[i] - mean[i]]))
        axes.errorbar(*mean[i], xerr=reach[:, :1], yerr=reach[:, 1:], fmt="o", markersize=5, linewidth=0.7)
        axes.annotate(name.rsplit(" ", 1)[-1], mean[i], xytext=(5, 5), textcoords="offset points", fontsize=8)
    axes.plot(*mean.T, color="0.7", linewidth=0.8, zorder=0)
    axes.set(title="quality against copying, by beta", xlabel="copying, equation (7)")
    betas = [float(name.rsplit(" ", 1)[-1]) for name in results]
    weighed.errorbar(betas, mean[:, 1], np.abs(np.stack([low, high])[:, :, 1] - mean[:, 1]), fmt="o-", linewidth=0.7)
    weighed.set(title=f"{group} textures; 95 % intervals", xlabel="beta", xscale="log", ylabel="class score")
    _save(figure, path)


def by_iteration(rows: list[dict[str, float]], path) -> None:
    """The scores of `zoo.texture.convergence` by iteration, relative to the last.

    Args:
        rows: {"iterations", "seconds", "loss", scores}, one for each count of iterations.
        path: PNG to write.

    Example:
        >>> import tempfile
        >>> rows = [{"iterations": n, "seconds": n, "loss": 1 / n} for n in (50, 100)]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     by_iteration(rows, f"{folder}/iterations.png")
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    done = [row["iterations"] for row in rows]
    for name in list(rows[0])[2:]:
        axes.plot(done, [row[name] / rows[-1][name] for row in rows], "o-", label=name, linewidth=1)
    axes.set(xlabel="iterations", ylabel="relative to the last", xscale="log", yscale="log")
    axes.set_xticks(done, [f"{row['iterations']:.0f}\n{row['seconds']:.0f} s" for row in rows])
    axes.minorticks_off()
    axes.legend(fontsize=8, frameon=False)
    _save(figure, path)


def _save(figure, path, overwrite=True):
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    with atomic_write(path, overwrite) as part:
        figure.savefig(part, format="png", dpi=100)
