"""Blocks and parts of recordings are those of the whole."""

import numpy as np
import pytest
import soundfile

from tests.support.audio import RATE, tone
from zoo.audio import blocks, io
from zoo.errors import InputError, InputWarning


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize(
    ("name", "uncoded"),
    [("16.wav", "PCM_16"), ("float.wav", "FLOAT"), ("24.wav", None), ("tone.flac", None), ("8.wav", None)],
)
def test_a_part_is_that_of_the_whole(tmp_path, monkeypatch, name, uncoded, channels):
    path, subtypes = tmp_path / name, {"24.wav": "PCM_24", "tone.flac": "PCM_16", "8.wav": "PCM_U8"}
    io.write(path, np.stack([tone(), -tone(), 0 * tone()][:channels], axis=1), 44100, subtype=uncoded or subtypes[name])
    whole = io.read_channels(path).audio
    for start, count in ((0, 8000), (100, 33), (7990, 33), (8000, 5), (9000, 5), (0, 0)):
        audio, rate = blocks.read_part(path, start, count)
        assert rate == 44100 and audio.dtype == np.float32
        np.testing.assert_array_equal(audio, whole[start : start + count])
    monkeypatch.setattr(blocks, "open_audio", None)  # what is decoded must be opened
    if uncoded:
        assert blocks.read_part(path, 0, 10)[0].shape == (10, channels)
    else:
        with pytest.raises(TypeError):
            blocks.read_part(path, 0, 10)


def test_a_part_is_of_the_file_as_it_is_now(tmp_path):
    path = tmp_path / "tone.wav"
    io.write(path, tone(), RATE, subtype="PCM_16")
    assert blocks.read_part(path, 0, 10)[1] == RATE
    io.write(path, 0.5 * tone()[:100], 22050)
    audio, rate = blocks.read_part(path, 0, 200)
    assert rate == 22050
    np.testing.assert_array_equal(audio[:, 0], 0.5 * tone()[:100])
    path.write_bytes(path.read_bytes()[:-200])  # cut short where it lies
    with pytest.warns(InputWarning, match="cut short"):
        assert len(blocks.read_part(path, 0, 200)[0]) == 50


def test_parts_of_odd_files(tmp_path):
    soundfile.write(tmp_path / "big.wav", tone(), RATE, "PCM_16", endian="BIG")
    whole = io.read_channels(tmp_path / "big.wav").audio
    np.testing.assert_array_equal(blocks.read_part(tmp_path / "big.wav", 5, 50)[0], whole[5:55])
    # Chunks of an odd length before the samples, as editors write them.
    io.write(tmp_path / "plain.wav", tone(), RATE, subtype="PCM_16")
    plain = (tmp_path / "plain.wav").read_bytes()
    (tmp_path / "noted.wav").write_bytes(plain[:12] + b"note\3\0\0\0abc\0" + plain[12:])
    audio, _ = blocks.read_part(tmp_path / "noted.wav", 5, 50)
    np.testing.assert_array_equal(audio, io.read_channels(tmp_path / "plain.wav").audio[5:55])
    (tmp_path / "text.wav").write_text("no music")
    (tmp_path / "header.wav").write_bytes(b"RIFF\4\0\0\0WAVE")
    for name, says in (("text.wav", "cannot be read"), ("header.wav", "cannot be read"), ("none.wav", "no such file")):
        with pytest.raises(InputError, match=says):
            blocks.read_part(tmp_path / name, 0, 10)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".mp3"])
def test_blocks_are_those_of_the_whole(tmp_path, suffix):
    io.write(tmp_path / f"tone{suffix}", tone(), RATE)
    whole = io.read_channels(tmp_path / f"tone{suffix}").audio
    with blocks.open_audio(tmp_path / f"tone{suffix}") as file:
        assert file.frames == len(whole) == len(tone())
        parts = [blocks.read_block(file, 1500) for _ in range(5)] + [blocks.read_block(file)]
        assert [len(part) for part in parts] == [1500] * 5 + [500] and not len(blocks.read_block(file, 10))
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)
