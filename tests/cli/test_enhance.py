"""`zoo enhance` as a user runs it: what stays of a file, what is refused, and what a batch goes on past."""

import math
import os
import re
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

import zoo
from tests.support.harness import REPOSITORY, data_path
from zoo import cli
from zoo import files as zoo_files
from zoo.audio import io
from zoo.checkpoint import network
from zoo.cli import models
from zoo.enhancement.model import BLSTMEnhancer

RATE = 16000
AUDIO = REPOSITORY / "zoo" / "data" / "audio"


class Scale:
    """An enhancer that multiplies by a gain, with the face of a real one."""

    sample_rate = RATE

    def __init__(self, gain):
        self.gain = gain

    def enhance(self, noisy, sample_rate, resample=False):
        assert noisy.ndim == 3 and (resample or sample_rate == self.sample_rate)
        return self.gain * noisy


@pytest.fixture
def gain(monkeypatch):
    """Puts an enhancer of this gain in the place of the checkpoint."""
    return lambda value: monkeypatch.setattr(network, "load", lambda source: Scale(value))


@pytest.fixture
def run(capsys):
    """Run the command in this process; gives (status, stdout, stderr)."""

    def command(*arguments):
        status = cli.main(["enhance", *map(str, arguments)])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return command


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    directory = tmp_path_factory.mktemp("checkpoint") / "blstm"
    zoo.save(BLSTMEnhancer(units=4, hidden=4), directory)
    return f"{directory}/"


def tone(samples=RATE // 2, channels=1):
    """A low tone that fades in and out, each channel weaker than the one before."""
    audio = 0.5 * np.hanning(samples) * np.sin(0.05 * np.arange(samples))
    return (audio[:, None] / np.arange(1, channels + 1)).astype("float32")


FORMATS = [
    ("a.wav", "WAV", "PCM_16", 16000, 1),
    ("a.wav", "WAV", "PCM_U8", 16000, 2),
    ("a.wav", "WAV", "DOUBLE", 16000, 1),
    ("a.wav", "WAV", "ULAW", 8000, 1),
    ("a.wav", "WAVEX", "PCM_24", 96000, 2),
    ("a.wav", "NIST", "PCM_16", 16000, 1),
    ("a.flac", "FLAC", "PCM_16", 44100, 3),
    ("a.ogg", "OGG", "VORBIS", 44100, 2),
    ("a.opus", "OGG", "OPUS", 48000, 1),
    ("a.mp3", "MP3", "MPEG_LAYER_III", 44100, 2),
]


@pytest.mark.parametrize(("name", "container", "subtype", "rate", "channels"), FORMATS)
def test_the_format_of_a_file_stays(run, gain, tmp_path, name, container, subtype, rate, channels):
    gain(0.5)
    noisy, enhanced = tmp_path / name, tmp_path / f"enhanced-{name}"
    soundfile.write(noisy, tone(rate // 2 + 1, channels), rate, subtype, format=container)
    assert run(noisy, enhanced, "--resample") == (0, "", "")
    facts = [
        (info.format, info.subtype, info.samplerate, info.channels, info.frames)
        for info in (soundfile.info(path) for path in (noisy, enhanced))
    ]
    assert facts[0] == facts[1] == (container, subtype, rate, channels, rate // 2 + 1)
    before, after = (soundfile.read(path, always_2d=True)[0] for path in (noisy, enhanced))
    np.testing.assert_allclose(after, before / 2, atol=0.05)


@pytest.mark.parametrize(
    ("subtype", "name", "expected"),
    [
        ("PCM_24", "b.flac", ("FLAC", "PCM_24")),
        ("FLOAT", "b.flac", ("FLAC", "PCM_24")),
        ("PCM_16", "b.aiff", ("AIFF", "PCM_16")),
        ("PCM_16", "b.ogg", ("OGG", "VORBIS")),
        ("IMA_ADPCM", "b.wav", ("WAV", "FLOAT")),
    ],
)
def test_the_suffix_decides_the_container(run, gain, tmp_path, subtype, name, expected):
    gain(1)
    soundfile.write(tmp_path / "a.wav", tone(), RATE, subtype)
    assert run(tmp_path / "a.wav", tmp_path / name)[0] == 0
    info = soundfile.info(tmp_path / name)
    assert (info.format, info.subtype) == expected
    assert info.frames == soundfile.info(tmp_path / "a.wav").frames


@pytest.mark.parametrize("channels", [2, 8])
def test_a_real_network_enhances_each_channel_by_itself(run, checkpoint, tmp_path, channels):
    """Of stereo, and of an array of microphones."""
    audio = np.stack([io.read(AUDIO / f"speech_{name}.flac")[0] for name in ("degraded", "mild")], axis=1)
    audio = np.tile(audio[:RATE], channels // 2) / np.float32(np.arange(1, channels + 1))
    soundfile.write(tmp_path / "array.wav", audio, RATE, "FLOAT")
    assert run(tmp_path / "array.wav", tmp_path / "out.wav", "--checkpoint", checkpoint) == (0, "", "")
    enhanced = io.read_channels(tmp_path / "out.wav").audio
    assert enhanced.shape == audio.shape
    model = zoo.load(checkpoint)
    for channel in (0, 1, channels - 1):
        alone = model.enhance(audio[:, channel], RATE)
        np.testing.assert_allclose(enhanced[:, channel], alone, atol=1e-5)


def test_real_recordings_of_any_kind_give_finite_results(run, checkpoint, tmp_path):
    speech_path = min(data_path("speech", "test").rglob("*.flac"))
    clean = io.read(speech_path)[0][: 2 * RATE]
    odd = {
        "ten-ms.wav": (clean[RATE : RATE + 160], RATE),
        "one-sample.wav": (np.array([0.5]), RATE),
        "silence.wav": (np.zeros(RATE), RATE),
        "studio.wav": (np.stack(2 * [io.resample(clean, RATE, 96000)], axis=1), 96000),
        "telephone.wav": (io.resample(clean, RATE, 8000), 8000),
    }
    for name, (audio, rate) in odd.items():
        soundfile.write(tmp_path / name, audio, rate, "PCM_16")
    status, out, err = run(f"{tmp_path}/*.wav", tmp_path / "out", "--checkpoint", checkpoint, "--resample")
    assert (status, out, err) == (0, "", "")
    for name, (audio, rate) in odd.items():
        recording = io.read_channels(tmp_path / "out" / name)  # which refuses NaN
        assert recording.audio.shape == audio.reshape(len(audio), -1).shape and recording.sample_rate == rate
    assert not io.read(tmp_path / "out" / "silence.wav")[0].any()


def test_what_lies_beyond_full_scale_is_clipped_and_counted(run, gain, tmp_path):
    gain(4)
    audio = np.array([0.1, 0.2, 0.3, -0.5, 0.25])
    for subtype in ("PCM_16", "FLOAT"):
        soundfile.write(tmp_path / f"{subtype}.wav", audio, RATE, subtype)
    status, _, err = run(tmp_path / "PCM_16.wav", tmp_path / "out.wav")
    assert status == 0 and err.startswith(f"zoo: {tmp_path}/out.wav: 2 samples beyond full scale were clipped")
    np.testing.assert_allclose(io.read(tmp_path / "out.wav")[0], [0.4, 0.8, 1, -1, 1], atol=2**-13)
    assert run(tmp_path / "FLOAT.wav", tmp_path / "float.wav") == (0, "", "")
    np.testing.assert_allclose(io.read(tmp_path / "float.wav")[0], 4 * audio, rtol=1e-6)


def test_a_clipped_input_is_named_and_enhanced(run, checkpoint, tmp_path):
    degraded, _ = io.read(AUDIO / "speech_degraded.flac")
    for subtype in ("PCM_16", "PCM_U8"):
        loud = np.clip(20 * degraded, -1, 1)
        soundfile.write(tmp_path / f"{subtype}.wav", loud, RATE, subtype)
    soundfile.write(tmp_path / "peak.wav", degraded / np.abs(degraded).max(), RATE)
    status, _, err = run(f"{tmp_path}/*.wav", tmp_path / "out", "--checkpoint", checkpoint)
    warnings = [line for line in err.splitlines() if "samples are clipped, which is not repaired" in line]
    assert status == 0 and [line.split("/")[-1].split(":")[0] for line in warnings] == ["PCM_16.wav", "PCM_U8.wav"]


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


def files(directory):
    return sorted(path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file())


@pytest.mark.parametrize("pattern", ["in/", "in/**/*.wav"])
def test_linked_folders_are_enhanced_once(run, gain, tmp_path, monkeypatch, pattern):
    monkeypatch.chdir(tmp_path)
    gain(0.5)
    for name in ("store/b.wav", "in/a.wav"):
        Path(name).parent.mkdir()
        soundfile.write(name, tone(), RATE)
    Path("in/talker").symlink_to("../store")
    Path("in/again").symlink_to("../in")
    assert run(pattern, "out")[0] == 0
    assert files(tmp_path / "out") == ["a.wav", "talker/b.wav"]


def test_a_pipe_is_enhanced(run, gain, tmp_path):
    gain(0.5)
    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    os.mkfifo(tmp_path / "pipe")
    data = (tmp_path / "a.wav").read_bytes()
    threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(data,), daemon=True).start()
    assert run(tmp_path / "pipe", tmp_path / "out.wav")[0] == 0
    np.testing.assert_allclose(io.read(tmp_path / "out.wav")[0], 0.5 * tone()[:, 0], atol=2**-14)


def test_what_only_ffmpeg_reads_needs_another_suffix(run, gain, tmp_path):
    gain(0.5)
    (tmp_path / "a.m4a").touch()
    status, _, err = run(tmp_path / "a.m4a", tmp_path / "b.m4a")
    assert status == 2 and "b.m4a: unknown audio suffix; use .wav" in err


def test_a_batch_goes_on_past_bad_files(run, gain, folder):
    gain(0.5)
    out = folder.parent / "out"
    status, printed, err = run(folder, out)
    left_out, *lines, last = err.splitlines()
    assert left_out == f"zoo: {folder}: 2 files left out: 1 hidden, 1 of no audio format (.txt)"
    assert status == 2 and printed == "" and last.startswith("zoo: 4 of 6 recordings were not enhanced")
    assert files(out) == ["deep/good.wav", "good.wav"]
    for line, (name, reason) in zip(lines, BAD.items(), strict=True):
        assert line.startswith(f"zoo: {folder / name}: {reason}")
    # Again: what is there stays, unless told.
    status, _, err = run(folder, out)
    assert status == 2 and f"{out}/good.wav: exists; replace it by --overwrite" in err and "6 of 6" in err
    assert "4 of 6" in run(folder, out, "--overwrite")[2]


class Failing(Scale):
    """An enhancer in which a library fails at a recording of 99 samples."""

    error = RuntimeError("no kernel\nat line 3")

    def enhance(self, noisy, sample_rate, resample=False):
        if noisy.shape[1] == 99:
            raise self.error
        return super().enhance(noisy, sample_rate, resample)


@pytest.mark.parametrize("kind", [RuntimeError, MemoryError, KeyError, ValueError])
def test_any_error_of_a_library_is_that_files_line(run, monkeypatch, tmp_path, kind):
    monkeypatch.setattr(network, "load", lambda source: Failing(1))
    monkeypatch.setattr(Failing, "error", kind("no kernel\nat line 3"))
    (tmp_path / "in").mkdir()
    for name, audio in (("a.wav", tone()[:99]), (os.fsdecode(b"Bj\xf6rk.flac"), tone()), ("c.wav", tone())):
        soundfile.write(os.fsencode(tmp_path / "in" / name), audio, RATE, format=name[-4:].strip(".").upper())
    status, _, err = run(tmp_path / "in", tmp_path / "out")
    assert status == 2 and err.startswith(f"zoo: {tmp_path}/in/a.wav: {kind.__name__}: ") and err.count("\n") == 2
    assert "1 of 3 recordings were not enhanced" in err
    assert sorted(os.listdir(os.fsencode(tmp_path / "out"))) == [b"Bj\xf6rk.flac", b"c.wav"]
    status, _, err = run(tmp_path / "in" / "a.wav", tmp_path / "a.wav")
    assert status == 2 and f"a.wav: {kind.__name__}: " in err and err.count("\n") == 1


def test_what_cannot_be_written_is_refused_before_the_work(run, monkeypatch, tmp_path):
    monkeypatch.setattr(network, "load", lambda source: Scale(1))
    monkeypatch.setattr(Scale, "enhance", None)
    monkeypatch.setattr(models.Checkpoint, "sample_rate", 96000)
    soundfile.write(tmp_path / "a.wav", tone(), 96000)
    status, _, err = run(tmp_path / "a.wav", tmp_path / "a.mp3")
    assert status == 2 and "a.mp3: cannot be written as MP3" in err
    monkeypatch.setattr(zoo_files, "beside", lambda path: tmp_path / "nothing" / "there")
    status, _, err = run(tmp_path / "a.wav", tmp_path / "b.wav")
    assert status == 2 and "b.wav: cannot be written (No such file or directory); give another place" in err


def test_what_appears_meanwhile_is_not_replaced(run, monkeypatch, tmp_path):
    class Late(Scale):
        def enhance(self, noisy, sample_rate, resample=False):
            (tmp_path / "b.wav").write_text("another's")
            return noisy

    monkeypatch.setattr(network, "load", lambda source: Late(1))
    soundfile.write(tmp_path / "a.wav", tone(), RATE)
    status, _, err = run(tmp_path / "a.wav", tmp_path / "b.wav")
    assert status == 2 and "b.wav: appeared meanwhile, and was left alone" in err
    assert (tmp_path / "b.wav").read_text() == "another's" and files(tmp_path) == ["a.wav", "b.wav"]
    assert run(tmp_path / "a.wav", tmp_path / "b.wav", "--overwrite")[0] == 0


@pytest.mark.parametrize(("name", "reason"), BAD.items())
def test_one_bad_file_is_one_line(run, gain, folder, name, reason):
    gain(1)
    status, out, err = run(folder / name, folder.parent / "out.wav")
    assert status == 2 and out == "" and reason in err and err.count("\n") == 1
    assert not (folder.parent / "out.wav").exists()


def test_a_glob_keeps_the_names_below_its_fixed_part(run, gain, folder, monkeypatch):
    gain(1)
    monkeypatch.chdir(folder.parent)
    assert run("in/**/g*.wav", "out")[0] == 0 and files(folder.parent / "out") == ["deep/good.wav", "good.wav"]
    assert run("in/d*/good.wav", "one")[0] == 0 and files(folder.parent / "one") == ["deep/good.wav"]
    # A name that looks like a glob is a name.
    (folder / "good.wav").rename("take[1].wav")
    assert run("take[1].wav", "out/")[0] == 0 and (folder.parent / "out" / "take[1].wav").is_file()


def test_results_inside_the_input_are_no_input(run, gain, folder):
    gain(1)
    for _ in range(2):
        run(folder, folder / "enhanced", "--overwrite")
    assert files(folder / "enhanced") == ["deep/good.wav", "good.wav"]


def test_the_input_is_never_overwritten(run, gain, tmp_path, monkeypatch):
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
        status, _, err = run(*arguments, "--overwrite")
        assert status == 2 and "is an input or a reference, which is never overwritten" in err
    assert (tmp_path / "a.wav").read_bytes() == before


def test_a_stopped_run_leaves_whole_files_only(run, monkeypatch, tmp_path):
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
    status, _, err = run(tmp_path / "in", tmp_path / "out")
    assert status == 130 and "no file is half written" in err and os.listdir(tmp_path / "out") == ["a.wav"]
    monkeypatch.setattr(io.soundfile.SoundFile, "write", half)
    assert run(tmp_path / "in" / "a.wav", tmp_path / "half.wav")[0] == 130
    assert sorted(os.listdir(tmp_path)) == ["in", "out"]


def test_a_network_that_gives_nan_writes_nothing(run, gain, folder, tmp_path):
    gain(math.nan)
    status, _, err = run(folder / "good.wav", tmp_path / "out.wav")
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
def test_a_mistake_is_one_line_and_status_2(run, tmp_path, monkeypatch, arguments, message):
    if "zzz" not in arguments:
        monkeypatch.setattr(network, "load", lambda source: Scale(1))
    monkeypatch.setattr(models.Checkpoint, "sample_rate", 96000)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    soundfile.write("a.wav", tone(), 96000)
    status, out, err = run(*arguments)
    assert status == 2 and out == "" and err.startswith("zoo: ") and err.count("\n") == 1
    assert re.search(message, err)
    assert files(tmp_path) == ["a.wav"]
