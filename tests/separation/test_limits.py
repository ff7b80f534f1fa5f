"""Limits of separators: what each case is, over songs, and how it reads."""

import numpy as np
import pytest

from zoo.metrics.separation import mixture_as_estimate, si_sdr
from zoo.separation import limits
from zoo.separation.tracks import SOURCES


@pytest.fixture
def songs():
    rng = np.random.default_rng(0)
    return {
        name: {source: (0.1 * rng.standard_normal((22050, 2))).astype("float32") for source in SOURCES}
        for name in ("a", "b")
    }


def half_of_the_others(references):
    """Each source with half of what is not of it."""
    mixture = sum(references.values())
    return {source: 0.5 * (audio + mixture) for source, audio in references.items()}


def test_cases_are_gains_above_the_mixture_of_the_same_input(songs):
    inputs = []

    def system(references):
        inputs.append({source: (audio.shape, float(np.abs(audio).max())) for source, audio in references.items()})
        return half_of_the_others(references)

    measured = limits.measure(system, songs)
    assert list(measured) == list(limits.ROWS)
    for case in ("usual", "quiet", "mono", "telephone"):
        for source in SOURCES:
            figure = measured[case][source]
            # The interference is half as large; in a finite stretch sources are a little alike.
            assert figure["value"][0] == pytest.approx(6.02, abs=0.4) and figure["n"] == 2
            assert figure["value"][1] <= figure["value"][0] <= figure["value"][2]
    expected = [
        si_sdr(song, half_of_the_others(song))["bass"] - si_sdr(song, mixture_as_estimate(song))["bass"]
        for song in songs.values()
    ]
    assert measured["usual"]["bass"]["value"][0] == pytest.approx(np.mean(expected))
    usual, quiet, mono, telephone = inputs[0], inputs[2], inputs[4], inputs[6]
    assert quiet["bass"][1] == pytest.approx(0.01 * usual["bass"][1], rel=1e-5)
    assert mono["bass"][0] == (22050, 1) and telephone["bass"][0] == (22050, 2)
    assert telephone["bass"][1] < 0.8 * usual["bass"][1]


def test_a_source_alone_comes_out_as_it_is_or_not(songs):
    def vocals_from_all(references):
        mixture = sum(references.values())
        return {source: mixture if source == "vocals" else 0 * mixture for source in references}

    measured = limits.measure(vocals_from_all, songs)
    assert measured["alone"]["vocals"]["value"][0] > 100 and measured["alone"]["vocals"]["n"] == 2
    assert measured["speech"]["vocals"]["value"][0] > 100 and set(measured["speech"]) == {"vocals"}
    assert measured["alone"]["drums"]["n"] == 0 and np.isnan(measured["alone"]["drums"]["value"][0])


def test_a_song_without_a_source_does_not_count(songs):
    songs["a"]["vocals"] = 0 * songs["a"]["vocals"]
    assert limits.measure(half_of_the_others, songs)["usual"]["vocals"]["n"] == 1


def test_the_table_has_a_row_a_case():
    measured = {
        "usual": {"bass": {"value": [6.04, 5.0, 7.0], "n": 3}, "drums": {"value": [None] * 3, "n": 0}},
        "speech": {"vocals": {"value": [9.0, None, None], "n": 1}},
    }
    header, rows = limits.rows(measured, ["vocals", "drums", "bass"])
    assert header == ["Input", "vocals", "drums", "bass"]
    assert rows[0] == ["as it is: above the mixture", "-", "-", "6.0 [5.0, 7.0]"]
    assert rows[1] == ["a read sentence: its SI-SDR", "9.0", "-", "-"]
