"""Reading, resampling, writing, and pairing recordings."""

import numpy as np
import pytest
import soundfile

from zoo.audio import io, pairs
from zoo.errors import InputError

RATE = 16000


def tone(rate=RATE, seconds=0.5, frequency=440):
    return (0.5 * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)).astype("float32")


@pytest.mark.parametrize(("suffix", "atol"), [(".wav", 0), (".flac", 2**-23), (".ogg", 0.03), (".mp3", 0.03)])
def test_write_then_read(tmp_path, suffix, atol):
    io.write(tmp_path / f"tone{suffix}", tone(), RATE)
    audio, rate = io.read(tmp_path / f"tone{suffix}")
    assert rate == RATE and audio.dtype == np.float32 and audio.shape == tone().shape
    np.testing.assert_allclose(audio[800:-800], tone()[800:-800], atol=atol)
    assert [path.name for path in tmp_path.iterdir()] == [f"tone{suffix}"]


@pytest.mark.parametrize(("subtype", "full_scale"), [("PCM_16", 2**15), ("FLOAT", 1)])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_mapped_wav_holds_what_is_read(tmp_path, subtype, full_scale, channels):
    path = tmp_path / "tone.wav"
    io.write(path, np.stack([tone(), -tone()][:channels], axis=1), 44100, subtype=subtype)
    samples, rate = io.mapped(path)
    assert rate == 44100 and samples.dtype == ("int16" if full_scale > 1 else "float32")
    np.testing.assert_array_equal(samples / np.float32(full_scale), io.read_channels(path).audio)
    io.write(path, 0.5 * tone()[:100], 22050, subtype=subtype)  # another file of that name
    samples, rate = io.mapped(path)
    assert rate == 22050 and samples.shape == (100, 1) and np.abs(samples).max() <= 0.25 * full_scale


def test_what_cannot_be_mapped_is_none(tmp_path):
    io.write(tmp_path / "24.wav", tone(), RATE, subtype="PCM_24")
    io.write(tmp_path / "tone.flac", tone(), RATE)
    (tmp_path / "text.wav").write_text("no music")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "header.wav").write_bytes(b"RIFF\4\0\0\0WAVE")
    for name in ("24.wav", "tone.flac", "text.wav", "empty.wav", "header.wav", "missing.wav", "."):
        assert io.mapped(tmp_path / name) is None, name
    io.write(tmp_path / "cut.wav", tone(), RATE, subtype="PCM_16")
    whole = (tmp_path / "cut.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[:-1000])
    found = io.mapped(tmp_path / "cut.wav")
    assert found is None or len(found[0]) == len(tone()) - 500


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


def test_a_failed_write_leaves_the_old_file(tmp_path):
    old = tmp_path / "scores.csv"
    old.write_text("old")
    with pytest.raises(RuntimeError), io.replacing(old) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert old.read_text() == "old" and list(tmp_path.iterdir()) == [old]


def test_pairs_at_two_rates_round_to_one_length(tmp_path):
    io.write(tmp_path / "reference.wav", tone()[:-1], RATE)
    io.write(tmp_path / "degraded.wav", tone(44100), 44100)
    (pair,) = pairs.find(tmp_path / "reference.wav", tmp_path / "degraded.wav")
    with pytest.raises(InputError, match="degraded.wav: is at 44100 Hz"):
        pairs.read(pair)
    reference, degraded, rate = pairs.read(pair, resample=True)
    assert len(reference) == len(degraded) == len(tone()) - 1 and rate == RATE


def test_pairs_read_at_a_rate_of_the_list(tmp_path):
    io.write(tmp_path / "tone.wav", tone(8000), 8000)
    (pair,) = pairs.find(tmp_path / "tone.wav", tmp_path / "tone.wav")
    assert pairs.read(pair, rates=(16000, 8000))[2] == 8000
    assert pairs.read(pair, rates=(16000,), resample=True)[2] == 16000


def test_pairs_of_two_lengths_are_padded_on_request(tmp_path):
    for name, samples in (("long", 8000), ("short", 7000), ("shorter", 7999)):
        io.write(tmp_path / f"{name}.wav", tone()[:samples], RATE)

    def read(reference, degraded, **options):
        (pair,) = pairs.find(tmp_path / f"{reference}.wav", tmp_path / f"{degraded}.wav")
        return pairs.read(pair, **options)[:2]

    expected = np.concatenate([tone()[:7000], np.zeros(1000)]).astype("float32")
    for names in (("long", "short"), ("short", "long")):
        found = dict(zip(names, read(*names, pad=True), strict=True))
        np.testing.assert_array_equal(found["short"], expected)
        np.testing.assert_array_equal(found["long"], tone()[:8000])
    with pytest.raises(InputError, match=r"one length$"):
        read("long", "short")
    with pytest.raises(InputError, match=r"one length, or pad the shorter \(--pad, pad=True\)$"):
        read("long", "short", pad=False)
    # One sample is rounding where recordings are resampled, with padding too.
    assert [len(x) for x in read("long", "shorter", pad=True)] == [8000, 8000]
    assert [len(x) for x in read("long", "shorter", pad=True, resample=True)] == [7999, 7999]


def test_silent_pairs_are_read_on_request(tmp_path):
    io.write(tmp_path / "silent.wav", np.zeros(8000), RATE)
    (pair,) = pairs.find(tmp_path / "silent.wav", tmp_path / "silent.wav")
    with pytest.raises(InputError, match="silent.wav: is silent"):
        pairs.read(pair)
    assert not np.any(pairs.read(pair, silent=True)[:2])
