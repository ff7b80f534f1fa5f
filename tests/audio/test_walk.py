"""What a folder holds: links, hidden files, other files, formats, loops; the same for every command and corpus."""

import csv
import os
import shutil
import warnings

import pytest
import soundfile

from tests.support.audio import RATE, tone
from tests.support.harness import data_path
from zoo.audio import io, pairs, walk
from zoo.data.examples import examples
from zoo.enhancement import datasets
from zoo.errors import InputWarning
from zoo.metrics import speech


def touch(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_recordings_of_every_format_are_taken_and_nothing_else(tmp_path):
    names = {"a.wav", "b.AIFF", "deep/er/c.opus", "deep/d.flac", "e.mp3", "f.ogg", "g.sph", "h.caf", "i.au", "j.w64"}
    coded = {"k.m4a", "l.aac", "m.wma", "n.webm"} if shutil.which("ffmpeg") else set()
    touch(tmp_path, *names, *coded, "notes.txt", "README", ".hidden.wav", "._a.wav", ".ipynb_checkpoints/a.wav")
    (tmp_path / "folder.wav").mkdir()
    with pytest.warns(
        InputWarning, match=r": 5 files left out: 3 hidden, 2 of no audio format \(\.txt, no suffix\)$"
    ) as caught:
        assert walk.recordings(tmp_path) == names | coded
    assert len(caught) == 1


def test_a_tidy_folder_is_walked_without_a_word(tmp_path):
    touch(tmp_path, "a.wav", "b/c.wav")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert walk.recordings(tmp_path) == {"a.wav", "b/c.wav"}
        assert walk.recordings(tmp_path, depth=0) == {"a.wav"}


def test_without_ffmpeg_its_formats_are_left_out_aloud(tmp_path, monkeypatch):
    touch(tmp_path, "a.wav", "b.m4a", "c.wma")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.warns(InputWarning, match="2 files left out: 2 that need the program ffmpeg"):
        assert walk.recordings(tmp_path) == {"a.wav"}


def test_links_are_followed_without_loops(tmp_path):
    touch(tmp_path, "store/c/1.wav", "store/2.wav", "clean/a/3.wav")
    clean = tmp_path / "clean"
    (clean / "b").symlink_to("../store/c")
    (clean / "4.wav").symlink_to("../store/2.wav")
    (clean / "a" / "again").symlink_to("..")
    (clean / "gone.wav").symlink_to("none.wav")
    says = "2 files left out: 1 links to a folder that they lie in, 1 links to nothing"
    with pytest.warns(InputWarning, match=says):
        assert walk.recordings(clean) == {"a/3.wav", "b/1.wav", "4.wav"}
    names = [clean.joinpath(name).relative_to(clean) for name in ("a/3.wav", "b/1.wav", "a/again/a/3.wav")]
    assert walk.without_loops(clean, names) == names[:2]


@pytest.mark.parametrize(
    ("name", "is_audio"), [("a.wav", True), ("A.FLAC", True), (".a.wav", False), ("a.txt", False), ("wav", False)]
)
def test_names_of_recordings(name, is_audio):
    assert walk.is_audio(name) == is_audio


def test_files_are_regular_ones_and_pipes(tmp_path):
    touch(tmp_path, "a.wav")
    os.mkfifo(tmp_path / "pipe")
    kinds = [walk.is_file(tmp_path / name) for name in ("a.wav", "pipe", "none", ".", "zero\0byte")]
    assert kinds == [True, True, False, False, False]
    assert not walk.is_file("/dev/null")


def test_a_linked_talker_counts_in_the_score_and_a_hidden_copy_does_not(run, tmp_path):
    """As `ln -s ../store/c clean/b` makes it; Jupyter and macOS make the hidden ones."""
    reference, degraded = (io.read(examples()[name])[0] for name in ("reference", "degraded"))
    for folder, audio in (("clean", reference), ("noisy", degraded), ("store/c", reference), ("store/n", reference)):
        (tmp_path / folder / "a").mkdir(parents=True)
        soundfile.write(tmp_path / folder / "a" / "1.wav", audio, RATE)
    for folder, store in (("clean", "c"), ("noisy", "n")):
        (tmp_path / folder / "b").symlink_to(f"../store/{store}/a")
        (tmp_path / folder / ".ipynb_checkpoints").mkdir()
        soundfile.write(tmp_path / folder / ".ipynb_checkpoints" / "x.wav", reference, RATE)
        soundfile.write(tmp_path / folder / "._1.wav", reference, RATE)
    status, out, err = run("score", tmp_path / "clean", tmp_path / "noisy", "--metric", "stoi", "--csv", "-")
    assert status == 0 and err.count("2 files left out: 2 hidden") == 2
    scores = {row["reference"]: float(row["stoi"]) for row in csv.DictReader(out.splitlines())}
    own = speech.score_pair("stoi", reference, degraded, RATE)
    expected = {str(tmp_path / "clean" / "a" / "1.wav"): own, str(tmp_path / "clean" / "b" / "1.wav"): 1.0}
    assert scores == pytest.approx(expected, abs=1e-3) and own < 0.95


def test_linked_folders_count_in_corpora(tmp_path):
    store, timit = tmp_path / "store", tmp_path / "timit"
    touch(store, "FAKS0/SX43.WAV")
    touch(timit, "TEST/DR1/MTE00/SX7.WAV")
    (timit / "TEST" / "DR2").symlink_to(store)
    assert list(datasets.timit(timit, "test")) == ["FAKS0", "MTE00"]
    touch(tmp_path, "noise/rain/1.wav")
    (tmp_path / "noise" / "wind").symlink_to(store)
    assert list(datasets.recordings(tmp_path / "noise")) == ["rain", "wind"]
    touch(tmp_path, "voices/clean_testset_wav/p232_001.wav")
    (tmp_path / "voices" / "noisy_testset_wav").symlink_to("clean_testset_wav")
    assert [pair.error for pair in datasets.voice_bank(tmp_path / "voices", "test")] == [""]


def test_pairs_are_of_linked_folders_too(tmp_path):
    io.write(tmp_path / "a.wav", tone(), RATE)
    for folder in ("clean", "noisy"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "talker").mkdir()
        (tmp_path / folder / "talker" / "a.wav").symlink_to(tmp_path / "a.wav")
    (tmp_path / "links").mkdir()
    for folder in ("clean", "noisy"):
        (tmp_path / "links" / folder).symlink_to(tmp_path / folder)
    (pair,) = pairs.find(tmp_path / "links" / "clean", tmp_path / "links" / "noisy")
    assert pair.name == "talker/a.wav" and len(pairs.read(pair)[0]) == len(tone())


def test_the_mean_is_of_what_a_user_put_there(run, tmp_path):
    """A published pair, linked, beside a hidden copy of the reference with itself, and from pipes without counts."""
    files = {name: data_path("known_scores", "pesq_pair", name) for name in ("speech.flac", "speech_bab_0dB.flac")}
    for folder, path in zip(("clean", "noisy"), files.values(), strict=True):
        (tmp_path / folder / ".ipynb_checkpoints").mkdir(parents=True)
        (tmp_path / "store" / folder).mkdir(parents=True)
        shutil.copy(path, tmp_path / "store" / folder / "1.flac")
        (tmp_path / folder / "talker").symlink_to(f"../store/{folder}")
        shutil.copy(files["speech.flac"], tmp_path / folder / ".ipynb_checkpoints" / "1.flac")
        data = path.read_bytes()
        fields = int.from_bytes(data[18:26], "big") >> 36 << 36
        (tmp_path / folder / "2.flac").write_bytes(data[:18] + fields.to_bytes(8, "big") + data[26:])
    status, out, _ = run("score", tmp_path / "clean", tmp_path / "noisy", "--metric", "pesq-wb", "--csv", "-")
    scores = [float(row["pesq-wb"]) for row in csv.DictReader(out.splitlines())]
    assert status == 0 and scores == pytest.approx([1.083, 1.083], abs=1e-3)
