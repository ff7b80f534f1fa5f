"""Reading, resampling and writing recordings."""

import os

import numpy as np
import pytest
import soundfile

from tests.support.audio import RATE, tone
from tests.support.disk import cutting, mounted
from zoo.audio import io
from zoo.errors import InputError


@pytest.mark.parametrize(("suffix", "atol"), [(".wav", 0), (".flac", 2**-23), (".ogg", 0.03), (".mp3", 0.03)])
def test_write_then_read(tmp_path, suffix, atol):
    io.write(tmp_path / f"tone{suffix}", tone(), RATE)
    audio, rate = io.read(tmp_path / f"tone{suffix}")
    assert rate == RATE and audio.dtype == np.float32 and audio.shape == tone().shape
    np.testing.assert_allclose(audio[800:-800], tone()[800:-800], atol=atol)
    assert [path.name for path in tmp_path.iterdir()] == [f"tone{suffix}"]


def test_another_rate_raises_or_is_resampled(tmp_path):
    io.write(tmp_path / "tone.wav", tone(48000), 48000)
    with pytest.raises(InputError, match="is at 48000 Hz, 16000 Hz is needed.*--resample"):
        io.read(tmp_path / "tone.wav", RATE)
    audio, rate = io.read(tmp_path / "tone.wav", RATE, resample=True)
    assert rate == RATE and len(audio) == RATE // 2
    np.testing.assert_allclose(audio[400:-400], tone()[400:-400], atol=1e-4)


def test_more_channels_raise_or_are_averaged(tmp_path):
    io.write(tmp_path / "stereo.wav", np.stack([tone(), 0 * tone()], axis=1), RATE)
    with pytest.raises(InputError, match="has 2 channels, mono is needed.*--downmix"):
        io.read(tmp_path / "stereo.wav")
    audio, _ = io.read(tmp_path / "stereo.wav", downmix=True)
    np.testing.assert_array_equal(audio, tone() / 2)


def test_channels_and_format_are_read_and_written(tmp_path):
    stereo = np.stack([tone(), -tone()], axis=1)
    soundfile.write(tmp_path / "a.wav", stereo, RATE, "PCM_24", format="WAVEX")
    recording = io.read_channels(tmp_path / "a.wav")
    assert (recording.sample_rate, recording.container, recording.subtype) == (RATE, "WAVEX", "PCM_24")
    np.testing.assert_allclose(recording.audio, stereo, atol=2**-23)
    assert io.write(tmp_path / "b.wav", recording.audio, RATE, recording.container, recording.subtype) == 0
    again = io.read_channels(tmp_path / "b.wav")
    assert (again.container, again.subtype) == ("WAVEX", "PCM_24")
    np.testing.assert_array_equal(again.audio, recording.audio)


@pytest.mark.parametrize(
    ("name", "subtype", "written"),
    [
        ("a.wav", None, "FLOAT"),
        ("a.flac", "PCM_16", "PCM_16"),
        ("a.flac", "FLOAT", "PCM_24"),  # which FLAC lacks
        ("a.wav", "IMA_ADPCM", "FLOAT"),  # which fills whole blocks
        ("a.wav", "MPEG_LAYER_III", "FLOAT"),
    ],
)
def test_a_subtype_that_cannot_be_kept_is_the_containers_own(tmp_path, name, subtype, written):
    io.write(tmp_path / name, tone(), RATE, subtype=subtype)
    info = soundfile.info(tmp_path / name)
    assert info.subtype == written and info.frames == len(tone())


def test_clipping_is_counted_and_floats_keep_what_lies_beyond(tmp_path):
    audio = np.array([0.5, 1 + 1e-6, 2, -2], "float32")
    assert io.write(tmp_path / "a.wav", audio, RATE, subtype="PCM_16", clip=True) == 2
    np.testing.assert_allclose(io.read(tmp_path / "a.wav")[0], [0.5, 1, 1, -1], atol=2**-15)
    assert io.write(tmp_path / "b.wav", audio, RATE, subtype="FLOAT", clip=True) == 0
    np.testing.assert_array_equal(io.read(tmp_path / "b.wav")[0], audio)


def test_files_that_cannot_be_used(tmp_path):
    (tmp_path / "junk.wav").write_text("no audio")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    soundfile.write(tmp_path / "nan.wav", np.array([0, np.nan]), RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "tone.raw", tone(), RATE, "PCM_16", format="RAW")
    cases = [
        ("junk", "cannot be read"),
        ("empty", "no samples"),
        ("nan", "holds NaN"),
        ("none", "no such file"),
    ]
    for name, message in cases:
        with pytest.raises(InputError, match=f"{name}.wav: .*{message}") as caught:
            io.read(tmp_path / f"{name}.wav")
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no such file"):
        io.read(tmp_path)
    with pytest.raises(InputError, match="tone.raw: cannot be read"):
        io.read(tmp_path / "tone.raw")


@pytest.mark.parametrize(("from_rate", "to_rate"), [(48000, 16000), (44100, 16000), (8000, 44100)])
def test_resample_keeps_a_tone_and_the_leading_axes(from_rate, to_rate):
    batch = np.stack([tone(from_rate), -tone(from_rate)])
    audio = io.resample(batch, from_rate, to_rate)
    assert audio.shape == (2, to_rate // 2) and audio.dtype == np.float32
    np.testing.assert_allclose(audio[0, 500:-500], tone(to_rate)[500:-500], atol=1e-3)
    np.testing.assert_allclose(audio[1], -audio[0], atol=1e-6)


def test_resample_removes_what_the_new_rate_cannot_hold():
    audio = io.resample(tone(48000, frequency=12000), 48000, RATE)
    assert np.abs(audio[500:-500]).max() < 1e-4


@pytest.mark.parametrize(
    ("audio", "rates", "message"),
    [
        (np.zeros((16000, 8), "float32"), (16000, 8000), r"\(16000, 8\) looks like \(samples, channels\).*audio\.T"),
        (np.zeros((16000, 8), "float32"), (16000, 16000), r"looks like \(samples, channels\)"),
        (np.zeros(100, "int16"), (16000, 8000), "audio is int16"),
        (np.zeros(100), (0, 8000), r"the sample rate is 0; give a number in Hz, above 0"),
        (np.zeros(100), (16000, "8000"), "the sample rate is '8000'"),
        (np.zeros(100), (True, 8000), "the sample rate is True"),
    ],
)
def test_what_cannot_be_resampled_is_refused(audio, rates, message):
    with pytest.raises(InputError, match=message):
        io.resample(audio, *rates)


def test_the_channels_of_an_array_of_microphones_are_the_last_axis(tmp_path):
    """As soundfile has them; only downmixing, which is asked for, makes one of them."""
    channels = np.stack([0.1 * k * tone() for k in range(1, 9)], axis=1)
    io.write(tmp_path / "array.wav", channels, RATE)
    recording = io.read_channels(tmp_path / "array.wav")
    np.testing.assert_array_equal(recording.audio, channels.astype("float32"))
    with pytest.raises(InputError, match="has 8 channels, mono is needed; downmix it"):
        io.read(tmp_path / "array.wav")
    np.testing.assert_allclose(io.read(tmp_path / "array.wav", downmix=True)[0], channels.mean(axis=1), atol=1e-7)
    with pytest.raises(InputError, match="cannot be written"):
        io.write(tmp_path / "swapped.wav", channels.T, RATE)


def test_resample_to_the_same_rate_changes_nothing():
    np.testing.assert_array_equal(io.resample(tone(), RATE, RATE), tone())


@pytest.mark.parametrize(
    ("name", "audio", "message"),
    [
        ("loud.wav", np.full(9, 1.5), "peaks at 1.500"),
        ("empty.wav", np.zeros(0), "empty"),
        ("nan.wav", np.full(9, np.nan), "not finite"),
        ("tone.xyz", np.zeros(9), "unknown audio suffix"),
        ("none/tone.wav", np.zeros(9), "folder does not exist"),
        ("tone.mp3", np.zeros((9, 3)), "cannot be written as MP3"),
    ],
)
def test_write_refuses(tmp_path, name, audio, message):
    with pytest.raises(InputError, match=message):
        io.write(tmp_path / name, audio, RATE)
    assert not list(tmp_path.iterdir())


CONTAINERS = [
    ("a.wav", None),
    ("a.wav", "PCM_16"),
    ("a.flac", None),
    ("a.ogg", None),
    ("a.ogg", "OPUS"),
    ("a.mp3", None),
    ("a.aiff", None),
    ("a.w64", None),
    ("a.rf64", None),
    ("a.caf", None),
    ("a.au", None),
]


@pytest.mark.parametrize(("name", "subtype"), CONTAINERS)
def test_a_file_that_the_disk_cuts_is_an_error_and_not_there(tmp_path, monkeypatch, name, subtype):
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (RATE, 2))
    io.write(tmp_path / name, audio, RATE, subtype=subtype)
    before = (tmp_path / name).read_bytes()
    monkeypatch.setattr(io.soundfile, "SoundFile", cutting(".tmp"))
    with pytest.raises(InputError, match=f"{name}: was not written whole .*; is the disk full"):
        io.write(tmp_path / name, audio, RATE, subtype=subtype)
    assert (tmp_path / name).read_bytes() == before and len(list(tmp_path.iterdir())) == 1


@pytest.fixture
def small_disk(tmp_path):
    """A folder of a disk of 64 kB; mounting one is for root alone."""
    with mounted(tmp_path, "size=64k") as folder:
        yield folder


@pytest.mark.parametrize(("suffix", "samples"), [("wav", 16384), ("flac", 23500), ("ogg", 214000), ("mp3", 275000)])
def test_a_disk_that_fills_up_is_an_error_wherever_it_does(small_disk, suffix, samples):
    noise, written = np.random.default_rng(0).uniform(-0.5, 0.5, 2 * samples), []
    for count in np.linspace(0.9 * samples, 1.1 * samples, 17, dtype=int):
        path = small_disk / f"{count}.{suffix}"
        try:
            io.write(path, noise[:count], RATE)
        except InputError as error:
            assert "is the disk full" in str(error) or "is it full" in str(error)
            assert not os.listdir(small_disk)
        else:
            written.append(count)
            assert len(io.read(path)[0]) == count
            path.unlink()
    assert 0 < len(written) < 17


@pytest.mark.parametrize("name", ["a" * 246 + ".wav", os.fsdecode(b"Bj\xf6rk.flac"), "日本.ogg"])
def test_names_as_long_as_any_and_of_any_bytes_are_written(tmp_path, name):
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    io.write(folder / name, tone(), RATE)
    assert os.listdir(folder) == [name] and len(io.read(folder / name)[0]) == len(tone())


def test_what_appeared_meanwhile_is_not_replaced(tmp_path):
    io.write(tmp_path / "a.wav", tone(), RATE, overwrite=False)
    before = (tmp_path / "a.wav").read_bytes()
    with pytest.raises(InputError, match="a.wav: appeared meanwhile"):
        io.write(tmp_path / "a.wav", 0.5 * tone(), RATE, overwrite=False)
    assert (tmp_path / "a.wav").read_bytes() == before and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "rate", "channels", "message"),
    [
        ("a.mp3", 96000, 1, "cannot be written as MP3 MPEG_LAYER_III: MPEG-1/2/2.5 only supports"),
        ("a.mp3", 44100, 3, "cannot be written as MP3"),
        ("a.flac", 44100, 9, "cannot be written as FLAC"),
        ("a.flac", 10**6, 1, "cannot be written as FLAC PCM_24: flac does not support this sample rate"),
        ("a.xyz", 16000, 1, "unknown audio suffix"),
        ("none/a.wav", 16000, 1, "folder does not exist"),
        ("a" * 256 + ".wav", 16000, 1, "File name too long"),
    ],
)
def test_what_cannot_be_written_is_known_before(tmp_path, name, rate, channels, message):
    with pytest.raises(InputError, match=message):
        io.check_writable(tmp_path / name, rate, channels)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "subtype"), CONTAINERS)
def test_what_can_be_written_is_no_error_before(tmp_path, name, subtype):
    assert io.check_writable(tmp_path / name, RATE, 2, subtype=subtype) is None
    assert io.check_writable(tmp_path / "new" / name, RATE, 2, parents=True) is None
    assert not list(tmp_path.iterdir())
