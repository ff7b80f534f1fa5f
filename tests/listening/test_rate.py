"""Ratings: what a listener rates, on which page."""

import numpy as np
import pytest

from tests.support.listening import RATE, Store, attend, make_rating, write_table
from zoo.audio import io
from zoo.errors import InputError
from zoo.listening import rate, results, sounds
from zoo.listening.store import Sound, Trial


def test_a_page_of_mushra_has_the_hidden_reference_and_the_anchors(tmp_path):
    store, kind = make_rating(tmp_path, scale="mushra")
    attend(store, kind, lambda trial: None)
    with store.read() as session:
        trials = session.query(Trial).filter_by(screen="rate").all()
        assert len(trials) == 2
        for trial in trials:
            assert sorted(trial.content["systems"]) == ["anchor 3.5 kHz", "anchor 7 kHz", "jnd", "mse", "reference"]
            hidden = trial.content["sounds"][1 + trial.content["systems"].index("reference")]
            assert trial.content["sounds"][0] == hidden == trial.item.facts["reference"]
            view = kind.view(trial)
            assert view.labels == ("Reference", "A", "B", "C", "D", "E") and view.rated == ("A", "B", "C", "D", "E")
            assert set(rate.scores(trial).values()) == {50.0}
    store.close()


def test_anchors_lack_what_is_above_their_frequency(tmp_path):
    store, _ = make_rating(tmp_path, count=1, scale="mushra")
    with store.read() as session:
        facts = session.query(rate.Item).one().facts
        audio = {
            name: sounds.decode(session.get(Sound, digest).audio)[0][:, 0]
            for name, digest in [
                *zip(facts["systems"], facts["sounds"], strict=True),
                ("reference", facts["reference"]),
            ]
        }
    frequencies = np.fft.rfftfreq(3200, 1 / RATE)
    spectrum = {name: np.abs(np.fft.rfft(one * np.hanning(3200))) for name, one in audio.items()}
    for name, cutoff in rate.ANCHORS.items():
        passed, stopped = (frequencies > 300) & (frequencies < cutoff - 50), frequencies > cutoff + 550
        np.testing.assert_allclose(spectrum[name][passed], spectrum["reference"][passed], rtol=0.05, atol=0.2)
        assert spectrum[name][stopped].max() < 0.01 * spectrum["reference"][stopped].max()
    store.close()


def test_in_acr_one_recording_is_rated_at_a_time(tmp_path):
    store, kind = make_rating(tmp_path)
    attend(store, kind, lambda trial: {"choice": "4"} if trial.screen == "rate" else None)
    rows = results.read(store, kind).answers
    assert sorted(row["answer"] for row in rows) == ["jnd=4", "jnd=4", "mse=4", "mse=4"]
    store.close()


@pytest.mark.parametrize(
    ("changes", "settings", "words"),
    [
        ({"reference": ""}, {"scale": "mushra"}, "0 references and 1 systems"),
        ({"system": "reference"}, {"scale": "mushra"}, "has a system 'reference'"),
        ({"system": ""}, {}, "a row lacks its file, system or item"),
        ({"reference": "long.wav"}, {"scale": "mushra"}, "number of samples"),
        ({"file": "absent.wav"}, {}, "absent.wav"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(tmp_path, changes, settings, words):
    io.write(tmp_path / "a.wav", np.zeros(800), RATE)
    io.write(tmp_path / "long.wav", np.zeros(900), RATE)
    row = {"file": "a.wav", "system": "mse", "item": "1", "reference": "a.wav"}
    table, store = write_table(tmp_path, [row | changes]), Store(tmp_path / "study.db", create=True)
    with pytest.raises(InputError, match=words), store.write() as session:
        rate.read_items(table, rate.RatingSettings(**settings), session)
    with pytest.raises(InputError, match="has 1, mse twice"), store.write() as session:
        rate.read_items(write_table(tmp_path, [row, row]), rate.RatingSettings(**settings), session)
    store.close()


def test_settings_that_are_none_are_refused():
    for settings, words in (({"scale": "cmos"}, 'scale = "cmos"'), ({"items": 0}, "items = 0")):
        with pytest.raises(InputError, match=words):
            rate.RatingSettings(**settings)
