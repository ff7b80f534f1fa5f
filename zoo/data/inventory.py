"""What the manifest holds, as tables and as attributions: minutes, talkers, classes, sources and licences."""

import re
from collections.abc import Callable, Iterable

from zoo.base.tables import markdown_table
from zoo.data.manifest import KINDS, VERSION, Recording

_LICENCES = {
    r"CC0": "CC0",
    r"public[ -]domain": "public domain",
    r"CC[ -]BY[ -]4": "CC BY 4.0",
    r"CC[ -]BY[ -]3": "CC BY 3.0",
    r"CC[ -]BY": "CC BY",
    r"Apache": "Apache-2.0",
    r"BSD": "BSD",
    r"MIT": "MIT",
}
# Its conditions want it to be reproduced with the recordings.
_TSP_LICENCE = """## TSP speech database (Simplified BSD)

Copyright (c) 2018 Peter Kabal. All rights reserved. Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions are met: 1. Redistributions of source code must
retain the above copyright notice, this list of conditions and the following disclaimer. 2. Redistributions in binary
form must reproduce the above copyright notice, this list of conditions and the following disclaimer in the
documentation and/or other materials provided with the distribution.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND ANY EXPRESS OR IMPLIED WARRANTIES,
INCLUDING, BUT NOT LIMITED TO, THE IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT HOLDER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT, INDIRECT, INCIDENTAL,
SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES (INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR
SERVICES; LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON ANY THEORY OF LIABILITY,
WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT (INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF
THIS SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE."""


def licence_name(text: str) -> str:
    """Short name of a licence: of a clip rather than of the collection that it lies in.

    Args:
        text: as the manifest has it.

    Returns:
        str, such as "CC BY 4.0"; the text where it is of another kind.

    Example:
        >>> licence_name("CC0 1.0 (clip); ESC-10 CC BY 3.0"), licence_name("CC-BY 4.0 someone")
        ('CC0', 'CC BY 4.0')
    """
    found_at = {
        match.start(): name
        for pattern, name in reversed(_LICENCES.items())
        if (match := re.search(pattern, text, re.IGNORECASE))
    }
    return found_at[min(found_at)] if found_at else text


def kinds_table(rows: list[Recording]) -> str:
    """Files, minutes, talkers or classes, sources and licences by kind and split.

    Args:
        rows: list of `Recording`.

    Returns:
        Markdown table.

    Example:
        >>> from zoo.data.manifest import recordings
        >>> print(kinds_table(recordings("rir", version=1)))
        | Kind | Split | Files | Minutes | Talkers or classes | Repositories | Licences |
        | --- | --- | --- | --- | --- | --- | --- |
        | rir |  | 7 | 0.3 | 7 | 4 | CC0, CC BY 4.0, CC BY 3.0 |
    """
    header = ("Kind", "Split", "Files", "Minutes", "Talkers or classes", "Repositories", "Licences")
    order = {kind: place for place, kind in enumerate(KINDS)}
    groups = _groups(rows, lambda row: (order[row.kind], row.split))
    return markdown_table(
        header,
        [
            (KINDS[kind], split, len(group), _minutes(group), len({row.label for row in group if row.label}) or "")
            + (len({row.repository for row in group}), _licences(group))
            for (kind, split), group in groups
        ],
    )


def sources_table(rows: list[Recording]) -> str:
    """Files, minutes and licences of every repository.

    Args:
        rows: list of `Recording`.

    Returns:
        Markdown table.

    Example:
        >>> from zoo.data.manifest import recordings
        >>> print(sources_table(recordings("rir", version=1)[:1]).splitlines()[-1])
        | [rern/camilladsp_plot](https://github.com/rern/camilladsp_plot) | rir | 1 | 0.1 | CC0 |
    """
    return markdown_table(
        ("Repository", "Kinds", "Files", "Minutes", "Licences"),
        [
            (f"[{name}](https://github.com/{name})", ", ".join(dict.fromkeys(row.kind for row in group)))
            + (len(group), _minutes(group), _licences(group))
            for name, group in _groups(rows, lambda row: row.repository)
        ],
    )


def attributions(rows: list[Recording]) -> str:
    """Whom to name for what, by repository: the text of ATTRIBUTIONS.md.

    Args:
        rows: list of `Recording`.

    Returns:
        Markdown, with every attribution and licence, and the number of files under it.

    Example:
        >>> from zoo.data.manifest import recordings
        >>> "AudioLab University of York; Jack Lyons Hall" in attributions(recordings("rir"))
        True
    """
    lines = [
        "# Attributions",
        "",
        f"Recordings of public repositories, by version {VERSION} of the manifest. They were decoded, mixed, cut,",
        "resampled and levelled; MANIFEST.csv says which file was made from which, and has the licence of each.",
    ]
    for name, group in _groups(rows, lambda row: row.repository):
        commits = ", ".join(sorted({row.commit for row in group}))
        lines += ["", f"## https://github.com/{name}", "", f"Commit {commits}.", ""]
        for (attribution, licence), files in _groups(group, lambda row: (row.attribution, row.licence)):
            lines.append(f"- {attribution or name}: {licence} ({len(files)} files)")
    if any("TSP" in row.licence for row in rows):
        lines += ["", _TSP_LICENCE]
    return "\n".join(lines) + "\n"


def _groups(rows: Iterable[Recording], key: Callable) -> list[tuple]:
    groups = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return sorted(groups.items())


def _minutes(rows):
    seconds = sum(row.seconds for row in rows)
    return f"{seconds / 60:.1f}" if seconds else ""


def _licences(rows):
    return ", ".join(dict.fromkeys(licence_name(row.licence) for row in rows))
