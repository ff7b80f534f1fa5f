"""What audio files hold by their own bytes: right, wrong, missing and infinite counts, and joined recordings."""

import io
import shutil
import struct
import subprocess

import numpy as np
import pytest
import soundfile

from zoo.audio.headers import Finding, examine

RATE, SAMPLES = 44100, 44100 * 3
AUDIO = np.random.default_rng(0).uniform(-0.3, 0.3, (SAMPLES, 2)) * np.linspace(0, 1, SAMPLES)[:, None]


def encode(container, subtype=None, audio=AUDIO, rate=RATE, **how):
    file = io.BytesIO()
    soundfile.write(file, audio, rate, subtype, format=container, **how)
    return file.getvalue()


FORMATS = [("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAVEX", "PCM_24"), ("AIFF", "PCM_16"), ("AU", "PCM_16")]
FORMATS += [("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("MP3", None), ("NIST", "PCM_16")]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize(("container", "subtype"), FORMATS)
def test_a_right_header_is_believed(container, subtype, rate, channels):
    assert examine(encode(container, subtype, AUDIO[:50001, :channels], rate)) == Finding()


def patched(data, place, content):
    return data[:place] + content + data[place + len(content) :]


def apply(data, finding):
    """The copy that a finding asks for."""
    start, prefix, patches = finding.copy
    data = prefix + data[start:]
    for place, content in patches:
        data = patched(data, place, content)
    return data


def decode(data):
    return soundfile.read(io.BytesIO(data), always_2d=True)[0]


@pytest.mark.parametrize(("container", "order", "name"), [("WAV", "<I", b"data"), ("AIFF", ">I", b"SSND")])
def test_the_chunk_of_samples(container, order, name):
    whole = encode(container, "PCM_16")
    place = whole.index(name) + 4
    (size,) = struct.unpack_from(order, whole, place)
    for wrong in (0, size // 2, size - 4000):
        data = patched(whole, place, struct.pack(order, wrong))
        finding = examine(data)
        assert finding.copy and bool(finding.warning) == bool(wrong)
        if container == "WAV":
            np.testing.assert_array_equal(decode(apply(data, finding)), decode(whole))
    assert examine(patched(whole, place, b"\x7f\xff\xff\xff" if order == ">I" else b"\xff" * 4)) == Finding()
    assert "cut short" in examine(patched(whole, place, struct.pack(order, size + 4000))).warning
    assert f"counts {size} bytes" in examine(whole[:-1000]).warning


@pytest.mark.parametrize("rest", [b"LIST\4\0\0\0abcd", b"TAG" + b"x" * 125, b"\0" * 4000, b"x"])
def test_what_follows_the_samples_is_no_sound(rest):
    assert examine(encode("WAV", "PCM_16") + rest) == Finding()


def test_au_and_sphere():
    au, sphere = encode("AU", "PCM_16"), encode("NIST", "PCM_16")
    finding = examine(patched(au, 8, struct.pack(">I", 1000)))
    np.testing.assert_array_equal(decode(apply(au, finding)), decode(au))
    assert examine(patched(au, 8, b"\xff" * 4)) == Finding()
    assert "cut short" in examine(au[:-100]).warning
    assert "counts 132300 samples, 132200 are there" in examine(sphere[:-400]).warning


def flac_with_count(count, data=None):
    data = data or encode("FLAC", "PCM_16")
    (fields,) = struct.unpack_from(">Q", data, 18)
    return patched(data, 18, struct.pack(">Q", fields >> 36 << 36 | count))


@pytest.mark.parametrize("count", [0, 1, SAMPLES // 2, SAMPLES - 1, SAMPLES + 1, 2**36 - 1])
def test_the_count_of_a_flac(count):
    data = flac_with_count(count)
    finding = examine(data)
    assert ("cut short" in finding.warning) == (count > SAMPLES) and bool(finding.warning) == (count > 0)
    assert apply(data, finding) == encode("FLAC", "PCM_16")


@pytest.mark.parametrize("samples", [1, 100, 4096, 4097, 50000, 132300])
def test_any_last_frame_of_a_flac(samples):
    whole = encode("FLAC", "PCM_16", AUDIO[:samples])
    data = flac_with_count(0, whole)
    assert apply(data, examine(data)) == whole


def test_pages_of_ogg():
    whole = encode("OGG", "VORBIS")
    assert "no last page" in examine(whole[: len(whole) // 2]).warning
    assert examine(whole + whole).parts == ((0, len(whole)), (len(whole), 2 * len(whole)))


@pytest.mark.parametrize(
    ("container", "subtype"), [("WAV", "PCM_16"), ("AIFF", "PCM_16"), ("FLAC", None), ("MP3", None)]
)
def test_joined_recordings_are_told_apart(container, subtype):
    one, two, three = (encode(container, subtype, AUDIO[:samples]) for samples in (40000, 50000, 30000))

    def lengths(data):
        """Of its parts, which may be joined ones in turn."""
        parts = examine(data).parts
        return [n for start, end in parts for n in lengths(data[start:end])] if parts else [len(decode(data))]

    assert lengths(one + two + three) == [40000, 50000, 30000] and lengths(one) == [40000]


needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="makes its files by ffmpeg")


def by_ffmpeg(tmp_path, *options, audio=AUDIO, rate=RATE, suffix="mp3"):
    soundfile.write(tmp_path / "in.wav", audio, rate)
    target = tmp_path / f"out.{suffix}"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", tmp_path / "in.wav", *options, target], check=True)
    return target.read_bytes()


@needs_ffmpeg
@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("options", [("-q:a", "2"), ("-b:a", "32k")])
def test_an_mp3_without_a_count_gets_one(tmp_path, options, channels, rate):
    audio = AUDIO[:, :channels]
    data = by_ffmpeg(tmp_path, *options, "-write_xing", "0", audio=audio, rate=rate)
    finding = examine(data)
    assert SAMPLES <= finding.samples < SAMPLES + 5000
    assert finding.samples - 529 == len(decode(apply(data, finding)))  # without the delay of the decoder


@needs_ffmpeg
def test_the_count_of_an_mp3(tmp_path):
    whole = by_ffmpeg(tmp_path, "-q:a", "2")
    assert examine(whole) == Finding()
    place = whole.index(b"Xing") + 8
    (count,) = struct.unpack_from(">I", whole, place)
    for wrong in (count // 2, count - 1, count + 1, 2**31):
        data = patched(whole, place, struct.pack(">I", wrong))
        finding = examine(data)
        assert ("cut short" in finding.warning) == (wrong > count)
        assert SAMPLES <= len(decode(apply(data, finding))) < SAMPLES + 2000
    finding = examine(patched(whole, place - 4, bytes(4)))  # no count in the tag
    assert SAMPLES <= len(decode(apply(whole, finding))) < SAMPLES + 2400
    assert "cut short" in examine(whole[: len(whole) // 2]).warning


@needs_ffmpeg
def test_joined_mp3s_without_counts_are_one_and_other_rates_are_foreign(tmp_path):
    one, two = (by_ffmpeg(tmp_path, "-b:a", "64k", "-write_xing", "0", audio=AUDIO[:n]) for n in (50000, 80000))
    assert examine(one + two).samples == examine(one).samples + examine(two).samples
    slower = by_ffmpeg(tmp_path, "-b:a", "64k", "-write_xing", "0", "-ar", "22050")
    assert examine(one + slower).foreign


def test_junk_is_left_alone():
    for data in (b"no audio", b"RIFF\4\0\0\0WAVE", b"\xff" * 100, b"fLaC", b"OggS", b"ID3", b".snd", b"NIST_1A\n"):
        assert not examine(data + bytes(20)).copy


def test_damage_is_no_crash():
    rng = np.random.default_rng(0)
    for container, subtype in FORMATS:
        whole = encode(container, subtype, AUDIO[:3000])
        for _ in range(30):
            damaged = bytearray(whole[: rng.integers(len(whole))])
            for place in rng.integers(min(len(damaged), 200), size=4) if damaged else ():
                damaged[place] = rng.integers(256)
            examine(bytes(damaged))
