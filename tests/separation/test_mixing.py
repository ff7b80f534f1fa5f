"""Excerpts to train on: seeded, of the right sources, from one moment or from many songs, with gains and gaps."""

import numpy as np
import pytest

from tests.support.separation import songs, stems, write_song
from zoo.errors import InputError
from zoo.separation.mixing import Remixes, Segments, tilted
from zoo.separation.tracks import SOURCES, Track, find_tracks

SAMPLES = 2048


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    return songs(tmp_path_factory.mktemp("songs"), seconds=0.5)[0]


def found_in(excerpt, tracks, source):
    """Name of the track and first sample of an excerpt; both sides of a stem have one shape."""
    for track in tracks:
        whole = track.read()[source][:, 0]
        energies = np.convolve(whole**2, np.ones(len(excerpt)), "valid") * np.sum(excerpt**2)
        scores = np.correlate(whole, excerpt, "valid") / np.sqrt(energies + 1e-20)
        if scores.max() > 0.9999:
            return track.name, int(scores.argmax())
    raise AssertionError("from nowhere")


def test_batches_are_seeded_and_new_in_each_epoch(tracks):
    batches = Remixes(tracks, SAMPLES, 4, 3, seed=1)
    (first,) = batches[0]
    assert len(batches) == 3 and first.shape == (4, 4, SAMPLES) and first.dtype == np.float32
    np.testing.assert_array_equal(first, Remixes(tracks, SAMPLES, 4, 3, seed=1)[0][0])
    batches.shuffle(1)
    for other in (batches[0][0], batches[1][0], Remixes(tracks, SAMPLES, 4, 3, seed=2)[0][0]):
        assert np.abs(first - other).max() > 0.01


def test_one_moment_of_one_song(tracks):
    (batch,) = Remixes(tracks, SAMPLES, 6, 1, seed=0, remix=0.0)[0]
    for example in batch:
        # Of the voice, whose vibrato tells each moment from every other.
        name, start = found_in(example[0], tracks, "vocals")
        track = next(track for track in tracks if track.name == name)
        there = np.stack([track.read_excerpt(source, start, SAMPLES) for source in SOURCES])
        assert any(np.array_equal(example, there[:, :, channel]) for channel in (0, 1))


def test_many_songs(tracks):
    (batch,) = Remixes(tracks, SAMPLES, 8, 1, seed=0)[0]
    names = [{found_in(example[i], tracks, SOURCES[i])[0] for i in (0, 2, 3)} for example in batch]
    assert max(map(len, names)) > 1


def test_gains_and_gaps(tracks):
    plain, changed = (
        Remixes(tracks, SAMPLES, 200, 1, seed=0, **options)[0][0]
        for options in ({}, {"gains_db": (-6.0, 6.0), "drop": 0.25})
    )
    ratio = np.sqrt(np.sum(changed**2, axis=2) / np.maximum(np.sum(plain**2, axis=2), 1e-12))
    sounding = ratio[np.sum(plain**2, axis=2) > 0]
    assert 0.2 < np.mean(sounding == 0) < 0.3
    gains_db = 20 * np.log10(sounding[sounding > 0])
    assert -6.01 < gains_db.min() < -5 and 5 < gains_db.max() < 6.01


def test_speed_moves_pitch_and_tempo_alike(tmp_path):
    tone = np.sin(2 * np.pi * 1000 * np.arange(44100) / 44100).astype("float32")
    write_song(tmp_path / "a", {source: np.stack([tone, tone], axis=1) / 2 for source in SOURCES})
    tracks = find_tracks(tmp_path)
    (batch,) = Remixes(tracks, 8192, 20, 1, seed=0, remix=0.0, speed=0.2)[0]
    assert (batch[:, 0] == batch[:, 2]).all()  # one speed for all sources of a moment
    pitches = 44100 / 8192 * np.abs(np.fft.rfft(batch[:, 0] * np.hanning(8192))).argmax(axis=1)
    assert 795 < pitches.min() < 850 and 1150 < pitches.max() < 1205


def test_a_tilt_is_a_shelf_of_first_order(tracks):
    impulse = np.zeros(44100)
    impulse[0] = 1
    gains = np.abs(np.fft.rfft(tilted(impulse, 6.0, 500.0)))
    assert gains[1] == pytest.approx(1, abs=1e-2) and gains[-1] == pytest.approx(10 ** (6 / 20), rel=0.05)
    assert gains[500] == pytest.approx(np.abs(1 + 10 ** (6 / 20) * 1j) / np.sqrt(2), rel=0.03)  # (1 + g i) / (1 + i)
    plain, changed = (Remixes(tracks, SAMPLES, 4, 1, seed=0, tilt_db=tilt)[0][0] for tilt in (0.0, 9.0))
    assert plain.shape == changed.shape and np.abs(changed - plain).max() > 0.01


def test_shares_say_how_often_a_kind_is_drawn_for_a_source(tmp_path):
    """Of the kinds that have the source, by their shares; evenly over a kind's tracks."""
    made = stems(0, 0.1)
    for name, sources in (("a", SOURCES), ("b", SOURCES), ("c", SOURCES[:2]), ("d", SOURCES[:1])):
        write_song(tmp_path / name, {source: made[source] for source in sources})
    tracks, kinds = find_tracks(tmp_path, partial=True), ["song", "song", "render", "voice"]
    batches = Remixes(tracks, SAMPLES, 1, 1, 0, kinds=kinds, shares={"song": 0.4, "render": 0.4, "voice": 0.2})
    np.testing.assert_allclose(np.diff(batches._having["vocals"][1], prepend=0), [0.2, 0.2, 0.4, 0.2])
    np.testing.assert_allclose(np.diff(batches._having["drums"][1], prepend=0), [0.25, 0.25, 0.5])
    np.testing.assert_allclose(np.diff(batches._having["bass"][1], prepend=0), [0.5, 0.5])
    up_to, chances = batches._having["vocals"][1], [0.2, 0.2, 0.4, 0.2]
    for seed in range(50):  # as NumPy chooses
        drawn = np.searchsorted(up_to, np.random.default_rng(seed).random(), side="right")
        assert drawn == np.random.default_rng(seed).choice(4, p=chances)
    with pytest.raises(InputError, match="numbers of 0 or more"):
        Remixes(tracks, SAMPLES, 1, 1, 0, kinds=kinds, shares={"song": 1.0, "render": -0.1, "voice": 1.0})
    with pytest.raises(InputError, match="d has no kind"):
        Remixes(tracks, SAMPLES, 1, 1, 0, kinds=kinds, shares={"song": 1.0, "render": 1.0})


def test_a_kind_of_no_share_is_never_drawn(tracks):
    kinds, shares = ["x", "song", "x"], {"x": 0.0, "song": 1.0}
    (batch,) = Remixes(tracks, SAMPLES, 8, 1, seed=0, kinds=kinds, shares=shares)[0]
    assert {found_in(example[0], tracks, "vocals")[0] for example in batch} == {"train 1"}


def test_tracks_may_lack_sources_in_remixes_only(tmp_path):
    for source in SOURCES:
        write_song(tmp_path / source, {source: stems(0, 0.1)[source]})
    tracks = find_tracks(tmp_path, partial=True)
    assert Remixes(tracks, SAMPLES, 2, 1, seed=0)[0][0].shape == (2, 4, SAMPLES)
    with pytest.raises(InputError, match="no track has vocals, drums, bass, other"):
        Remixes(tracks, SAMPLES, 2, 1, seed=0, remix=0.5)
    with pytest.raises(InputError, match="no track has drums"):
        Remixes(tracks[2:], SAMPLES, 2, 1, seed=0)


def test_quiet_stretches_are_drawn_again(tmp_path):
    """A voice in the last tenth of a song alone: nearly all excerpts would be silent."""
    made = stems(0, 1.0)
    made["vocals"][:-4410] = 0
    write_song(tmp_path / "song", made)
    (batch,) = Remixes(find_tracks(tmp_path), SAMPLES, 100, 1, seed=0)[0]
    assert np.mean(batch[:, 0].any(axis=1)) > 0.35  # 0.14 of the first tries


def test_segments_are_a_complete_pass_in_groups_of_frames(tmp_path):
    """In 0.5 s, 22,050 samples, there are five excerpts of 4,608 samples 3,840 apart."""
    tracks = songs(tmp_path, count=2)[0]
    batches = Segments(tracks, 4608, 3840, 4, seed=0, seconds=0.5)
    assert len(batches.places) == 2 * 2 * 5 and len(batches) == 5
    assert {start for _, start in batches.places} == {s + 3840 * i for s in (0, 22050) for i in range(5)}
    assert len({(track.name, start) for track, start in batches.places}) == 20
    track, start = batches.places[batches.order[0]]
    expected = [track.read_excerpt(source, start, 4608).mean(axis=1) for source in SOURCES]
    np.testing.assert_array_equal(batches[0][0][0], expected)
    assert batches[0][0].shape == (4, 4, 4608) and batches[0][0].dtype == "float32"
    before = batches.order.copy()
    batches.shuffle(1)
    assert (batches.order != before).any() and sorted(batches.order) == sorted(before)
    assert len(Segments(tracks, 4608, 3840, 4, seed=0, seconds=0.5, steps=2)) == 2
    with pytest.raises(InputError, match="give longer ones"):
        Segments(tracks, 4608, 3840, 4, seed=0, seconds=0.05)
    with pytest.raises(InputError, match="lacks a source"):
        Segments([Track("half", {"vocals": "vocals.wav"})], 4608, 3840, 4, seed=0)
