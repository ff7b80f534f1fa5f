"""Tables of enhancers as text and as records, of systems that need not have every measure."""

import math

from zoo.enhancement import evaluate, measures, text_tables


def rows(scores, metrics=("pesq-wb", "stoi", "jnd")):
    """Rows of {utterance: {snr: PESQ wb}} with 0 for the other metrics."""
    zeros = dict.fromkeys(metrics, 0.0)
    return [
        {"name": name, "snr_db": snr_db, **zeros, "pesq-wb": score}
        for name, by_snr in scores.items()
        for snr_db, score in by_snr.items()
    ]


def test_table_has_a_block_a_metric():
    scores = {"a": {-6: 1.25, 6: 2.0}, "b": {-6: 1.25, 6: math.nan}}
    columns = {name: evaluate.results(rows(scores, measures.METRICS)) for name in ("noisy", "blstm-quality-net-16k")}
    columns["noisy"]["6"]["pesq-wb"] = [None, None, None]  # as a card's JSON holds what is NaN
    blocks = [block.splitlines() for block in text_tables.table(columns).split("\n\n")]
    assert [block[0] for block in blocks] == [*(title for title, _ in measures.METRICS.values()), "Counts"]
    pesq = blocks[0][1:]
    assert [line.split() for line in pesq[:2]] == [["blstm-quality-"], ["SNR", "(dB)", "noisy", "net-16k"]]
    assert pesq[2].split() == ["-6", *["1.25", "[1.25,", "1.25]"] * 2]
    assert pesq[3].split() == ["6", "-", "2.00"]  # one utterance has no interval
    assert blocks[-1][-2].split() == ["mixtures", "4", "4"]
    assert blocks[-1][-1].split() == ["failed", "scores", "1", "1"]


def test_what_a_system_was_not_scored_by_is_a_dash_and_what_none_was_is_no_block():
    fewer, more = (rows({"a": {0: 1.5}}, metrics) for metrics in (["pesq-wb"], ["pesq-wb", "dnsmos-ovrl"]))
    columns = {"older": evaluate.results(fewer), "newer": evaluate.results(more)}
    blocks = {block.splitlines()[0]: block for block in text_tables.table(columns).split("\n\n")}
    assert list(blocks) == ["PESQ wb", "DNSMOS OVRL", "Counts"]
    assert blocks["DNSMOS OVRL"].splitlines()[-1].split() == ["average", "-", "0.00"]
    older, newer = text_tables.records(columns)[::2]
    assert older.keys() == newer.keys() and older["dnsmos-ovrl"] is None and newer["dnsmos-ovrl"] == 0


def test_gain_table_signs_its_figures():
    gain = evaluate.gains(rows({"a": {0: 2.0}, "b": {0: 1.0}}), rows({"a": {0: 1.5}, "b": {0: 1.5}}))
    line = text_tables.gain_table({"x over noisy": gain}).splitlines()[-1]
    assert line.startswith("x over noisy") and "+0.00 [-0.50, +0.50]" in line


def test_a_gain_of_one_utterance_has_no_interval():
    gain = evaluate.gains(rows({"a": {0: 2.0}}), rows({"a": {0: 1.5}}))
    assert text_tables.gain_table({"x": gain}).splitlines()[-1].split()[:2] == ["x", "+0.50"]
    assert "nan" not in text_tables.gain_table({"x": gain})


def test_limits_have_a_line_each():
    figure = {"value": [-50.25, math.nan, math.nan], "n": 21, "n_failed": 0}
    lines = text_tables.limit_table({"noisy": {}, "mine": {"offset": figure}}).splitlines()
    assert lines[0].split() == ["Limit", "noisy", "mine", "n", "failed"]
    assert lines[-1].startswith("noisy speech with an offset") and lines[-1].split()[-4:] == ["-", "-50.2", "21", "0"]
