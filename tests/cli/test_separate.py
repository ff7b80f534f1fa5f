"""`zoo separate`: which stems it writes where, and what it refuses."""

import numpy as np
import pytest
import soundfile

from zoo.checkpoint import network
from zoo.separation import files


class Separator:
    """The face of a separator."""

    sources = ("vocals", "drums")

    def separate(self, mixture, sample_rate):
        raise AssertionError("only its file is separated")


@pytest.fixture
def song(tmp_path, monkeypatch):
    """A song, and a separator that writes empty files and clips three samples of the drums."""

    def separate_file(model, song, targets, progress, overwrite):
        for target in targets.values():
            target.write_text("")
        return {stem: 3 if stem == "drums" else 0 for stem in targets}

    monkeypatch.setattr(network, "load", lambda source: Separator())
    monkeypatch.setattr(files, "separate_file", separate_file)
    soundfile.write(tmp_path / "song.wav", np.zeros(8), 44100)
    return tmp_path / "song.wav"


def test_each_stem_is_a_file_and_clipping_is_told(run, song, tmp_path):
    status, out, _ = run("separate", song, tmp_path / "stems", "--format", "flac")
    vocals, drums = (tmp_path / "stems" / f"{name}.flac" for name in Separator.sources)
    assert status == 0 and out.splitlines() == [f"{vocals}", f"{drums}: 3 samples beyond full scale were clipped"]
    assert sorted((tmp_path / "stems").iterdir()) == [drums, vocals]


def test_stems_that_are_there_are_replaced_on_request_only(run, song, tmp_path):
    command = "separate", song, tmp_path / "stems", "--stems", "drums, accompaniment"
    assert run(*command)[0] == 0
    status, out, err = run(*command)
    assert status == 2 and out == "" and "drums.wav: exists; replace it by --overwrite" in err
    assert run(*command, "--overwrite")[0] == 0


def test_the_song_is_never_overwritten(run, song):
    song = song.rename(song.with_name("vocals.wav"))
    status, _, err = run("separate", song, song.parent, "--overwrite")
    assert status == 2 and "is the song, which is never overwritten" in err


def test_a_folder_is_needed_and_an_own_one_is_removed_after_an_error(run, song, tmp_path, monkeypatch):
    assert "is a file; give a folder for the stems" in run("separate", song, song)[2]

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(files, "separate_file", fail)
    assert run("separate", song, tmp_path / "stems") == (2, "", "zoo: disk full\n")
    assert not (tmp_path / "stems").exists()


def test_a_folder_that_cannot_be_made_is_known_before_the_work(run, song, tmp_path, monkeypatch):
    monkeypatch.setattr(network, "load", None)
    status, _, err = run("separate", song, song / "stems")
    assert status == 2 and "song.wav: is no folder; give another place" in err


def test_another_model_separates_nothing(run, song, tmp_path, monkeypatch):
    monkeypatch.undo()  # the song's separator
    status, _, err = run("separate", song, tmp_path / "stems", "--checkpoint", "jnd-22k")
    assert status == 2 and "jnd-22k is a SpectralJND, which separates nothing; use `zoo distance`" in err
