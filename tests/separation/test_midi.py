"""MIDI songs: notes split to stems, windows, the melody, and their sound by FluidSynth."""

import itertools
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.music import frequency, song_parts, write_midi
from zoo.errors import InputError
from zoo.separation import midi
from zoo.separation.midi import Note, Song
from zoo.separation.tracks import SAMPLE_RATE

mido = pytest.importorskip("mido")
rendering = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not Path(midi.SOUNDFONT).is_file(), reason="needs fluidsynth and a SoundFont"
)


def test_midi_notes_belong_to_stems(tmp_path):
    song = midi.read_song(write_midi(tmp_path / "song.mid", song_parts(), tempo=250000))
    assert {note.channel for note in song.of("drums")} == {5, 9}
    assert {note.channel for note in song.of("bass")} == {3, 4}
    assert {note.channel for note in song.of("other")} == {0, 1, 2}
    second = [note for note in song.of("bass") if note.channel == 3][1]
    assert (second.start, second.end) == pytest.approx((0.25, 0.375)) and (second.pitch, second.velocity) == (40, 100)
    midi.write_song(tmp_path / "bass.mid", song, song.of("bass"))
    again = midi.read_song(tmp_path / "bass.mid")
    assert [note.pitch for note in again.notes] == [note.pitch for note in song.of("bass")]
    np.testing.assert_allclose([n.end for n in again.notes], [n.end for n in song.of("bass")], atol=1e-4)
    with pytest.raises(InputError, match="cannot be read"):
        midi.read_song(tmp_path / "none.mid")
    with pytest.raises(InputError, match="holds no notes"):
        midi.read_song(write_midi(tmp_path / "still.mid", {(0, 0): []}))


def test_a_program_may_change_within_a_channel(tmp_path):
    track = mido.MidiTrack()
    for program, pitch in ((0, 60), (33, 40)):
        track.append(mido.Message("program_change", program=program))
        track += [mido.Message("note_on", note=pitch), mido.Message("note_off", note=pitch, time=240)]
    mido.MidiFile(tracks=[track]).save(tmp_path / "song.mid")
    assert [(note.pitch, note.source) for note in midi.read_song(tmp_path / "song.mid").notes] == [
        (60, "other"),
        (40, "bass"),
    ]


def test_a_window_has_notes_of_every_stem():
    late = [Note(20 + i / 2, 20.4 + i / 2, 40, 90, 1, "bass") for i in range(20)]
    song = Song(tuple(sorted([Note(i, i + 1.5, 60, 90) for i in range(31)] + late, key=lambda n: n.start)), (), 32.0)
    part = song.window(10)
    assert len(part.of("bass")) == 20 and len(part.of("other")) == 10
    assert part.notes[0].start == 0 and part.seconds == max(note.end for note in part.notes) == 10
    assert song.window(100).notes == song.notes


def test_the_melody_is_one_line_and_takes_its_doubles_along(tmp_path):
    song = midi.read_song(write_midi(tmp_path / "song.mid", song_parts()))
    line, replaced = midi.melody(song)
    assert len({note.channel for note in line}) == 1 and {note.channel for note in replaced} == {0, 1}
    assert all(first.end <= second.start for first, second in itertools.pairwise(line))
    chords = midi.read_song(write_midi(tmp_path / "chords.mid", {(2, 0): song_parts()[2, 0]}))
    assert midi.melody(chords) == ([], set())
    quick = midi.read_song(write_midi(tmp_path / "quick.mid", {(0, 73): song_parts()[0, 73]}, tempo=100000))
    assert midi.melody(quick) == ([], set())  # none of its notes is long enough to be sung


@rendering
def test_fluidsynth_renders_a_stem_at_its_place_and_pitch(tmp_path):
    song = midi.read_song(write_midi(tmp_path / "song.mid", {(0, 80): [(2, 4, 69)], (3, 33): [(0, 1, 40)]}))
    other, bass = (midi.synthesise(song, song.of(source)) for source in ("other", "bass"))
    assert other.shape == bass.shape == (round(5 * SAMPLE_RATE), 2) and other.dtype == np.float32
    assert np.abs(other[:43000]).max() < 1e-6 < np.abs(other[46000:]).max()  # the reverb's own noise
    assert frequency(other[60000:120000].sum(axis=1)) == pytest.approx(440, rel=0.01)  # its chorus detunes
    assert frequency(bass[:30000, 0]) % 82.4 == pytest.approx(0, abs=1.5)  # a harmonic of E2
    assert (midi.synthesise(song, song.of("bass")) == bass).all()
    assert not midi.synthesise(song, ()).any()
    kits = [midi.synthesise(song, [Note(0, 0.1, 38, 100, 9, "drums")], kit=kit) for kit in (0, 25)]
    assert all(kit.any() for kit in kits) and (kits[0] != kits[1]).any()


def test_what_rendering_needs_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: name)
    with pytest.raises(InputError, match="none.sf2: no such SoundFont.*fluid-soundfont-gm"):
        midi.require_fluidsynth(tmp_path / "none.sf2")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="fluidsynth is missing.*fluid-soundfont-gm"):
        midi.require_fluidsynth(tmp_path / "none.sf2")
