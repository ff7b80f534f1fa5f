"""Recordings that come and go block by block: headers that count and that do not, and what is odd at the end."""

import io
import os
import struct
import threading

import numpy as np
import pytest
import soundfile

from tests.support.streams import RATE, as_s16, noise, wav
from zoo.audio import pipes
from zoo.errors import InputError

AUDIO = noise(1000)
RAW = pipes.Form(RATE, 1, "PCM_16")


def read(content, raw=None, samples=300):
    """All samples of some bytes, block by block, and the reader."""
    reader, blocks = pipes.Reader(io.BytesIO(content), "pipe", raw), []
    while not blocks or len(blocks[-1]):
        reader.fill(samples)
        blocks.append(reader.take())
    return np.concatenate(blocks), reader


@pytest.mark.parametrize("size", [None, 0, 2**32 - 1, 0x7FFFF000, 0x7FFFFFFF, 2**31])
def test_a_header_counts_or_means_all_that_come(size):
    audio, reader = read(wav(as_s16(AUDIO), size))
    np.testing.assert_allclose(audio, AUDIO, atol=2**-15)
    assert reader.form == pipes.Form(RATE, 1, "PCM_16", reader.form.header) and reader.warnings() == []


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW"])
@pytest.mark.parametrize("container", ["WAV", "WAVEX"])
def test_every_sub_type_is_read_and_written_as_libsndfile_does(subtype, container):
    whole, copy, stereo = io.BytesIO(), io.BytesIO(), noise(777, channels=2)
    soundfile.write(whole, stereo, RATE, subtype, format=container)
    audio, reader = read(whole.getvalue())
    expected = soundfile.read(io.BytesIO(whole.getvalue()), dtype="float32")[0]
    np.testing.assert_array_equal(audio, expected)
    writer = pipes.Writer(copy, reader.form)
    for start in range(0, 777, 100):
        writer.write(stereo[start : start + 100])
    writer.close()
    info = soundfile.info(io.BytesIO(copy.getvalue()))
    assert (info.format, info.subtype, info.samplerate, info.frames) == (container, subtype, RATE, 777)
    np.testing.assert_array_equal(soundfile.read(io.BytesIO(copy.getvalue()), dtype="float32")[0], expected)


def test_samples_without_a_header():
    for subtype, content in (("PCM_16", as_s16(AUDIO)), ("FLOAT", AUDIO.tobytes())):
        audio, reader = read(content, pipes.Form(RATE, 1, subtype))
        np.testing.assert_allclose(audio, AUDIO, atol=2**-15)
        assert reader.samples == 1000 and reader.warnings() == []


def test_other_chunks_are_no_samples():
    before = struct.pack("<4sI", b"LIST", 3) + b"abc\0"
    after = struct.pack("<4sI", b"LIST", 4) + b"abcd"
    for content in (as_s16(AUDIO), b"\x80" * 999):  # an odd number of bytes is followed by one that counts for nothing
        bits = 16 if len(content) % 2 == 0 else 8
        audio, reader = read(wav(content, len(content), before=before, bits=bits) + bytes(len(content) % 2) + after)
        assert len(audio) * bits // 8 == len(content) and reader.warnings() == []


def test_rf64_counts_in_64_bits():
    sizes = struct.pack("<4sIQQQI", b"ds64", 28, 2**33, 2000, 1000, 0)
    content = b"RF64" + wav(as_s16(AUDIO) + b"LIST\4\0\0\0abcd", 2**32 - 1, before=sizes)[4:]
    assert len(read(content)[0]) == 1000


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (wav(as_s16(AUDIO), 3000), ["is cut short: its header counts 3000 bytes, 2000 are there; get it again"]),
        (wav(as_s16(AUDIO) + b"\1", 0), ["its last bytes are no whole sample (1 of 2), and were left out"]),
        (wav(b"", 0), ["holds no samples"]),
        (
            2 * wav(as_s16(AUDIO)),
            ["2044 bytes after the samples that its header counts were left out; give it by --raw"],
        ),
    ],
)
def test_what_is_odd_at_the_end_is_said(content, lines):
    assert read(content)[1].warnings() == [f"pipe: {line}" for line in lines]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "ends before the samples begin"),
        (wav(b"")[:30], "ends before the samples begin"),
        (b"fLaC" + bytes(100), "is no WAV; give samples without a header by --raw"),
        (wav(b"", tag=2, bits=4), "a WAV of a codec"),
        (wav(b"", channels=300), "has 300 channels"),
        (wav(b"", rate=0), "at 0 Hz"),
        (wav(b"").replace(b"fmt ", b"what"), "says nothing of its samples"),
        (wav(b"").replace(b"fmt \x10\0\0\0", b"fmt \xff\xff\xff\xff"), "ends before the samples begin"),
    ],
)
def test_what_is_no_wav_is_refused(content, message):
    with pytest.raises(InputError, match=f"^pipe: .*{message}"):
        pipes.Reader(io.BytesIO(content), "pipe")


def test_nan_is_refused_where_it_stands_and_what_comes_before_is_given():
    broken = AUDIO.copy()
    broken[400] = np.nan
    reader = pipes.Reader(io.BytesIO(broken.tobytes()), "pipe", pipes.Form(RATE, 1, "FLOAT"))
    for expected in (300, 100):
        reader.fill(300)
        assert len(reader.take()) == expected
    with pytest.raises(InputError, match=r"pipe: at sample 400 \(0.025 s\), holds NaN or infinity"):
        reader.take()
    with pytest.raises(InputError, match="at sample 0 .* divide 16-bit samples by 32768"):
        read((1000 * AUDIO).tobytes(), pipes.Form(RATE, 1, "FLOAT"))


def test_a_pipe_is_read_as_it_comes_in_any_pieces():
    source, target = os.pipe()
    content = wav(as_s16(AUDIO), 0)

    def feed():
        with open(target, "wb", buffering=0) as file:
            file.writelines(content[start : start + 37] for start in range(0, len(content), 37))

    threading.Thread(target=feed).start()
    with open(source, "rb", buffering=0) as file:
        reader = pipes.Reader(file, "pipe")
        reader.fill(700)
        assert len(reader.take()) == 700
        reader.fill(700)
        assert len(reader.take()) == 300


def test_a_file_counts_its_samples_at_the_end_and_a_pipe_never(tmp_path):
    def written(file, audio=AUDIO):
        writer = pipes.Writer(file, RAW.as_wav())
        writer.write(audio)
        writer.close()
        file.write(b"x")

    def counts(content):
        return struct.unpack("<I", content[4:8])[0], struct.unpack("<I", content[40:44])[0]

    with open(tmp_path / "new", "w+b", buffering=0) as file:
        written(file)
    assert counts((tmp_path / "new").read_bytes()) == (2036, 2000) and (tmp_path / "new").stat().st_size == 2045
    with open(tmp_path / "appended", "ab", buffering=0) as file:
        written(file)
    assert counts((tmp_path / "appended").read_bytes()) == (2**32 - 1, 2**32 - 1)
    source, target = os.pipe()
    with open(target, "wb", buffering=0) as file:
        written(file)
    with open(source, "rb") as file:
        assert counts(file.read()) == (2**32 - 1, 2**32 - 1)


def test_samples_beyond_full_scale_are_clipped_and_counted():
    for subtype, clipped in (("PCM_16", 2), ("FLOAT", 0)):
        file = io.BytesIO()
        writer = pipes.Writer(file, pipes.Form(RATE, 1, subtype).as_wav())
        writer.write(np.array([[1.5], [-2.0], [0.5]], "float32"))
        writer.close()
        audio = soundfile.read(io.BytesIO(file.getvalue()))[0]
        expected = [1, -1, 0.5] if clipped else [1.5, -2, 0.5]
        np.testing.assert_allclose(audio, expected, atol=2**-14)
        assert writer.clipped == clipped


def test_an_odd_number_of_bytes_is_padded():
    file = io.BytesIO()
    writer = pipes.Writer(file, pipes.Form(RATE, 1, "PCM_U8").as_wav())
    writer.write(AUDIO[:99])
    writer.close()
    assert len(file.getvalue()) == 44 + 100 and struct.unpack("<I", file.getvalue()[4:8])[0] == 136
    assert soundfile.info(io.BytesIO(file.getvalue())).frames == 99
