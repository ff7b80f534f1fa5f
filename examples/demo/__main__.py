"""Shows what the bundled checkpoints do: prints tables and writes one self-contained page, report.html; and a listening
test with simulated listeners, whose report lies beside it.

python -m examples.demo
python -m examples.demo --reference clean.wav --degraded noisy.wav --output my-demo/

A family's section is the function `section` of the module examples/demo/<family>.py; a family without one is
listed with its checkpoints.
"""

import argparse
import importlib
import importlib.util
import os
from html import escape
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow: its start-up notes are not the demo's

import zoo
from examples.demo import listening
from examples.demo.page import write_page
from zoo.errors import InputError
from zoo.families import FAMILIES


def family_section(family, arguments: argparse.Namespace) -> str:
    """The HTML of a family's section, which also prints its tables."""
    name = f"{__package__}.{family.name}"
    if importlib.util.find_spec(name) is None:
        return _listing(family)
    return importlib.import_module(name).section(arguments)


def _listing(family):
    """The family's title and what each of its checkpoints is."""
    cards = [card for card in map(zoo.info, zoo.list()) if card["family"] == family.name]
    print(f"\n{family.title}: {', '.join(card['name'] for card in cards) or 'no checkpoints'}")
    rows = "".join(f"<li><b>{escape(card['name'])}</b> {escape(card['description'])}</li>" for card in cards)
    return f"<h2>{escape(family.title)}</h2><ul>{rows}</ul>"


def main(argv: list[str] | None = None) -> None:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m examples.demo", description=__doc__, formatter_class=layout)
    parser.add_argument("--output", type=Path, default=Path("demo"), metavar="DIR", help="default: demo/")
    parser.add_argument("--reference", type=Path, metavar="FILE", help="your own clean recording")
    parser.add_argument("--degraded", type=Path, metavar="FILE", help="and the one to score against it")
    arguments = parser.parse_args(argv)
    if (arguments.reference is None) != (arguments.degraded is None):
        parser.error("give both --reference and --degraded, or neither")
    try:
        sections = [family_section(family, arguments) for family in FAMILIES.values()]
        sections.append(listening.section(arguments))
    except InputError as error:
        parser.exit(2, f"demo: {error}\n")
    write_page(arguments.output / "report.html", sections)
    print(f"\nwrote {arguments.output / 'report.html'}")


if __name__ == "__main__":
    main()
