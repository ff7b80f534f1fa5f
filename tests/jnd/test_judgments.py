"""The published answers: every row is understood, or dropped for a reason."""

from collections import Counter

import pytest

from tests.support import harness
from zoo.errors import InputError
from zoo.jnd.judgments import TABLES, read_judgments, snr_db, split_of
from zoo.jnd.perturb import value

CLIP = "f1_script2_produced_clipped_30.0.wav"


def read(folder, table, *rows):
    (folder / f"{table}.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
    return read_judgments(folder)


def one(folder, table, *row):
    (judgment,), dropped = read(folder, table, row)
    assert not dropped
    return judgment


def test_combined(tmp_path):
    names = [f"combined_1/0.0_31.0_63.0_0.0_{CLIP}", f"combined_1/22.0_31.0_63.0_100.0_{CLIP}"]
    judgment = one(tmp_path, "combined", *names, "1")
    reverb = {"drr_db": pytest.approx(-2.6), "rt60": value("rt60", 63)}
    assert judgment.reference == reverb
    assert judgment.degraded == {"noise": "white", "snr_db": value("additive", 22), **reverb, "kbps": 1.0}
    assert (judgment.talker, judgment.script, judgment.start) == ("f1", "2", "30.0")
    assert judgment.different


def test_linear(tmp_path):
    noise = one(tmp_path, "linear", f"0.0006_{CLIP}", f"0.06_{CLIP}", "0", "brown_noise")
    assert noise.reference == {"noise": "brown", "snr_db": 66.0}
    assert noise.degraded == {"noise": "brown", "snr_db": pytest.approx(26.0)}
    assert not noise.different
    mp3 = one(tmp_path, "linear", f"300_{CLIP}", f"18.3372_{CLIP}", "1", "mp3")
    assert (mp3.reference, mp3.degraded) == ({"kbps": 300.0}, {"kbps": 18.3372})
    room = one(tmp_path, "linear", f"46.0_47.0_32.0_{CLIP}", f"47.95_-0.0_65.33_{CLIP}", "1", " reverb_noise")
    assert room.degraded == {
        "noise": "room",
        "snr_db": value("additive", 47.95),
        "drr_db": -15.0,
        "rt60": value("rt60", 65.33),
    }


def test_eq_and_reverb(tmp_path):
    eq = one(tmp_path, "eq", f"eq_1/6.0_39.0_63.0_{CLIP}", f"eq_1/6.0_63.76_63.0_{CLIP}", "1")
    assert (eq.reference, eq.degraded) == ({"eq": (6.0, 39.0, 63.0)}, {"eq": (6.0, 63.76, 63.0)})
    room = "_h085_Bar_2txts.wav"
    (tmp_path / "eq.tsv").unlink()
    reverb = one(tmp_path, "reverb", f"reverb_1/50.0_2.0_{CLIP}{room}", f"reverb_1/0.0_2.0_{CLIP}{room}", "0")
    assert reverb.room == "h085_Bar_2txts.wav"
    assert (reverb.reference["drr_db"], reverb.degraded["drr_db"]) == (5.0, -15.0)


def test_eq_rows_that_name_one_file_twice_are_dropped(tmp_path):
    name = f"eq_1/6.0_39.0_63.0_{CLIP}"
    judgments, dropped = read(tmp_path, "eq", (name, name, "1"), (name, name.replace("39.0", "50.0"), "0"))
    assert len(judgments) == 1
    assert list(dropped.values()) == [1]
    # In the other tables such a pair is a true repetition.
    (tmp_path / "eq.tsv").unlink()
    same = f"combined_1/0.0_0.0_0.0_80.0_{CLIP}"
    judgment = one(tmp_path, "combined", same, same, "0")
    assert judgment.reference == judgment.degraded


@pytest.mark.parametrize(
    "row",
    [
        ("0.02_f1.wav", "0.02_f1.wav", "1", "siren"),  # no clip
        (f"0.02_{CLIP}", f"0.02_{CLIP.replace('f1', 'f2')}", "1", "siren"),  # two clips
        (f"0.02_{CLIP}", f"0.02_{CLIP}", "2", "siren"),  # no answer
        (f"0.02_{CLIP}", f"0.02_{CLIP}", "1", "harp"),  # no such noise
        (f"0.02_{CLIP}", f"0.02_{CLIP}", "1"),  # no noise
        (f"0.02_1_{CLIP}", f"0.02_1_{CLIP}", "1", "siren"),  # two levels
    ],
)
def test_a_row_that_no_rule_explains_raises(tmp_path, row):
    with pytest.raises(InputError, match=r"linear\.tsv, line 1"):
        read(tmp_path, "linear", row)


def test_a_folder_without_tables_raises(tmp_path):
    with pytest.raises(InputError, match="holds none of"):
        read_judgments(tmp_path)


def test_snr_falls_by_20_db_a_decade():
    assert snr_db(0.0006) == 66.0
    assert snr_db(0.06) == pytest.approx(26.0)


def test_splits_share_no_talker_and_unknown_talkers_are_the_test():
    talkers = [f"{sex}{i}" for sex in "fm" for i in range(1, 11)]
    count = Counter(map(split_of, talkers))
    assert count == {"train": 10, "validation": 2, "test": 8}
    assert {split_of(talker) for talker in ("f9", "f10", "m9", "m10")} == {"test"}


def test_every_published_row_is_read_or_dropped():
    folder = harness.data_path("jnd_judgments")
    judgments, dropped = read_judgments(folder)
    rows = sum(len((folder / f"{table}.tsv").read_text().splitlines()) for table in TABLES)
    assert len(judgments) + sum(dropped.values()) == rows
    assert {table for table, _ in dropped} == {"eq"}
    same = [judgment.different for judgment in judgments if judgment.reference == judgment.degraded]
    # People say "different" of few identical pairs: the rows that are kept do not name a change that is not there.
    assert len(same) > 1000
    assert sum(same) / len(same) < 0.06
