"""Clips of songs, samples and whole pieces."""

import numpy as np
import pytest

from zoo.audio import io, mix
from zoo.errors import InputError
from zoo.jnd.songs import SAMPLES, Songs, pieces

RATE = 44100


def tone(path, hertz, seconds=3.0, channels=1, rate=RATE):
    path.parent.mkdir(parents=True, exist_ok=True)
    wave = 0.1 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)
    io.write(path, np.stack(channels * [wave], axis=1).astype("float32"), rate)
    return path


def peaks(clip):
    """Frequencies in Hz that a clip has, to the nearest of 100."""
    spectrum = np.abs(np.fft.rfft(clip * np.hanning(len(clip))))
    frequencies = np.flatnonzero(spectrum > 0.05 * spectrum.max()) * RATE / len(clip)
    return set(np.unique(100 * np.round(frequencies / 100)).astype(int))


def test_stems_of_one_song_are_mixed_and_samples_played_faster_or_slower(tmp_path):
    for song, notes in (("one", (500, 700)), ("two", (900, 1100))):
        for note in notes:
            tone(tmp_path / "train" / song / f"{note}.wav", note, channels=2)
    tone(tmp_path / "ingredients" / "samples" / "pack" / "note.wav", 4000, seconds=0.5, rate=22050)
    songs = Songs.read(tmp_path)
    assert len(songs.stems) == 2 and len(songs.samples) == 1
    clips = [songs.draw(np.random.default_rng(seed)) for seed in range(20)]
    assert all(clip.shape == (SAMPLES,) and clip.dtype == np.float32 for clip in clips)
    np.testing.assert_array_equal(clips[3], songs.draw(np.random.default_rng(3)))
    notes = [peaks(clip) for clip in clips]
    of_songs = [chord for chord in notes if max(chord) < 1200]
    assert all(chord <= {500, 700} or chord <= {900, 1100} for chord in of_songs)
    assert {500, 700} in of_songs and any(len(chord) == 1 for chord in of_songs)
    assert 8 <= len(of_songs) < 20 and all(2700 <= min(chord) for chord in notes if chord not in of_songs)
    assert mix.rms(clips[0]) > 0.03


def test_the_digest_changes_with_the_files(tmp_path):
    first = tone(tmp_path / "train" / "song" / "bass.wav", 100)
    digest = Songs.read(tmp_path).digest()
    assert digest == Songs.read(tmp_path).digest()
    tone(first, 100, seconds=4)
    assert digest != Songs.read(tmp_path).digest()


def test_no_music_and_silence_say_so(tmp_path):
    with pytest.raises(InputError, match="no recordings in train or ingredients"):
        Songs.read(tmp_path)
    tone(tmp_path / "train" / "song" / "bass.wav", 0)
    with pytest.raises(InputError, match="silent"):
        Songs.read(tmp_path).draw(np.random.default_rng(0))


def test_a_piece_gives_its_middle_in_stereo_at_full_rate(tmp_path):
    tone(tmp_path / "a.wav", 1000, channels=1, rate=22050)
    chirp = 0.1 * np.sin(2 * np.pi * (1000 + 150 * np.arange(10 * RATE) / RATE) * np.arange(10 * RATE) / RATE)
    io.write(tmp_path / "b.wav", np.stack([chirp, chirp[::-1]], axis=1).astype("float32"), RATE)
    mono, stereo = pieces(tmp_path)
    assert mono.shape == stereo.shape == (SAMPLES, 2)
    assert peaks(mono[:, 1]) == {1000}
    start = (len(chirp) - SAMPLES) // 2
    assert np.corrcoef(stereo[:, 0], chirp[start : start + SAMPLES])[0, 1] > 0.999
    assert np.corrcoef(stereo[:, 1], chirp[::-1][start : start + SAMPLES])[0, 1] > 0.999


@pytest.mark.parametrize(("seconds", "channels"), [(1.0, 1), (3.0, 3)])
def test_a_piece_too_short_or_with_more_channels_is_refused(tmp_path, seconds, channels):
    tone(tmp_path / "a.wav", 1000, seconds, channels)
    with pytest.raises(InputError, match="one or two, of 2.5 s"):
        list(pieces(tmp_path))


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no"):
        list(pieces(tmp_path))
