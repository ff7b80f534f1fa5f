"""`zoo score --over-time`: the score of each moment of a recording, as a picture or a table."""

from pathlib import Path

import numpy as np

from zoo.base import files, tables
from zoo.errors import InputError

FREE_METRIC = "quality-net-free-pesq-wb-16k"  # which needs no reference
_PIXELS = 1000  # of a picture's width, in each of which the waveform has its extremes


def check(arguments, meters):
    """Refuse what cannot be drawn over time, before anything is scored.

    Args:
        arguments: of `zoo score`, with `over_time`.
        meters: {metric: `zoo.cli.measure.Meter`}.

    Raises:
        InputError: a metric needs a reference, there is not one recording alone, the file cannot be written or is of no
            known kind, or matplotlib, which draws, is not installed.
    """
    for name, meter in meters.items():
        if meter.needs_reference():
            raise InputError(
                f"--over-time is of metrics without a reference, which {name} is not; give one by --metric, such as "
                f"{FREE_METRIC}"
            )
    path = Path(arguments.reference)
    if arguments.degraded is not None or path.is_dir() or path.suffix.lower() == ".csv":
        raise InputError("--over-time is of one recording: give that alone")
    files.check_output(arguments.over_time)
    kind = Path(arguments.over_time).suffix[1:].lower()
    if kind != "csv" and kind not in _figure()().canvas.get_supported_filetypes():
        raise InputError(f"{arguments.over_time}: no kind of picture; name it .png, .svg, .pdf, or .csv for a table")


def write(output, recording, sample_rate, curves):
    """Draw scores over time above the recording's waveform, or write them as a table.

    Args:
        output: path of the picture, of a kind that matplotlib draws, or of a CSV.
        recording: float (samples,).
        sample_rate: Hz.
        curves: {metric: (seconds, scores)}, as `score_over_time` gives them.

    Raises:
        InputError: the file cannot be written.
    """
    kind = Path(output).suffix[1:].lower()
    if kind == "csv":
        seconds, _ = next(iter(curves.values()))
        columns = {name: np.interp(seconds, *curve) for name, curve in curves.items()}
        moments = zip(seconds, *columns.values(), strict=True)
        tables.write_csv(output, [dict(zip(("seconds", *columns), moment, strict=True)) for moment in moments])
        return
    figure = _figure()(figsize=(9, 4), layout="constrained")
    top, bottom = figure.subplots(2, sharex=True, height_ratios=(3, 1))
    for name, (seconds, scores) in curves.items():
        top.plot(seconds, scores, label=name)
    top.set(ylabel="predicted score")
    top.grid(alpha=0.3)
    top.legend(fontsize=8)
    edges = np.unique(np.linspace(0, len(recording), _PIXELS + 1).astype(int))
    lowest, highest = (f.reduceat(recording, edges[:-1]) for f in (np.minimum, np.maximum))
    bottom.fill_between(edges[:-1] / sample_rate, lowest, highest, linewidth=0.5, color="gray")
    bottom.set(xlabel="seconds", ylabel="waveform", xlim=(0, len(recording) / sample_rate))
    with files.atomic_write(output) as part:
        figure.savefig(part, dpi=120, format=kind)


def _figure():
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise InputError('--over-time draws by matplotlib: pip install "audio-zoo[plots]"; or name a .csv') from error
    return Figure
