"""The paper's Table I of enhancers, and their gains, as text to print and as records for a CSV file."""

import textwrap

import numpy as np

from zoo.base import tables
from zoo.enhancement import evaluate, limits
from zoo.enhancement.measures import METRICS, measured

_MIN_WIDTH = 16  # of a column, so that headings break at their hyphens
_NO_SCORE = (None, None, None)  # of a measure that a system was not scored by


def table(columns: dict[str, dict]) -> str:
    """The paper's Table I as text: a block for each measure, rows by SNR and average, a column for each system.

    Args:
        columns: {heading: `results` of a system}, or such of cards, where None stands for NaN.

    Returns:
        str of lines, without a newline at the end; a cell is "mean [low, high]", "-" where nothing has a score.

    Example:
        >>> row = {"name": "a", "snr_db": 6, "pesq-wb": 2.0, "pesq-nb": 2.5, "stoi": 0.8, "si-sdr": 6.0, "jnd": 0.5}
        >>> print("\\n".join(table({"noisy": evaluate.results([row])}).splitlines()[:4]))
        PESQ wb
        SNR (dB)             noisy
        6                     2.00
        average               2.00
    """
    names = list(next(iter(columns.values())))
    blocks = []
    for metric in _measured(columns):
        rows = [[name, *(_cell(results[name], metric) for results in columns.values())] for name in names]
        blocks.append(_aligned(METRICS[metric][0], "SNR (dB)", columns, rows))
    headings = {"mixtures": "n", "failed scores": "n_failed"}
    counts = [
        [words, *(str(facts[evaluate.AVERAGE][key]) for facts in columns.values())] for words, key in headings.items()
    ]
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
        >>> gain = evaluate.gains([row | {"stoi": 0.9}], [row])
        >>> print(gain_table({"Wiener over noisy": gain}).splitlines()[-1])
        Wiener over noisy             +0.00             +0.00            +0.100              +0.0             +0.00
    """
    metrics = measured(gains_by_name.values())
    rows = [[words, *(_cell(gain, metric, "+") for metric in metrics)] for words, gain in gains_by_name.items()]
    return _aligned("Gains, mean over all mixtures", "", [METRICS[metric][0] for metric in metrics], rows)


def limit_table(measured: dict[str, dict]) -> str:
    """Limits of some systems as text, a line each.

    Args:
        measured: {system: `zoo.enhancement.limits.measure`}.

    Returns:
        str of lines, without a newline at the end.

    Example:
        >>> figure = {"value": [-6.0, -7.0, -5.0], "n": 21, "n_failed": 0}
        >>> print(limit_table({"mine": {"music": figure}}).splitlines()[-1])
        music alone: level that remains (dB)  -6.0 [-7.0, -5.0]  21  0
    """
    return tables.table(*limits.rows(measured))


def records(columns: dict[str, dict]) -> list[dict]:
    """The paper's Table I as records for a CSV file.

    Args:
        columns: as for `table`.

    Returns:
        list of {"system", "snr_db", "n", "n_failed", metric, metric + " low", metric + " high", ...}, one a system and
        row of its results.

    Example:
        >>> row = {"name": "a", "snr_db": 6, "pesq-wb": 2.0, "pesq-nb": 2.5, "stoi": 0.8, "si-sdr": 6.0, "jnd": 0.5}
        >>> [record["snr_db"] for record in records({"noisy": evaluate.results([row])})]
        ['6', 'average']
    """
    rows, metrics = [], _measured(columns)
    for system, by_row in columns.items():
        for name, facts in by_row.items():
            record = {"system": system, "snr_db": name, "n": facts["n"], "n_failed": facts["n_failed"]}
            for metric in metrics:
                triple = facts.get(metric, _NO_SCORE)
                record |= zip((metric, f"{metric} low", f"{metric} high"), triple, strict=True)
            rows.append(record)
    return rows


def _measured(columns):
    return measured(facts for results in columns.values() for facts in results.values())


def _cell(facts, metric, sign=""):
    decimals = METRICS[metric][1]
    mean, *interval = np.array(facts.get(metric, _NO_SCORE), float)  # None becomes NaN
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
