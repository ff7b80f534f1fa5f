"""`zoo enhance` as a user runs it: what stays of a file, and what is enhanced how."""

import numpy as np
import pytest
import soundfile

import zoo
from tests.support.enhance_command import RATE, tone
from tests.support.harness import REPOSITORY, data_path
from zoo.audio import io
from zoo.enhancement.model import BLSTMEnhancer

AUDIO = REPOSITORY / "zoo" / "data" / "audio"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    directory = tmp_path_factory.mktemp("checkpoint") / "blstm"
    zoo.save(BLSTMEnhancer(units=4, hidden=4), directory)
    return f"{directory}/"


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
def test_the_format_of_a_file_stays(enhance, gain, tmp_path, name, container, subtype, rate, channels):
    gain(0.5)
    noisy, enhanced = tmp_path / name, tmp_path / f"enhanced-{name}"
    soundfile.write(noisy, tone(rate // 2 + 1, channels), rate, subtype, format=container)
    assert enhance(noisy, enhanced, "--resample") == (0, "", "")
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
def test_the_suffix_decides_the_container(enhance, gain, tmp_path, subtype, name, expected):
    gain(1)
    soundfile.write(tmp_path / "a.wav", tone(), RATE, subtype)
    assert enhance(tmp_path / "a.wav", tmp_path / name)[0] == 0
    info = soundfile.info(tmp_path / name)
    assert (info.format, info.subtype) == expected
    assert info.frames == soundfile.info(tmp_path / "a.wav").frames


@pytest.mark.parametrize("channels", [2, 8])
def test_a_real_network_enhances_each_channel_by_itself(enhance, checkpoint, tmp_path, channels):
    """Of stereo, and of an array of microphones."""
    audio = np.stack([io.read(AUDIO / f"speech_{name}.flac")[0] for name in ("degraded", "mild")], axis=1)
    audio = np.tile(audio[:RATE], channels // 2) / np.float32(np.arange(1, channels + 1))
    soundfile.write(tmp_path / "array.wav", audio, RATE, "FLOAT")
    assert enhance(tmp_path / "array.wav", tmp_path / "out.wav", "--checkpoint", checkpoint) == (0, "", "")
    enhanced = io.read_channels(tmp_path / "out.wav").audio
    assert enhanced.shape == audio.shape
    model = zoo.load(checkpoint)
    for channel in (0, 1, channels - 1):
        alone = model.enhance(audio[:, channel], RATE)
        np.testing.assert_allclose(enhanced[:, channel], alone, atol=1e-5)


def test_real_recordings_of_any_kind_give_finite_results(enhance, checkpoint, tmp_path):
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
    status, out, err = enhance(f"{tmp_path}/*.wav", tmp_path / "out", "--checkpoint", checkpoint, "--resample")
    assert (status, out, err) == (0, "", "")
    for name, (audio, rate) in odd.items():
        recording = io.read_channels(tmp_path / "out" / name)  # which refuses NaN
        assert recording.audio.shape == audio.reshape(len(audio), -1).shape and recording.sample_rate == rate
    assert not io.read(tmp_path / "out" / "silence.wav")[0].any()


def test_what_lies_beyond_full_scale_is_clipped_and_counted(enhance, gain, tmp_path):
    gain(4)
    audio = np.array([0.1, 0.2, 0.3, -0.5, 0.25])
    for subtype in ("PCM_16", "FLOAT"):
        soundfile.write(tmp_path / f"{subtype}.wav", audio, RATE, subtype)
    status, _, err = enhance(tmp_path / "PCM_16.wav", tmp_path / "out.wav")
    assert status == 0 and err.startswith(f"zoo: {tmp_path}/out.wav: 2 samples beyond full scale were clipped")
    np.testing.assert_allclose(io.read(tmp_path / "out.wav")[0], [0.4, 0.8, 1, -1, 1], atol=2**-13)
    assert enhance(tmp_path / "FLOAT.wav", tmp_path / "float.wav") == (0, "", "")
    np.testing.assert_allclose(io.read(tmp_path / "float.wav")[0], 4 * audio, rtol=1e-6)


def test_a_clipped_input_is_named_and_enhanced(enhance, checkpoint, tmp_path):
    degraded, _ = io.read(AUDIO / "speech_degraded.flac")
    for subtype in ("PCM_16", "PCM_U8"):
        loud = np.clip(20 * degraded, -1, 1)
        soundfile.write(tmp_path / f"{subtype}.wav", loud, RATE, subtype)
    soundfile.write(tmp_path / "peak.wav", degraded / np.abs(degraded).max(), RATE)
    status, _, err = enhance(f"{tmp_path}/*.wav", tmp_path / "out", "--checkpoint", checkpoint)
    warnings = [line for line in err.splitlines() if "samples are clipped, which is not repaired" in line]
    assert status == 0 and [line.split("/")[-1].split(":")[0] for line in warnings] == ["PCM_16.wav", "PCM_U8.wav"]
