"""Tables of the demo: as text for the terminal, and as HTML that a phone shows without scrolling sideways."""

from html import escape

import numpy as np


def number(value: float, decimals: int) -> str:
    """A number as text; "-" for NaN."""
    return "-" if np.isnan(value) else f"{value:.{decimals}f}"


def text_table(header, rows) -> str:
    """Rows of text in aligned columns, numbers to the right."""
    lines = [header, *rows]
    sides = [">" if all(cell[:1] in "-+0123456789" for cell in column) else "<" for column in zip(*rows)]
    layout = [f"{{:{side}{max(map(len, column))}}}" for side, column in zip(sides, zip(*lines))]
    return "\n".join("  ".join(layout).format(*line).rstrip() for line in lines)


def named(name: str, note: str) -> str:
    """A cell of a name with a note in small print below it."""
    return f"{escape(name)} <small>{escape(note)}</small>" if note else escape(name)


def html_table(header, rows) -> str:
    """A table in a card of its own.

    Args:
        header: of each column, HTML.
        rows: lists of cells, HTML; a string in place of a list is a heading over the rows that follow.
    """
    columns = zip(*(row for row in rows if not isinstance(row, str)))
    classes = [' class="number"' if all(cell[:1] in "-+0123456789" for cell in column) else "" for column in columns]
    lines = [
        f'<tr><th colspan="{len(header)}">{escape(row)}</th></tr>' if isinstance(row, str) else _row("td", classes, row)
        for row in rows
    ]
    return f"""<div class="card wide"><table><thead>{_row("th", classes, header)}</thead>
<tbody>{"".join(lines)}</tbody></table></div>"""


def _row(tag, classes, cells):
    cells = [f"<{tag}{kind}>{cell}</{tag}>" for kind, cell in zip(classes, cells, strict=True)]
    return f"<tr>{''.join(cells)}</tr>"


def scale(ends: tuple[float, float], bar: float, dot: float) -> str:
    """A line from one end of a scale to the other, with a bar and a dot at two values, where they are finite."""
    low, high = ends
    marks = ""
    for kind, value in (("bar", bar), ("dot", dot)):
        if not np.isnan(value):
            place = 100 * np.clip((value - low) / (high - low), 0, 1)
            marks += f'<i class="{kind}" style="left:{place:.1f}%"></i>'
    return f'<div class="scale" title="{low:g} to {high:g}">{marks}</div>'
