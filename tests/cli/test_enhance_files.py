"""`zoo enhance` on many files: which are taken, what is refused, and what a batch goes on past."""

import math
import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.enhance_command import RATE, Scale, files, tone
from zoo.audio import io
from zoo.base import files as zoo_files
from zoo.checkpoint import network
from zoo.cli import models


@pytest.fixture
def folder(tmp_path):
    """A folder of good and bad recordings."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("good.wav", "deep/good.wav", ".hidden.wav"):
        soundfile.write(tmp_path / "in" / name, tone(), RATE)
    (tmp_path / "in" / "text.wav").write_text("no audio")
    (tmp_path / "in" / "notes.txt").write_text("no audio")
    soundfile.write(tmp_path / "in" / "empty.wav", tone()[:0], RATE)
    soundfile.write(tmp_path / "in" / "nan.wav", np.full(9, np.nan), RATE, "FLOAT")
    soundfile.write(tmp_path / "in" / "rate.wav", tone(), 48000)
    return tmp_path / "in"


BAD = {
    "empty.wav": "holds no samples",
    "nan.wav": "holds NaN",
    "rate.wav": "is at 48000 Hz, 16000 Hz is needed; resample it (--resample)",
    "text.wav": "cannot be read",
}


@pytest.mark.parametrize("pattern", ["in/", "in/**/*.wav"])
def test_linked_folders_are_enhanced_once(enhance, gain, tmp_path, monkeypatch, pattern):
    monkeypatch.chdir(tmp_path)
    gain(0.5)
    for name in ("store/b.wav", "in/a.wav"):
        Path(name).parent.mkdir()
        soundfile.write(name, tone(), RATE)
    Path("in/talker").symlink_to("../store")
    Path("in/again").symlink_to("../in")
    assert enhance(pattern, "out")[0] == 0
    assert files(tmp_path / "out") == ["a.wav", "talker/b.wav"]


def test_a_pipe_is_enhanced(enhance, gain, tmp_path):
    gain(0.5)
    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    os.mkfifo(tmp_path / "pipe")
    data = (tmp_path / "a.wav").read_bytes()
    threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,), daemon=True).start()
    assert enhance(tmp_path / "pipe", tmp_path / "out.wav")[0] == 0
    np.testing.assert_allclose(io.read(tmp_path / "out.wav")[0], 0.5 * tone()[:, 0], atol=2**-14)


def test_what_only_ffmpeg_reads_needs_another_suffix(enhance, gain, tmp_path):
    gain(0.5)
    (tmp_path / "a.m4a").touch()
    status, _, err = enhance(tmp_path / "a.m4a", tmp_path / "b.m4a")
    assert status == 2 and "b.m4a: unknown audio suffix; use .wav" in err


def test_a_batch_goes_on_past_bad_files(enhance, gain, folder):
    gain(0.5)
    out = folder.parent / "out"
    status, printed, err = enhance(folder, out)
    left_out, *lines, last = err.splitlines()
    assert left_out == f"zoo: {folder}: 2 files left out: 1 hidden, 1 of no audio format (.txt)"
    assert status == 2 and printed == "" and last.startswith("zoo: 4 of 6 recordings were not enhanced")
    assert files(out) == ["deep/good.wav", "good.wav"]
    for line, (name, reason) in zip(lines, BAD.items(), strict=True):
        assert line.startswith(f"zoo: {folder / name}: {reason}")
    # Again: what is there stays, unless told.
    status, _, err = enhance(folder, out)
    assert status == 2 and f"{out}/good.wav: exists; replace it by --overwrite" in err and "6 of 6" in err
    assert "4 of 6" in enhance(folder, out, "--overwrite")[2]


class Failing(Scale):
    """An enhancer in which a library fails at a recording of 99 samples."""

    error = RuntimeError("no kernel\nat line 3")

    def enhance(self, noisy, sample_rate, resample=False):
        if noisy.shape[1] == 99:
            raise self.error
        return super().enhance(noisy, sample_rate, resample)


@pytest.mark.parametrize("kind", [RuntimeError, MemoryError, KeyError, ValueError])
def test_any_error_of_a_library_is_that_files_line(enhance, monkeypatch, tmp_path, kind):
    monkeypatch.setattr(network, "load", lambda source: Failing(1))
    monkeypatch.setattr(Failing, "error", kind("no kernel\nat line 3"))
    (tmp_path / "in").mkdir()
    for name, audio in (("a.wav", tone()[:99]), (os.fsdecode(b"Bj\xf6rk.flac"), tone()), ("c.wav", tone())):
        soundfile.write(os.fsencode(tmp_path / "in" / name), audio, RATE, format=name[-4:].strip(".").upper())
    status, _, err = enhance(tmp_path / "in", tmp_path / "out")
    assert status == 2 and err.startswith(f"zoo: {tmp_path}/in/a.wav: {kind.__name__}: ") and err.count("\n") == 2
    assert "1 of 3 recordings were not enhanced" in err
    assert sorted(os.listdir(os.fsencode(tmp_path / "out"))) == [b"Bj\xf6rk.flac", b"c.wav"]
    status, _, err = enhance(tmp_path / "in" / "a.wav", tmp_path / "a.wav")
    assert status == 2 and f"a.wav: {kind.__name__}: " in err and err.count("\n") == 1


def test_what_cannot_be_written_is_refused_before_the_work(enhance, monkeypatch, tmp_path):
    monkeypatch.setattr(network, "load", lambda source: Scale(1))
    monkeypatch.setattr(Scale, "enhance", None)
    monkeypatch.setattr(models.Checkpoint, "sample_rate", 96000)
    soundfile.write(tmp_path / "a.wav", tone(), 96000)
    status, _, err = enhance(tmp_path / "a.wav", tmp_path / "a.mp3")
    assert status == 2 and "a.mp3: cannot be written as MP3" in err
    monkeypatch.setattr(zoo_files, "beside", lambda path: tmp_path / "nothing" / "there")
    status, _, err = enhance(tmp_path / "a.wav", tmp_path / "b.wav")
    assert status == 2 and "b.wav: cannot be written (No such file or directory); give another place" in err


def test_what_appears_meanwhile_is_not_replaced(enhance, monkeypatch, tmp_path):
    class Late(Scale):
        def enhance(self, noisy, sample_rate, resample=False):
            (tmp_path / "b.wav").write_text("another's")
            return noisy

    monkeypatch.setattr(network, "load", lambda source: Late(1))
    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    status, _, err = enhance(tmp_path / "a.wav", tmp_path / "b.wav")
    assert status == 2 and "b.wav: appeared meanwhile, and was left alone" in err
    assert (tmp_path / "b.wav").read_text() == "another's" and files(tmp_path) == ["a.wav", "b.wav"]
    assert enhance(tmp_path / "a.wav", tmp_path / "b.wav", "--overwrite")[0] == 0


@pytest.mark.parametrize(("name", "reason"), BAD.items())
def test_one_bad_file_is_one_line(enhance, gain, folder, name, reason):
    gain(1)
    status, out, err = enhance(folder / name, folder.parent / "out.wav")
    assert status == 2 and out == "" and reason in err and err.count("\n") == 1
    assert not (folder.parent / "out.wav").exists()


def test_a_glob_keeps_the_names_below_its_fixed_part(enhance, gain, folder, monkeypatch):
    gain(1)
    monkeypatch.chdir(folder.parent)
    assert enhance("in/**/g*.wav", "out")[0] == 0 and files(folder.parent / "out") == ["deep/good.wav", "good.wav"]
    assert enhance("in/d*/good.wav", "one")[0] == 0 and files(folder.parent / "one") == ["deep/good.wav"]
    # A name that looks like a glob is a name.
    (folder / "good.wav").rename("take[1].wav")
    assert enhance("take[1].wav", "out/")[0] == 0 and (folder.parent / "out" / "take[1].wav").is_file()


def test_results_inside_the_input_are_no_input(enhance, gain, folder):
    gain(1)
    for _ in range(2):
        enhance(folder, folder / "enhanced", "--overwrite")
    assert files(folder / "enhanced") == ["deep/good.wav", "good.wav"]


def test_the_input_is_never_overwritten(enhance, gain, tmp_path, monkeypatch):
    gain(0)
    monkeypatch.chdir(tmp_path)
    soundfile.write("a.wav", tone(), RATE)
    soundfile.write("clean.wav", tone(), RATE)
    before = (tmp_path / "a.wav").read_bytes()
    os.link("a.wav", "hard.wav")
    os.symlink("a.wav", "soft.wav")
    (tmp_path / "folder").mkdir()
    pairs = [
        ("a.wav", tmp_path / "a.wav"),
        ("a.wav", "folder/../a.wav"),
        ("a.wav", "."),
        ("a.wav", "hard.wav"),
        ("a.wav", "soft.wav"),
        ("soft.wav", "a.wav"),
        (".", "."),
        ("*.wav", "."),
        ("a.wav", "clean.wav", "--reference", "clean.wav", "--report"),
        ("a.wav", "b.wav", "--reference", "clean.wav", "--report", "a.wav"),
    ]
    for arguments in pairs:
        status, _, err = enhance(*arguments, "--overwrite")
        assert status == 2 and "is an input or a reference, which is never overwritten" in err
    assert (tmp_path / "a.wav").read_bytes() == before


def test_a_stopped_run_leaves_whole_files_only(enhance, monkeypatch, tmp_path):
    class Stopped(Scale):
        def enhance(self, noisy, sample_rate, resample=False):
            if (tmp_path / "out").exists():
                raise KeyboardInterrupt
            return noisy

    def half(file, audio):
        assert list(tmp_path.glob(".*.tmp"))
        raise KeyboardInterrupt

    (tmp_path / "in").mkdir()
    for name in "ab":
        soundfile.write(tmp_path / "in" / f"{name}.wav", tone(), RATE)
    monkeypatch.setattr(network, "load", lambda source: Stopped(1))
    status, _, err = enhance(tmp_path / "in", tmp_path / "out")
    assert status == 130 and "no file is half written" in err and os.listdir(tmp_path / "out") == ["a.wav"]
    monkeypatch.setattr(io.soundfile.SoundFile, "write", half)
    assert enhance(tmp_path / "in" / "a.wav", tmp_path / "half.wav")[0] == 130
    assert sorted(os.listdir(tmp_path)) == ["in", "out"]


def test_a_network_that_gives_nan_writes_nothing(enhance, gain, folder, tmp_path):
    gain(math.nan)
    status, _, err = enhance(folder / "good.wav", tmp_path / "out.wav")
    assert status == 2 and "not finite" in err and not (tmp_path / "out.wav").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.wav"], "required: OUT"),
        (["none.wav", "b.wav"], "none.wav: no such file"),
        (["z*.wav", "out"], "holds no .wav, .flac"),
        (["folder", "out"], "holds no .wav, .flac"),
        (["a.wav", "b.xyz"], "unknown audio suffix"),
        (["a.wav", "b"], "unknown audio suffix"),
        (["a.wav", "none/b.wav"], "its folder does not exist"),
        (["a.*", "b.wav"], "names a file, a.\\* more than one recording"),
        (["a.*", "out", "--reference", "a.wav", "--report"], "is no folder"),
        (["a.wav", "b.wav", "--report"], "--report needs --reference"),
        (["a.wav", "b.wav", "--reference", "a.wav"], "--reference needs --report"),
        (["a.wav", "b.wav", "--reference", "a.wav", "--report", "none/b.csv"], "its folder does not exist"),
        (["a.wav", "b.wav", "--checkpoint", "zzz"], "Unknown checkpoint 'zzz'"),
        (["a.wav", "a.mp3"], "cannot be written as MP3"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(enhance, tmp_path, monkeypatch, arguments, message):
    if "zzz" not in arguments:
        monkeypatch.setattr(network, "load", lambda source: Scale(1))
    monkeypatch.setattr(models.Checkpoint, "sample_rate", 96000)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    soundfile.write("a.wav", tone(), 96000)
    status, out, err = enhance(*arguments)
    assert status == 2 and out == "" and err.startswith("zoo: ") and err.count("\n") == 1
    assert re.search(message, err)
    assert files(tmp_path) == ["a.wav"]
