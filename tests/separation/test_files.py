"""From file to files: any rate and format, the song's length, sums, clipping, nothing half written; the command."""

import os
import sys
from contextlib import ExitStack
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

import zoo
from tests.support.disk import cutting
from tests.support.separation import separator, stems
from zoo.audio import io
from zoo.errors import InputError, InputWarning
from zoo.separation import files
from zoo.separation.files import separate_file

SOURCES = ("vocals", "drums", "bass", "other")


@pytest.fixture(scope="module")
def model():
    return separator()


@pytest.fixture
def song(tmp_path):
    path = tmp_path / "song.wav"
    io.write(path, sum(stems(0, 1.3).values()), 44100)
    return path


@pytest.fixture
def saved(model, tmp_path):
    zoo.save(model, tmp_path / "model")
    return f"{tmp_path / 'model'}/"


def targets(folder, suffix, names=SOURCES):
    return {name: folder / f"{name}.{suffix}" for name in names}


def test_it_is_what_the_model_makes(model, song, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "BLOCK_SECONDS", 0.3)
    seen = []
    clipped = separate_file(model, song, targets(tmp_path, "wav"), lambda *progress: seen.append(progress))
    audio, rate = soundfile.read(song, dtype="float32")
    for source, expected in model.separate(audio, rate).items():
        np.testing.assert_allclose(soundfile.read(tmp_path / f"{source}.wav")[0], expected, atol=1e-6)
    assert clipped == dict.fromkeys(SOURCES, 0)
    assert len(seen) == 5 and seen[-1] == (1.3, 1.3)


@pytest.mark.parametrize(
    ("rate", "channels", "suffix"),
    [(8000, 1, "wav"), (22050, 2, "flac"), (48000, 1, "ogg"), (44100, 2, "mp3"), (44100, 8, "wav")],
)
def test_any_rate_and_format(model, tmp_path, rate, channels, suffix, monkeypatch):
    monkeypatch.setattr(files, "BLOCK_SECONDS", 0.4)
    time = np.arange(rate + 17) / rate
    song = np.stack([0.2 * np.sin(2 * np.pi * f * time) for f in (300, 700) * 4][:channels], axis=1)
    path = tmp_path / f"song.{suffix}"
    io.write(path, song, rate)
    total = soundfile.info(path).frames
    separate_file(model, path, targets(tmp_path, "flac"))
    parts = []
    for source in SOURCES:
        part, audio = soundfile.read(tmp_path / f"{source}.flac", always_2d=True)
        assert (audio, part.shape) == (rate, (total, channels))
        parts.append(part)
    whole, _ = soundfile.read(path, always_2d=True)
    inner = slice(400, -400)
    np.testing.assert_allclose(sum(parts)[inner], whole[inner], atol=2e-3)


def test_a_song_is_separated_to_its_end_whatever_its_header_counts(model, song, tmp_path, monkeypatch):
    """Of a flac from a pipe, which has no count, and of songs joined by `cat`."""
    monkeypatch.setattr(files, "BLOCK_SECONDS", 0.4)
    audio, rate = soundfile.read(song)
    soundfile.write(tmp_path / "a.flac", audio, rate)
    data = (tmp_path / "a.flac").read_bytes()
    fields = int.from_bytes(data[18:26], "big") >> 36 << 36
    (tmp_path / "piped.flac").write_bytes(data[:18] + fields.to_bytes(8, "big") + data[26:])
    (tmp_path / "joined.flac").write_bytes(2 * data)
    io.write(tmp_path / "a.mp3", audio, rate)
    (tmp_path / "joined.mp3").write_bytes(2 * (tmp_path / "a.mp3").read_bytes())
    for name, times in (("piped.flac", 1), ("joined.flac", 2), ("joined.mp3", 2)):
        seen = []
        separate_file(model, tmp_path / name, {"drums": tmp_path / f"{name}.wav"}, lambda *now: seen.append(now))  # noqa: B023
        drums, _ = soundfile.read(tmp_path / f"{name}.wav")
        assert len(drums) == times * len(audio) and np.abs(drums[-len(audio) // 2 :]).max() > 1e-3
        assert seen[-1] == (times * len(audio) / rate,) * 2


@pytest.mark.parametrize("suffix", ["ogg", "mp3"])
def test_stems_in_lossy_formats(model, song, tmp_path, suffix, monkeypatch):
    monkeypatch.setattr(files, "BLOCK_SECONDS", 0.4)
    separate_file(model, song, targets(tmp_path, suffix, ("drums",)))
    expected = model.separate(*soundfile.read(song))["drums"]
    audio, rate = soundfile.read(tmp_path / f"drums.{suffix}")
    assert (rate, audio.shape) == (44100, expected.shape)
    assert np.linalg.norm(audio - expected) < 0.2 * np.linalg.norm(expected)


@pytest.mark.parametrize("end", [90, 100, 110])
def test_the_last_block_is_brought_to_the_songs_length(tmp_path, end):
    """A resampler gives a sample more or less."""
    with ExitStack() as stack:
        writer = files._Writer(stack, tmp_path / "stem.wav", 8000, 1, 100, overwrite=True)
        writer.write(np.full((60, 1), 0.5), None)
        writer.write(np.full((40, 1), 0.5), end)
    audio, _ = soundfile.read(tmp_path / "stem.wav")
    assert len(audio) == end and (audio[:90] == 0.5).all() and not audio[100:].any()


def test_accompaniment_is_the_rest(model, song, tmp_path):
    separate_file(model, song, targets(tmp_path, "wav", ("vocals", "accompaniment")))
    vocals, rest, whole = (
        soundfile.read(tmp_path / name)[0] for name in ("vocals.wav", "accompaniment.wav", "song.wav")
    )
    np.testing.assert_allclose(vocals + rest, whole, atol=1e-6)
    assert not (tmp_path / "drums.wav").exists()


def test_clipping_is_counted(model, tmp_path):
    soundfile.write(tmp_path / "loud.wav", 3.0 * np.sin(np.arange(30000) / 20), 44100, subtype="FLOAT")
    clipped = separate_file(model, tmp_path / "loud.wav", {"accompaniment": tmp_path / "rest.flac"})
    assert clipped["accompaniment"] > 100
    assert np.abs(soundfile.read(tmp_path / "rest.flac")[0]).max() <= 1
    assert separate_file(model, tmp_path / "loud.wav", {"accompaniment": tmp_path / "rest.wav"})["accompaniment"] == 0


def test_nothing_is_left_half_written(model, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "BLOCK_SECONDS", 0.3)
    audio = np.zeros((44100, 1), "float32")
    audio[40000] = np.nan
    soundfile.write(tmp_path / "bad.wav", audio, 44100, subtype="FLOAT")
    (tmp_path / "out").mkdir()
    io.write(tmp_path / "cut.flac", np.random.default_rng(0).uniform(-0.5, 0.5, 88200), 44100)
    whole = (tmp_path / "cut.flac").read_bytes()
    (tmp_path / "cut.flac").write_bytes(whole[: len(whole) // 2])
    for name, message in (("bad.wav", "NaN"), ("cut.flac", "cannot be read")):
        with pytest.raises(InputError, match=message):
            separate_file(model, tmp_path / name, targets(tmp_path / "out", "wav"))
        assert not list((tmp_path / "out").iterdir())
    (tmp_path / "out" / "other.wav").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        separate_file(model, tmp_path / "cut.flac", targets(tmp_path / "out", "wav"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["other.wav"]


def test_two_runs_into_one_folder_do_not_mix_their_stems(model, song, tmp_path):
    """The second to end fails and leaves the first one's stems alone, whole."""
    wanted, other = targets(tmp_path, "wav"), []

    def run_another(done, total):
        if not other:
            other.append(True)
            separate_file(model, song, wanted, overwrite=False)
            other.append({path: path.read_bytes() for path in wanted.values()})

    before = set(tmp_path.iterdir())
    with pytest.raises(InputError, match="appeared meanwhile, and was left alone"):
        separate_file(model, song, wanted, run_another, overwrite=False)
    assert {path: path.read_bytes() for path in wanted.values()} == other[1]
    assert set(tmp_path.iterdir()) - before == set(wanted.values())


def test_a_stem_that_is_not_whole_is_an_error(model, song, tmp_path, monkeypatch):
    monkeypatch.setattr(io.soundfile, "SoundFile", cutting(".tmp"))
    with pytest.raises(InputError, match="was not written whole"):
        separate_file(model, song, targets(tmp_path, "ogg"))
    assert not list(tmp_path.glob("*.ogg")) and not list(tmp_path.glob(".*"))


def test_a_folder_and_a_stem_may_have_any_name(model, song, tmp_path):
    folder = tmp_path / os.fsdecode(b"Bj\xf6rk")
    folder.mkdir()
    separate_file(model, song, {"vocals": folder / ("a" * 246 + ".wav"), "drums": folder / os.fsdecode(b"\xff.flac")})
    assert sorted(len(os.fsencode(name)) for name in os.listdir(folder)) == [6, 250]


def test_what_cannot_be_done_is_refused(model, song, tmp_path):
    (tmp_path / "text.wav").write_text("no audio")
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 1)), 44100)
    good = targets(tmp_path, "flac")
    for path, wanted, message in (
        (song, {"piano": tmp_path / "piano.wav"}, "no stem 'piano'"),
        (tmp_path / "none.wav", good, "no such file"),
        (tmp_path / "text.wav", good, "cannot be read"),
        (tmp_path / "empty.wav", good, "no samples"),
        (song, targets(tmp_path, "xyz"), "unknown audio suffix"),
        (song, targets(tmp_path / "none", "wav"), "folder does not exist"),
    ):
        with pytest.raises(InputError, match=message):
            separate_file(model, path, wanted)


def test_five_hours_of_wav_are_refused_at_once(model, tmp_path):
    with pytest.raises(InputError, match="4 GB.*flac"):
        files._Writer(None, tmp_path / "long.wav", 44100, 2, 5 * 3600 * 44100 + 2**29, True)


def test_the_command(run, saved, song, tmp_path):
    status, out, err = run("separate", song, tmp_path / "stems", "--checkpoint", saved)
    assert (status, out.splitlines()) == (0, [str(tmp_path / "stems" / f"{s}.wav") for s in SOURCES])
    wanted = ["separate", song, tmp_path / "stems", "--checkpoint", saved, "--stems", "vocals,accompaniment"]
    status, _, err = run(*wanted)
    assert status == 2 and "vocals.wav: exists" in err and "--overwrite" in err
    assert run(*wanted, "--overwrite")[0] == 0
    assert run(*wanted, "--format", "flac")[0] == 0
    assert sorted(path.name for path in (tmp_path / "stems").iterdir()) == sorted(
        [*(f"{s}.wav" for s in (*SOURCES, "accompaniment")), "vocals.flac", "accompaniment.flac"]
    )


def test_the_bar_is_drawn_on_a_terminal(run, saved, song, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(sys, "stderr", SimpleNamespace(write=drawn.append, flush=lambda: None, isatty=lambda: True))
    assert run("separate", song, tmp_path / "stems", "--checkpoint", saved)[0] == 0
    assert "1/1" in "".join(drawn) and "100%" in "".join(drawn)


def test_the_command_says_what_is_wrong(run, saved, song, tmp_path):
    for arguments, message in (
        ([song, tmp_path / "stems", "--checkpoint", saved, "--stems", "piano"], "no stem 'piano'"),
        ([song, tmp_path / "stems", "--checkpoint", "quality-net-lite-stoi-16k"], "separates nothing"),
        ([tmp_path / "none.wav", tmp_path / "stems", "--checkpoint", saved], "no such file"),
        ([song, song, "--checkpoint", saved], "is a file"),
    ):
        status, _, err = run("separate", *arguments)
        assert status == 2 and message in err
        assert not (tmp_path / "stems").exists()
    bad = song.with_name("vocals.wav")
    song.rename(bad)
    status, _, err = run("separate", bad, tmp_path, "--checkpoint", saved, "--overwrite")
    assert status == 2 and "is the song, which is never overwritten" in err


def test_a_quiet_song_is_separated_with_a_word_as_by_the_model(model, tmp_path):
    """Its level is that of all blocks together; the samples are those of the model, which says so too."""
    quiet = 0.05 * sum(stems(0, 0.5).values())
    io.write(tmp_path / "quiet.wav", quiet, 44100)
    with pytest.warns(InputWarning, match=r"quiet\.wav peaks at 0\.0\d+, .*scale it to a peak near 1"):
        separate_file(model, tmp_path / "quiet.wav", targets(tmp_path, "wav"))
    with pytest.warns(InputWarning, match="the mixture peaks at"):
        expected = model.separate(quiet, 44100)
    np.testing.assert_allclose(soundfile.read(tmp_path / "bass.wav")[0], expected["bass"], atol=1e-6)
