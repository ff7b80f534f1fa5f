"""What mkdocstrings does with the docstrings of the zoo before it reads them."""

import re
from typing import Any

import griffe

HEADING = re.compile(r"^Example:$", re.MULTILINE)


class Examples(griffe.Extension):
    """Sections "Example:" are code that runs; griffe knows them as "Examples:" only."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = HEADING.sub("Examples:", obj.docstring.value)
