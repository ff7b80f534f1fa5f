"""Every container with right, wrong, missing and infinite counts, joined recordings, cut ones, and pipes: true lengths."""

import os
import shutil
import struct
import subprocess
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from zoo.audio import blocks, io, mix, pairs, whole
from zoo.data import speech
from zoo.errors import InputError, InputWarning
from zoo.separation.tracks import Track

RATE, SAMPLES = 44100, 44100 * 3
TIME = np.arange(SAMPLES) / RATE
# A tone that comes and goes, so that a variable bit rate varies, and rises, so that a part is where it should be.
TONE = (0.3 * (TIME % 1 < 0.4) * np.sin(2 * np.pi * (300 + 200 * TIME) * TIME)).astype("float32")
AUDIO = np.stack([TONE, -0.5 * TONE], axis=1)
ENCODER_DELAY = 2400  # samples that an mp3 without a gapless tag, or aac, may add at both ends together

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="makes its files by ffmpeg")


def ffmpeg(*arguments):
    done = subprocess.run(["ffmpeg", "-v", "error", "-y", *arguments], check=True, stdout=subprocess.PIPE)
    return done.stdout


def source(folder, audio=AUDIO):
    soundfile.write(folder / "source.wav", audio, RATE, "PCM_16")
    return folder / "source.wav"


def decoded(path):
    """A recording by every door: whole, in blocks and in parts, which must agree; float32 (samples, channels)."""
    audio = io.read_channels(path).audio
    with blocks.open_audio(path) as file:
        assert file.frames == len(audio)
        parts = []
        while len(block := blocks.read_block(file, 20000)):
            parts.append(block)
    np.testing.assert_allclose(np.concatenate(parts), audio, atol=1e-6)
    for start in (0, len(audio) // 2, len(audio) - 3000):
        part, rate = blocks.read_part(path, start, 5000)
        assert rate == io.read_channels(path).sample_rate
        np.testing.assert_allclose(part, audio[start : start + 5000], atol=1e-6)
    return audio


def check_sound(audio, expected=AUDIO):
    """Whether a recording is the expected one after a delay of some samples."""
    power = np.fft.irfft(np.fft.rfft(audio[:, 0], 2**19) * np.conj(np.fft.rfft(expected[:, 0], 2**19)), 2**19)
    lag = int(np.argmax(power))
    assert lag < ENCODER_DELAY and len(audio) - len(expected) < 2 * ENCODER_DELAY
    aligned = audio[lag : lag + len(expected)]
    assert len(aligned) > len(expected) - 600  # what a delay pushes past the end is in the padding
    assert mix.rms((aligned - expected[: len(aligned)]).ravel()) < 0.1 * mix.rms(expected.ravel())


@pytest.mark.parametrize("container", ["wav", "flac", "aiff", "au", "w64", "caf", "rf64"])
def test_a_right_count_changes_nothing(tmp_path, container):
    path = tmp_path / f"a.{container}"
    soundfile.write(path, AUDIO, RATE, "PCM_16", format=container.upper())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        audio = decoded(path)
    np.testing.assert_array_equal(audio, soundfile.read(path, dtype="float32")[0])
    with blocks.open_audio(path) as file:
        assert not file.is_copy


@pytest.mark.parametrize("count", [0, 1, SAMPLES // 2, 2**36 - 1])
@pytest.mark.filterwarnings("ignore::zoo.errors.InputWarning")
def test_flac_of_any_count(tmp_path, count):
    soundfile.write(tmp_path / "a.flac", AUDIO, RATE, "PCM_16")
    data = bytearray((tmp_path / "a.flac").read_bytes())
    (fields,) = struct.unpack_from(">Q", data, 18)
    data[18:26] = struct.pack(">Q", fields >> 36 << 36 | count)
    (tmp_path / "a.flac").write_bytes(data)
    np.testing.assert_allclose(decoded(tmp_path / "a.flac"), AUDIO, atol=2**-15)


@pytest.mark.parametrize("size", [0, 1000, SAMPLES * 2, 0x7FFFFFFF, 0xFFFFFFFF])
@pytest.mark.filterwarnings("ignore::zoo.errors.InputWarning")
def test_wav_of_any_size(tmp_path, size):
    data = source(tmp_path).read_bytes()
    (tmp_path / "a.wav").write_bytes(data[:40] + struct.pack("<I", size) + data[44:])
    np.testing.assert_allclose(decoded(tmp_path / "a.wav"), AUDIO, atol=2**-15)


@pytest.mark.parametrize("size", [0, 5_000_000_000 % 2**32, 0xFFFFFFFF])
def test_a_wav_of_more_than_its_header_can_count_is_refused(tmp_path, size):
    """As recorders make them in a night; libsndfile reads what is left of the size, or 4 GB."""
    data = source(tmp_path).read_bytes()
    (tmp_path / "a.wav").write_bytes(data[:40] + struct.pack("<I", size))
    os.truncate(tmp_path / "a.wav", 44 + 5_000_000_000)  # a sparse file
    with pytest.raises(
        InputError, match="a.wav: holds 5000000000 bytes, more than its header can count; convert it: ffmpeg"
    ):
        blocks.open_audio(tmp_path / "a.wav")


@needs_ffmpeg
@pytest.mark.parametrize("container", ["wav", "flac", "mp3", "ogg", "au", "aiff", "caf", "w64", "adts", "webm"])
def test_what_a_program_pipes_is_whole(tmp_path, container):
    how = {"mp3": ["-q:a", "2"], "webm": ["-ar", "48000", "-b:a", "160k"]}.get(container, [])
    data = ffmpeg("-i", source(tmp_path), *how, "-f", container, "-")
    (tmp_path / f"a.{container}").write_bytes(data)
    audio = decoded(tmp_path / f"a.{container}")
    if container == "webm":
        audio = io.resample(audio.T, 48000, RATE).T
    if container in ("wav", "flac", "au", "aiff", "caf", "w64"):
        np.testing.assert_allclose(audio, AUDIO, atol=2**-14)
    else:
        check_sound(audio)


@needs_ffmpeg
@pytest.mark.parametrize("options", [("-q:a", "2"), ("-q:a", "9"), ("-b:a", "128k")])
@pytest.mark.parametrize("xing", ["0", "1"])
def test_mp3_with_and_without_a_count(tmp_path, options, xing):
    ffmpeg("-i", source(tmp_path), *options, "-write_xing", xing, tmp_path / "a.mp3")
    audio = decoded(tmp_path / "a.mp3")
    assert SAMPLES <= len(audio) < SAMPLES + ENCODER_DELAY
    check_sound(audio)


@needs_ffmpeg
@pytest.mark.parametrize("options", [("a.mp3",), ("-q:a", "2", "-write_xing", "0", "a.mp3"), ("a.ogg",), ("a.flac",)])
def test_joined_recordings_are_read_to_the_end(tmp_path, options):
    name, halves = options[-1], (AUDIO[:60000], AUDIO[60000:])
    joined = b""
    for audio in halves:
        ffmpeg("-i", source(tmp_path, audio), *options[:-1], tmp_path / name)
        joined += (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(joined)
    audio = decoded(tmp_path / name)
    assert SAMPLES <= len(audio) < SAMPLES + 2 * ENCODER_DELAY
    recording = io.read_channels(tmp_path / name)
    assert recording.container == Path(name).suffix[1:].upper() and recording.subtype != "FLOAT"
    if "-q:a" not in options:  # the others have tags by which the delay of each is cut
        np.testing.assert_allclose(audio, AUDIO, atol={"a.flac": 2**-15}.get(name, 0.3))
        assert np.sqrt(np.mean((audio - AUDIO) ** 2)) < 0.02


@needs_ffmpeg
def test_joined_opus_and_wav(tmp_path):
    ffmpeg("-i", source(tmp_path), "-ar", "48000", tmp_path / "a.opus")
    once = len(decoded(tmp_path / "a.opus"))
    (tmp_path / "b.opus").write_bytes(2 * (tmp_path / "a.opus").read_bytes())
    assert len(decoded(tmp_path / "b.opus")) == 2 * once
    (tmp_path / "b.wav").write_bytes(3 * source(tmp_path).read_bytes())
    np.testing.assert_allclose(decoded(tmp_path / "b.wav"), np.tile(AUDIO, (3, 1)), atol=2**-15)


def test_recordings_of_two_rates_cannot_be_joined(tmp_path):
    for name, rate in (("a.flac", RATE), ("b.flac", 16000)):
        soundfile.write(tmp_path / name, AUDIO, rate)
    (tmp_path / "c.flac").write_bytes(b"".join((tmp_path / f"{name}.flac").read_bytes() for name in "ab"))
    with pytest.raises(InputError, match="c.flac: joins recordings of several rates or channels"):
        io.read(tmp_path / "c.flac", downmix=True)


@needs_ffmpeg
def test_an_mp3_that_changes_its_rate_is_decoded_by_ffmpeg(tmp_path):
    for name, rate in (("a.mp3", "44100"), ("b.mp3", "22050")):
        ffmpeg("-i", source(tmp_path), "-ar", rate, "-write_xing", "0", tmp_path / name)
    (tmp_path / "c.mp3").write_bytes(b"".join((tmp_path / f"{name}.mp3").read_bytes() for name in "ab"))
    audio = decoded(tmp_path / "c.mp3")
    assert 2 * SAMPLES <= len(audio) < 2 * SAMPLES + 4 * ENCODER_DELAY


@pytest.mark.parametrize("container", ["wav", "aiff", "au", "w64", "rf64", "sph", "ogg", "mp3"])
def test_a_cut_recording_is_read_as_far_as_it_goes_aloud(tmp_path, container):
    path = tmp_path / f"a.{container}"
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, AUDIO.shape)
    soundfile.write(path, noise, RATE, format={"sph": "NIST"}.get(container, container.upper()))
    data = path.read_bytes()
    path.write_bytes(data[: 2 * len(data) // 3])
    with pytest.warns(InputWarning, match=f"a.{container}: (is|has no last page: it may be) cut short"):
        audio = io.read_channels(path).audio
    assert 0.5 * SAMPLES < len(audio) < 0.8 * SAMPLES
    np.testing.assert_array_equal(audio, soundfile.read(path, dtype="float32")[0][: len(audio)])


def test_a_cut_flac_is_refused(tmp_path):
    soundfile.write(tmp_path / "a.flac", AUDIO, RATE)
    data = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(data[: len(data) // 2])
    with (
        pytest.warns(InputWarning, match="a.flac: is cut short: its header counts 132300 samples"),
        pytest.raises(InputError, match="a.flac: cannot be read"),
    ):
        io.read_channels(tmp_path / "a.flac")


@needs_ffmpeg
def test_formats_of_ffmpeg(tmp_path):
    for name in ("a.m4a", "a.wma", "a.aac", "a.mka"):
        ffmpeg("-i", source(tmp_path), "-b:a", "192k", tmp_path / name)
        audio = decoded(tmp_path / name)
        if name == "a.wma":  # of which ffmpeg's decoder leaves out the first frame
            assert abs(len(audio) + 2048 - SAMPLES) < 2048 and 0.1 < np.abs(audio[2 * RATE :]).max() < 0.5
        else:
            assert SAMPLES <= len(audio) < SAMPLES + 2 * ENCODER_DELAY
            check_sound(audio)
        assert io.read_channels(tmp_path / name).container == name[2:].upper()
    ffmpeg("-i", source(tmp_path), "-movflags", "faststart", "-b:a", "192k", tmp_path / "b.m4a")
    data = (tmp_path / "b.m4a").read_bytes()
    (tmp_path / "b.m4a").write_bytes(data[: len(data) // 2])
    with pytest.warns(InputWarning, match=r"b.m4a: is cut short: its header counts 3\.\d+ s, 1\.\d+ s are there"):
        io.read_channels(tmp_path / "b.m4a")


def test_without_ffmpeg_its_formats_are_refused(tmp_path, monkeypatch):
    (tmp_path / "a.m4a").write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))
    monkeypatch.setattr(whole.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="a.m4a: cannot be read without the program ffmpeg; install it"):
        io.read(tmp_path / "a.m4a")


def test_text_is_no_recording_for_ffmpeg_either(tmp_path):
    (tmp_path / "list.wav").write_text("#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.mp3\n")
    with pytest.raises(InputError, match="list.wav: cannot be read"):
        io.read(tmp_path / "list.wav")


@pytest.mark.parametrize("container", ["wav", "flac", "mp3"])
def test_a_pipe_of_the_process_is_read_like_a_file_and_more_than_once(tmp_path, container):
    """As `<(...)` and stdin are."""
    path = tmp_path / f"a.{container}"
    soundfile.write(path, AUDIO, RATE)
    read_end, write_end = os.pipe()
    thread = threading.Thread(target=fill, args=(write_end, path.read_bytes()), daemon=True)
    thread.start()
    pipe = f"/dev/fd/{read_end}"
    recording, expected = io.read_channels(pipe), io.read_channels(path)
    thread.join(10)
    assert (recording.container, recording.subtype) == (expected.container, expected.subtype)
    np.testing.assert_array_equal(recording.audio, expected.audio)
    np.testing.assert_array_equal(decoded(pipe), expected.audio)
    os.close(read_end)


def fill(end, data):
    with open(end, "wb") as pipe:
        pipe.write(data)


def test_a_named_pipe_is_read_anew_each_time(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for gain in (1, 0.5):
        soundfile.write(tmp_path / "a.wav", gain * AUDIO, RATE)
        threading.Thread(target=pipe.write_bytes, args=((tmp_path / "a.wav").read_bytes(),), daemon=True).start()
        np.testing.assert_allclose(io.read_channels(pipe).audio, gain * AUDIO, atol=2**-15)


def test_a_pair_of_pipes_is_read_once_and_resampled(tmp_path):
    os.mkfifo(tmp_path / "reference")
    data = source(tmp_path, TONE).read_bytes()
    threading.Thread(target=(tmp_path / "reference").write_bytes, args=(data,), daemon=True).start()
    pair = pairs.Pair("a", tmp_path / "reference", tmp_path / "source.wav")
    reference, degraded, rate = pairs.read(pair, rates=(16000,), resample=True)
    assert rate == 16000 and len(reference) == 48000
    np.testing.assert_array_equal(reference, degraded)


def test_nothing_is_left_in_the_temporary_folder(tmp_path):
    code = (
        "import sys; from zoo.audio import io; print(len(io.read(sys.argv[1], downmix=True)[0])); "
        "print(len(io.read('/dev/stdin', downmix=True)[0]))"
    )
    (tmp_path / "a.wav").write_bytes(2 * source(tmp_path).read_bytes())
    (tmp_path / "temporary").mkdir()
    command = ["python", "-c", code, tmp_path / "a.wav"]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "temporary"), "PYTHONPATH": str(Path.cwd())}
    command[0] = os.sys.executable
    done = subprocess.run(
        command, input=source(tmp_path).read_bytes(), env=environment, capture_output=True, check=True
    )
    assert done.stdout.split() == [b"%d" % (2 * SAMPLES), b"%d" % SAMPLES] and not done.stderr
    assert not list((tmp_path / "temporary").iterdir())


@needs_ffmpeg
def test_a_training_stem_has_music_to_its_end(tmp_path):
    ffmpeg("-i", source(tmp_path), "-q:a", "2", "-write_xing", "0", tmp_path / "a.mp3")
    track = Track("song", {"vocals": tmp_path / "a.mp3"})
    assert SAMPLES <= track.samples < SAMPLES + ENCODER_DELAY
    loud = track.read_excerpt("vocals", int(2.1 * RATE), int(0.2 * RATE))
    assert np.sqrt(np.mean(loud**2)) > 0.1


def test_a_corpus_is_read_to_the_end(tmp_path):
    (tmp_path / "speech").mkdir()
    soundfile.write(tmp_path / "a.flac", TONE, speech.SAMPLE_RATE, "PCM_16")
    (tmp_path / "speech" / "a.flac").write_bytes(2 * (tmp_path / "a.flac").read_bytes())
    assert len(speech._read(tmp_path, {"path": "speech/a.flac"})) == 2 * SAMPLES
