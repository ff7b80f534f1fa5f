"""2AFC from listeners' votes: accuracies by hand, and rows that cannot be used."""

import numpy as np
import pytest

from tests.support.jnd import Rms, write_ratings
from zoo.audio import io
from zoo.errors import InputError
from zoo.jnd import triplets
from zoo.jnd.effects import SAMPLE_RATE


def row(votes, distances):
    return {"votes": votes, "distances": distances}


def test_accuracies_by_hand():
    rows = [row((8, 2), (0.1, 0.4)), row((1, 9), (0.1, 0.4)), row((5, 5), (0.1, 0.4)), row((10, 0), (0.3, 0.3))]
    facts = triplets.report(rows)
    assert facts["majority"][0] == pytest.approx((1 + 0 + 0.5) / 3)
    assert facts["votes"][0] == pytest.approx((0.8 + 0.1 + 0.5 + 0.5) / 4)
    assert (facts["n"], facts["n_failed"]) == (4, 0)


def test_a_table_of_listeners(tmp_path):
    tone = 0.3 * np.sin(0.1 * np.arange(SAMPLE_RATE // 2)).astype("float32")
    for name, gain in (("clean", 1.0), ("mild", 0.9), ("severe", 0.5)):
        io.write(tmp_path / f"{name}.wav", gain * tone, SAMPLE_RATE)
    good = {"reference": "clean.wav", "a": "mild.wav", "b": "severe.wav", "votes_a": 9, "votes_b": 1}
    broken = [good | {"votes_a": "many"}, good | {"votes_a": 0, "votes_b": 0}, good | {"a": "none.wav"}]
    table = write_ratings(tmp_path, [good, good | {"a": "severe.wav", "b": "mild.wav"}, *broken])
    rows = triplets.measure(Rms(), table)
    assert [bool(one["error"]) for one in rows] == [False, False, True, True, True]
    assert "many" in rows[2]["error"] and "votes" in rows[3]["error"] and "none.wav" in rows[4]["error"]
    near, far = rows[0]["distances"]
    assert near < far and rows[1]["distances"] == pytest.approx((far, near))
    facts = triplets.report(rows)
    assert facts["majority"][0] == 0.5 and facts["votes"][0] == pytest.approx(0.5)
    assert (facts["n"], facts["n_failed"]) == (2, 3)
    with pytest.raises(InputError, match="votes_a"):
        triplets.measure(Rms(), write_ratings(tmp_path, [{"reference": "clean.wav", "a": "a.wav"}]))
