"""Pieces of Markdown that the pages of every family consist of."""

from collections.abc import Iterable, Sequence

from zoo.base.tables import markdown_table


def interval(triple: Sequence[float | None], decimals: int = 4, sign: str = "") -> str:
    """A figure with its 95 % interval; `sign` "+" shows the sign of gains.

    Example:
        >>> interval((0.99123, 0.99, 0.9925)), interval((None, None, None))
        ('0.9912 [0.9900, 0.9925]', 'undefined')
    """
    if None in triple:
        return "undefined"
    value, low, high = (f"{figure:{sign}.{decimals}f}" for figure in triple)
    return f"{value} [{low}, {high}]"


def bullets(lines: Iterable[str]) -> str:
    """Lines as a list.

    Example:
        >>> bullets(["one", "two"])
        '- one\\n- two'
    """
    return "\n".join(f"- {line}" for line in lines)


def section(title: str, *parts: str) -> str:
    """Parts under a heading of the second level; "" where they are all empty.

    Example:
        >>> section("Limits", "English only."), section("Limits", "")
        ('## Limits\\n\\nEnglish only.', '')
    """
    body = "\n\n".join(part for part in parts if part)
    return f"## {title}\n\n{body}" if body else ""


def code(text: str, language: str = "") -> str:
    """A block of code; "" where there is none.

    Example:
        >>> code("import zoo", "python")
        '```python\\nimport zoo\\n```'
    """
    return f"```{language}\n{text}\n```" if text else ""


def link(card: dict) -> str:
    """A checkpoint's name as a link from the top of the repository to its page.

    Example:
        >>> link({"name": "jnd-22k"})
        '[`jnd-22k`](checkpoints/jnd-22k/README.md)'
    """
    return f"[`{card['name']}`](checkpoints/{card['name']}/README.md)"


def experiments(card: dict) -> str:
    """Trainings that were tried beside that of the checkpoint; "" where there are none."""
    rows = [
        [tried["change"], tried["result"], f"`{tried['command']}`", f"`{tried['commit']}`"]
        for tried in card.get("experiments", [])
    ]
    return section("What else was tried", markdown_table(["Change", "Result", "Command", "Commit"], rows))
