"""Tracks of stems: the shapes of MUSDB18-HQ, DSD100 and MUSDB18's .stem.mp4, partial ones, excerpts, clear errors."""

import shutil
import sys

import numpy as np
import pytest

from zoo.audio import io
from zoo.errors import InputError, InputWarning
from zoo.separation.tracks import SAMPLE_RATE, SLACK, SOURCES, Track, find_tracks

HERTZ = dict(zip(SOURCES, (440, 1000, 110, 2000), strict=True))


def tone(hertz, samples=SAMPLE_RATE, rate=SAMPLE_RATE, channels=2):
    """float32 (samples, channels), louder on the left."""
    sine = np.sin(2 * np.pi * hertz * np.arange(samples) / rate)
    return (sine[:, None] * [0.4, 0.2][:channels]).astype("float32")


def write_track(folder, suffix=".wav", sources=SOURCES, **options):
    folder.mkdir(parents=True)
    for source in sources:
        io.write(folder / (source + suffix), tone(HERTZ[source], **options), options.get("rate", SAMPLE_RATE))
    return folder


def strongest(audio):
    """Hz of the strongest partial of (samples, channels) that last one second."""
    return int(np.argmax(np.abs(np.fft.rfft(audio[:SAMPLE_RATE, 0]))))


@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [(".wav", "FLOAT"), (".wav", "PCM_16"), (".wav", "PCM_24"), (".flac", None), (".ogg", None), (".mp3", None)],
)
def test_musdb_hq_is_read_whole_and_in_parts(tmp_path, suffix, subtype):
    for split, name in (("train", "b"), ("train", "a"), ("test", "c")):
        for path in list(write_track(tmp_path / split / name, suffix).iterdir()):
            io.write(path, io.read_channels(path).audio, SAMPLE_RATE, subtype=subtype)
    io.write(tmp_path / "train" / "a" / f"mixture{suffix}", tone(50), SAMPLE_RATE)
    assert [track.name for track in find_tracks(tmp_path)] == ["a", "b", "c"]
    track = find_tracks(tmp_path, "train")[0]
    stems = track.read()
    assert tuple(stems) == track.sources == SOURCES and abs(track.samples - SAMPLE_RATE) <= SLACK
    for source, stem in stems.items():
        assert stem.dtype == np.float32 and stem.shape == (track.samples, 2) and strongest(stem) == HERTZ[source]
        part = track.read_excerpt(source, 40000, 8000)
        assert part.dtype == np.float32 and part.shape == (8000, 2)
        whole = np.pad(stem, ((0, 8000), (0, 0)))[40000:48000]
        np.testing.assert_allclose(part, whole, atol=1e-6)
    assert not track.read_excerpt("bass", 10**6, 10).any() and track.read_excerpt("bass", 0, 0).shape == (0, 2)


def test_dsd100_has_splits_of_its_own(tmp_path):
    write_track(tmp_path / "Sources" / "Dev" / "001 - one")
    write_track(tmp_path / "Sources" / "Test" / "002 - two")
    write_track(tmp_path / "Mixtures" / "Dev" / "001 - one", sources=["other"])
    assert [track.name for track in find_tracks(tmp_path)] == ["001 - one", "002 - two"]
    assert [track.name for track in find_tracks(tmp_path, "test")] == ["002 - two"]
    with pytest.raises(InputError, match="no validation tracks.*train, test"):
        find_tracks(tmp_path, "validation")


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_stem_mp4_has_the_streams_of_musdb18(tmp_path):
    import stempeg

    order = ("drums", "bass", "other", "vocals")
    stems = np.stack([tone(HERTZ[source]) for source in order])
    (tmp_path / "train").mkdir()
    path = tmp_path / "train" / "song.stem.mp4"
    five = np.concatenate([stems.sum(axis=0, keepdims=True) / 4, stems])
    stempeg.write_stems(str(path), five, SAMPLE_RATE, stempeg.StreamsWriter(codec="aac", bitrate=128000))
    [track] = find_tracks(tmp_path, "train")
    assert track.name == "song" and track.sources == SOURCES
    streams = track.read()
    for source in SOURCES:
        assert strongest(streams[source]) == HERTZ[source] and streams[source].shape == (track.samples, 2)
    part = track.read_excerpt("vocals", 20000, 5000)
    assert (part == streams["vocals"][20000:25000]).all()
    np.testing.assert_allclose(part, tone(HERTZ["vocals"])[20000:25000], atol=0.05)  # aligned, but for the coding
    stempeg.write_stems(str(path), stems[:2], SAMPLE_RATE, stempeg.StreamsWriter(codec="aac", stem_names=["a", "b"]))
    with pytest.raises(InputError, match="has 2 streams"):
        track.read_excerpt("drums", 0, 10)
    path.write_bytes(b"no music")
    with pytest.raises(InputError, match=r"cannot be read; give a \.stem\.mp4"):
        track.read_excerpt("drums", 0, 10)


def test_without_ffmpeg_a_stem_mp4_says_so(tmp_path, monkeypatch):
    (tmp_path / "song.stem.mp4").touch()
    for name in [name for name in sys.modules if name.partition(".")[0] == "stempeg"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="needs the program ffmpeg"):
        find_tracks(tmp_path)[0].read()
    with pytest.raises(InputError, match="no such file"):
        Track("none", tmp_path / "none.stem.mp4").read()


def test_partial_tracks_take_part_only_if_asked_for(tmp_path):
    write_track(tmp_path / "whole")
    write_track(tmp_path / "sung", sources=["vocals", "drums"])
    write_track(tmp_path / ".made.tmp", sources=["vocals"])
    with pytest.raises(InputError, match="sung lacks bass, other"):
        find_tracks(tmp_path)
    sung, whole = find_tracks(tmp_path, partial=True)
    assert sung.sources == ("vocals", "drums") == tuple(sung.read()) and whole.sources == SOURCES
    with pytest.raises(InputError, match="sung has no bass; it has vocals, drums"):
        sung.read_excerpt("bass", 0, 10)
    with pytest.raises(InputError, match="give 0 or more"):
        sung.read_excerpt("vocals", -1, 10)


def test_linked_songs_are_taken_and_hidden_stems_are_not(tmp_path):
    write_track(tmp_path / "store" / "song")
    (tmp_path / "songs" / "train").mkdir(parents=True)
    (tmp_path / "songs" / "train" / "linked").symlink_to(tmp_path / "store" / "song")
    folder = write_track(tmp_path / "songs" / "train" / "own", ".flac")
    (folder / "._bass.wav").write_text("a file manager's, no audio")
    with pytest.warns(InputWarning, match="1 file left out: 1 hidden"):
        tracks = find_tracks(tmp_path / "songs", "train")
    assert [track.name for track in tracks] == ["linked", "own"]
    assert {path.suffix for path in tracks[1].files.values()} == {".flac"}


def test_rates_channels_and_lengths_are_brought_together(tmp_path):
    folder = write_track(tmp_path / "song", samples=48000, rate=48000, channels=1)
    io.write(folder / "bass.wav", tone(HERTZ["bass"], SAMPLE_RATE - SLACK), SAMPLE_RATE)
    [track] = find_tracks(tmp_path)
    stems = track.read()
    assert track.samples == SAMPLE_RATE and {stem.shape for stem in stems.values()} == {(SAMPLE_RATE, 2)}
    assert strongest(stems["vocals"]) == HERTZ["vocals"] and (stems["vocals"][:, 0] == stems["vocals"][:, 1]).all()
    assert (track.read_excerpt("vocals", 300, 50) == stems["vocals"][300:350]).all()
    assert stems["bass"][: -SLACK - 1].any() and not stems["bass"][-SLACK:].any()
    io.write(folder / "bass.wav", tone(HERTZ["bass"], SAMPLE_RATE - SLACK - 1), SAMPLE_RATE)
    with pytest.raises(InputError, match=r"song: its stems differ in length .*bass 0.90 s"):
        track.read()
    io.write(folder / "bass.wav", np.zeros((100, 3)), SAMPLE_RATE)
    with pytest.raises(InputError, match="has 3 channels"):
        track.read_excerpt("bass", 0, 10)
    (folder / "bass.wav").write_bytes(b"no music")
    with pytest.raises(InputError, match="cannot be read"):
        track.read_excerpt("bass", 0, 10)


def test_what_holds_no_tracks_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no tracks"):
        find_tracks(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        find_tracks(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no split 'dev'"):
        find_tracks(tmp_path, "dev")
    with pytest.raises(InputError, match="no train tracks .it has no splits"):
        find_tracks(tmp_path, "train")
