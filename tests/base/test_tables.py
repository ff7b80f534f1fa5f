"""Tables: aligned text, intervals, paths and CSV files."""

import math

from zoo.base import tables


def test_columns_are_aligned_under_a_header():
    text = tables.table(["name", "score"], [["a", "1.000"], ["longer name", "2"]])
    assert text.splitlines() == ["name         score", "-----------  -----", "a            1.000", "longer name  2"]


def test_a_table_without_rows_is_its_header():
    assert tables.table(["name"], []) == "name\n----"


def test_cells_cannot_break_a_table_of_markdown():
    assert tables.markdown_table(["a"], [["x|y\nz"], [0.000123456]]).splitlines()[2:] == [
        "| x\\|y z |",
        "| 0.0001235 |",
    ]
    assert tables.markdown_table(["a"], []) == ""


def test_numbers_and_intervals_show_what_is_missing():
    assert tables.number(0.12345) == "0.123" and tables.number(math.nan) == "-"
    assert tables.interval((1.0, 0.5, 1.5)) == "1.000 [0.500, 1.500]"
    assert tables.interval((1.0, math.nan, math.nan), ".1f") == "1.0"
    assert tables.interval((math.nan, math.nan, math.nan)) == "-"


def test_a_path_that_is_no_utf8_is_printable():
    assert tables.printable("a\udcff.wav") == "a\ufffd.wav"


def test_rows_are_written_as_csv(tmp_path):
    tables.write_csv(tmp_path / "table.csv", [{"name": "a, b", "score": 1.5}, {"name": "c", "score": 2}])
    assert (tmp_path / "table.csv").read_text() == 'name,score\n"a, b",1.5\nc,2\n'
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_names_that_are_no_utf8_are_no_error_in_a_table_or_a_csv(tmp_path):
    assert tables.table(["name"], [["Bj\udcf6rk.flac"]]).splitlines()[-1] == "Bj\ufffdrk.flac"
    tables.write_csv(tmp_path / "table.csv", [{"name": "Bj\udcf6rk.flac"}])
    assert (tmp_path / "table.csv").read_bytes().splitlines() == [b"name", b"Bj\xf6rk.flac"]
