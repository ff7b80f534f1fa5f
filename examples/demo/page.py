"""The page around the demo's sections."""

from pathlib import Path

from zoo.base.files import atomic_write

STYLE = Path(__file__).resolve().parent / "demo.css"


def write_page(path: Path, sections: list[str]) -> None:
    """Write the sections as one page that needs nothing outside itself."""
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Audio zoo: demo</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>{STYLE.read_text()}</style></head>
<body><main><h1>Audio zoo</h1>
<p>Learned audio metrics for Keras, and models trained with them: one section a family, computed on this machine with
the bundled checkpoints.</p>{"".join(f"<section>{section}</section>" for section in sections)}
</main></body></html>
"""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
