"""Tables of distances as text: each has a row of every metric, with its figures."""

from zoo.jnd import text_tables

ORDER = {"accuracy": [0.9, 0.8, 1.0], "n": 10, "n_failed": 1}


def test_music_has_a_column_for_each_kind():
    facts = {
        "order": {"codecs": ORDER, "opus": ORDER},
        "teachers": {"visqol-audio": {"spearman": [0.5, 0.4, 0.6], "n": 9}},
    }
    header, _, *rows = text_tables.on_music({"one": {"music": facts}, "two": {"music": facts}}).splitlines()
    assert header.split("  ")[0] == "music" and "order, codecs" in header and "order, opus" in header
    assert [row.split()[0] for row in rows] == ["one", "two"]
    assert "0.500 [0.400, 0.600]" in rows[0] and rows[0].count("0.900 [0.800, 1.000]") == 2


def test_past_the_threshold_the_worst_inaudible_change_is_in_jnd():
    teachers = {name: {"spearman": [0.5, 0.4, 0.6], "n": 9} for name in ("pesq", "visqol")}
    inaudible = {"distance": [[0.1, 0.0, 0.2], [0.6, 0.5, 0.7]]}
    graded = {"teachers": teachers, "order": {"all": ORDER}, "inaudible": inaudible}
    row = text_tables.past_threshold({"one": {"graded": graded, "jnd_distance": [0.5, 0.4, 0.6]}}).splitlines()[-1]
    assert row.split()[-1].startswith("1.2") and row.count("[0.400, 0.600]") == 2
