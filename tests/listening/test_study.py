"""Settings of a study, and a study that is made once."""

import pytest

from tests.support.listening import Store, make_preference, write_pairs
from zoo.errors import InputError
from zoo.listening import preference, study
from zoo.listening.preference import PreferenceSettings
from zoo.listening.study import Settings


def test_settings_come_from_a_toml_file(tmp_path):
    (tmp_path / "study.toml").write_text(
        'title = "Denoisers"\npairs = 5\nfastest = 2\nsentence = "s.wav"\nwords = ["a", "b"]\n'
    )
    settings = PreferenceSettings.read(tmp_path / "study.toml")
    assert (settings.title, settings.pairs, settings.fastest) == ("Denoisers", 5, 2)
    assert settings.sentence == str(tmp_path / "s.wav")
    assert PreferenceSettings.read(None) == PreferenceSettings()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour = 1", "no setting 'colour'; use title"),
        ("pairs = 'many'", "pairs = 'many' is no int"),
        ("pairs = 0", "pairs = 0; give 1 or more"),
        ("pairs = ", "cannot be read as TOML"),
        ("sentence = 's.wav'", "the sentence needs words"),
        ("return_url = 'javascript:1'", "is no address"),
    ],
)
def test_settings_that_are_none_are_refused(tmp_path, text, words):
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises(InputError, match=words):
        PreferenceSettings.read(tmp_path / "study.toml")


def test_the_same_study_goes_on_and_another_is_refused(tmp_path):
    store, _ = make_preference(tmp_path)
    table = tmp_path / "pairs.csv"

    def make(name, settings):
        with store.write() as session:
            study.make(store, name, settings, preference.read_items(table, session), session)

    make("preference", PreferenceSettings())
    with pytest.raises(InputError, match="other recordings or settings"):
        make("preference", PreferenceSettings(pairs=3))
    with pytest.raises(InputError, match="of the kind preference"):
        make("jnd", Settings())
    with store.read() as session:
        assert study.counts(session) == {"items": 4, "sounds": 8, "listeners": 0, "answers": 0}
    store.close()


def test_a_database_without_a_study_cannot_be_served(tmp_path):
    write_pairs(tmp_path)
    store = Store(tmp_path / "study.db", create=True)
    with pytest.raises(InputError, match="holds no study"):
        study.open_kind(store)
    store.close()
