"""Pieces of Markdown that the cards of every family are made of."""


def table(header, rows):
    """A Markdown table; "" where there are no rows."""
    if not rows:
        return ""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell(value) for value in line) + " |" for line in lines)


def cell(value):
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def interval(triple, decimals=4, sign=""):
    """A figure with its 95 % interval: 0.9912 [0.9900, 0.9923]; `sign` "+" shows the sign of gains."""
    if None in triple:
        return "undefined"
    value, low, high = (f"{figure:{sign}.{decimals}f}" for figure in triple)
    return f"{value} [{low}, {high}]"


def bullets(lines):
    return "\n".join(f"- {line}" for line in lines)


def section(title, *parts):
    """Parts under a heading; "" where they are all empty."""
    body = "\n\n".join(part for part in parts if part)
    return f"### {title}\n\n{body}" if body else ""


def code(text):
    return f"```\n{text}\n```"


def link(card):
    """A checkpoint's name as a link from the README to its card."""
    return f"[`{card['name']}`](MODEL_CARDS.md#{card['name']})"


def experiments(card):
    """Trainings that were tried beside the one that was kept; "" where there are none."""
    rows = [
        [tried["change"], tried["result"], f"`{tried['command']}`", f"`{tried['commit']}`"]
        for tried in card.get("experiments", [])
    ]
    return section("What else was tried", table(["Change", "Result", "Command", "Commit"], rows))
