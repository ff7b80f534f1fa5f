"""MIDI songs: notes split to stems, windows, and the melody."""

import itertools

import numpy as np
import pytest

from tests.support.music import song_parts, write_midi
from zoo.errors import InputError
from zoo.separation import midi
from zoo.separation.midi import Note, Song

mido = pytest.importorskip("mido")


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
