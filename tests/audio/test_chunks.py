"""Sizes of the chunk of samples in CAF, W64 and RF64: right, missing, too small and too large; what follows is no sound."""

import io
import struct
import warnings

import numpy as np
import pytest
import soundfile

from zoo.audio import io as audio_io
from zoo.audio.chunks import Finding
from zoo.audio.headers import examine
from zoo.errors import InputWarning

RATE, SAMPLES = 44100, 30001
AUDIO = np.random.default_rng(0).uniform(-0.3, 0.3, (SAMPLES, 2))
BYTES = 4 * SAMPLES


def encode(container):
    file = io.BytesIO()
    soundfile.write(file, AUDIO, RATE, "PCM_16", format=container)
    return file.getvalue()


def sized(container, size, samples=SAMPLES):
    """A file whose header counts so many bytes of samples; of RF64 so many samples too."""
    data = bytearray(encode(container))
    if container == "RF64":
        data[28:44] = struct.pack("<QQ", size, samples)
    elif container == "CAF":  # which counts four bytes that are no samples
        place = data.index(b"data") + 4
        data[place : place + 8] = struct.pack(">q", size + 4)
    else:  # which counts its own header
        place = data.index(b"data") + 16
        data[place : place + 8] = struct.pack("<q", size + 24)
    return data


def check_read(path, data, warning=""):
    """All samples are read, with or without a warning."""
    path.write_bytes(data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InputWarning)
        audio = audio_io.read_channels(path).audio
    np.testing.assert_allclose(audio, AUDIO, atol=2**-15)
    said = [str(one.message) for one in caught if one.category is InputWarning]
    assert len(said) == bool(warning) and all(warning in text for text in said)


@pytest.mark.parametrize("container", ["CAF", "W64", "RF64"])
def test_more_than_the_header_counts_is_read(container, tmp_path):
    """Half, and one sample: W64's count libsndfile does not use; of the others it would read no more."""
    for size in (BYTES // 2, 4):
        words = "" if container == "W64" else "of samples, 12000"
        check_read(tmp_path / f"{size}", sized(container, size), words)


@pytest.mark.parametrize("samples", [0, SAMPLES // 3, SAMPLES])
def test_the_counts_of_rf64_need_not_agree(samples, tmp_path):
    check_read(tmp_path / "none", sized("RF64", 0, samples))
    check_read(tmp_path / "right", sized("RF64", BYTES, samples))
    check_read(tmp_path / "half", sized("RF64", BYTES // 2, samples), "120004 are there, which are read")


@pytest.mark.parametrize("container", ["CAF", "W64", "RF64"])
def test_a_size_that_is_none_is_no_size(container, tmp_path):
    for size in (-4, -5) if container == "CAF" else (2**62,):
        check_read(tmp_path / f"{size}", sized(container, size))


def test_a_w64_of_no_size_is_not_cut(tmp_path):
    data = bytearray(encode("W64"))
    data[16:24] = bytes(8)
    check_read(tmp_path / "a.w64", data)


def test_less_than_caf_counts_is_read_with_a_word(tmp_path):
    """libsndfile would leave out the last samples of what is there, and say nothing."""
    check_read(tmp_path / "a.caf", sized("CAF", BYTES + 400), "is cut short: its header counts 120408 bytes")
    (tmp_path / "cut.caf").write_bytes(encode("CAF")[:-4000])
    with pytest.warns(InputWarning, match=r"cut\.caf: is cut short: its header counts 120008 bytes, 116008 are there"):
        audio = audio_io.read_channels(tmp_path / "cut.caf").audio
    np.testing.assert_allclose(audio, AUDIO[: SAMPLES - 1000], atol=2**-15)


@pytest.mark.parametrize(
    ("container", "rest"),
    [
        ("CAF", b"info" + struct.pack(">q", 4) + b"abcd"),
        ("CAF", bytes(4000)),
        ("CAF", b"x"),
        ("RF64", b"LIST\4\0\0\0abcd"),
        ("RF64", b"TAG" + b"x" * 125),
    ],
)
def test_what_follows_the_samples_is_no_sound(container, rest):
    assert examine(encode(container) + rest) == Finding()


@pytest.mark.parametrize("container", ["CAF", "RF64"])
def test_a_damaged_header_is_left_to_libsndfile(container):
    data = encode(container)
    place = data.index(b"data")
    for end in (place, place + 6):
        assert examine(data[:end]) == Finding()
