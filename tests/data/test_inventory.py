"""Tables and attributions of the manifest."""

from dataclasses import replace

import pytest

from zoo.data.inventory import attributions, kinds_table, licence_name, sources_table
from zoo.data.manifest import recordings


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CC0 1.0 (clip); ESC-10 CC BY 3.0", "CC0"),
        ("CC BY 4.0 (Google Sound Library)", "CC BY 4.0"),
        ("CC BY", "CC BY"),
        ("Public domain (LJ Speech)", "public domain"),
        ("Apache-2.0 (repo); speech TSP database, Simplified BSD", "Apache-2.0"),
        ("own words", "own words"),
    ],
)
def test_licences_have_short_names(text, name):
    assert licence_name(text) == name


def test_kinds_are_counted_by_split():
    room = recordings("rir")[0]
    rows = [replace(room, label=label, split="train", seconds=30.0) for label in ("hall", "hall", "cave")]
    assert kinds_table(rows).splitlines()[2:] == ["| rir | train | 3 | 1.5 | 2 | 1 | CC0 |"]
    assert sources_table(rows).splitlines()[2].endswith("| rir | 3 | 1.5 | CC0 |")


def test_every_attribution_stands_with_its_licence():
    rows = recordings("speech")
    text = attributions(rows)
    assert all(f"- {row.attribution or row.repository}: {row.licence} (" in text for row in rows)
    assert "Copyright (c) 2018 Peter Kabal" in text
    assert "Peter Kabal" not in attributions(recordings("rir"))
