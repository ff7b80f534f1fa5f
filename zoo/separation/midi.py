"""MIDI songs as notes, and their melody.

Imports mido only where a file is read or written, and no Keras backend.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from zoo.errors import InputError

TAIL = 2.0  # seconds of decay after the last note
_DRUM_CHANNEL = 9  # General MIDI's channel 10
_BASS_PROGRAMS = range(32, 40)
_DRUM_PROGRAMS = range(116, 119)  # taiko, melodic tom, synth drum
_LEAD_PROGRAMS = range(80, 88)
_LOW = 45  # MIDI pitch; a synth lead with a lower mean pitch is the bass or doubles it
_SINGABLE = (52, 80)  # mean MIDI pitch of a line that a voice can sing
_SHORTEST = 0.12  # seconds; shorter notes are not sung
_TICKS = 9600  # for a quarter note of half a second: 0.05 ms each


@dataclass(frozen=True)
class Note:
    """A note of a song.

    Attributes:
        start, end: seconds.
        pitch: MIDI pitch; 60 is C4.
        velocity: 1..127.
        channel: MIDI channel, 0..15.
        source: stem that it belongs to, "drums", "bass" or "other".
    """

    start: float
    end: float
    pitch: int
    velocity: int
    channel: int = 0
    source: str = "other"


@dataclass(frozen=True)
class Song:
    """A MIDI song.

    Attributes:
        notes: tuple of `Note`, by start.
        events: tuple of (seconds, mido message) of all other messages: programs, controllers, bends.
        seconds: length, to the end of the last note.

    Example:
        >>> song = Song((Note(0, 1, 40, 90, source="bass"), Note(0, 2, 60, 90)), (), 2.0)
        >>> len(song.of("bass"))
        1
    """

    notes: tuple
    events: tuple
    seconds: float

    def of(self, source: str) -> tuple[Note, ...]:
        """Notes of one stem."""
        return tuple(note for note in self.notes if note.source == source)

    def window(self, seconds: float) -> "Song":
        """The part of the song in which its rarest stem has the largest share of its notes.

        Args:
            seconds: length; a shorter song is complete, from its first note.

        Returns:
            `Song` of the notes that start in the window, cut at its end.

        Example:
            >>> song = Song(tuple(Note(i, i + 1, 60, 90) for i in range(60)), (), 60.0)
            >>> part = song.window(10)
            >>> len(part.notes), float(part.seconds)
            (10, 10.0)
        """
        first = self.notes[0].start
        starts = np.arange(first, max(self.seconds - seconds, first) + 1e-9, 10)
        parts = [np.array([note.start for note in self.of(source)]) for source in {note.source for note in self.notes}]
        shares = [min(np.mean((start <= part) & (part < start + seconds)) for part in parts) for start in starts]
        start = starts[int(np.argmax(shares))]  # the first, of equal shares
        notes = tuple(
            Note(
                note.start - start, min(note.end - start, seconds), note.pitch, note.velocity, note.channel, note.source
            )
            for note in self.notes
            if start <= note.start < start + seconds
        )
        events = tuple((max(time - start, 0.0), message) for time, message in self.events if time < start + seconds)
        return Song(notes, events, max(note.end for note in notes))


def read_song(path: Path | str) -> Song:
    """Read a MIDI file, with each note assigned to drums, bass or other.

    Drums are channel 10 and the programs taiko, melodic tom and synth drum. Bass is General MIDI's eight basses and
    synth leads with a mean pitch below 45 (A2), which in game music are the bass or double it. Other is the rest.

    Args:
        path: Standard MIDI File.

    Returns:
        `Song`.

    Raises:
        InputError: mido is not installed, or the file is missing, not a MIDI file, or without notes.

    Example:
        >>> bass = read_song("song.mid").of("bass")  # needs a MIDI file  # doctest: +SKIP
    """
    mido = require_mido()
    try:
        messages = list(mido.MidiFile(path, clip=True))
    except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{path}: cannot be read; give a Standard MIDI File") from error
    now, program, open_notes, notes, events = 0.0, defaultdict(int), defaultdict(list), [], []
    for message in messages:
        now += message.time
        if message.type not in ("note_on", "note_off"):
            if message.type == "program_change":
                program[message.channel] = message.program
            if not message.is_meta:  # times in seconds already include the tempo
                events.append((now, message))
            continue
        pending = open_notes[message.channel, message.note]
        if message.type == "note_on" and message.velocity:
            pending.append((now, message.velocity, program[message.channel]))
        elif pending:
            start, velocity, its_program = pending.pop(0)
            notes.append((start, max(now, start + 0.01), message.note, velocity, message.channel, its_program))
    if not notes:
        raise InputError(f"{path}: holds no notes; give another MIDI file")
    sources = _sources(notes)
    notes = tuple(Note(*note[:5], sources[note[4:]]) for note in sorted(notes))
    return Song(notes, tuple(events), max(note.end for note in notes))


def _sources(notes):
    """{(channel, program): stem} of all notes."""
    pitches, sources = defaultdict(list), {}
    for *_, pitch, _, channel, program in notes:
        pitches[channel, program].append(pitch)
    for (channel, program), played in pitches.items():
        low_lead = program in _LEAD_PROGRAMS and np.mean(played) < _LOW
        if channel == _DRUM_CHANNEL or program in _DRUM_PROGRAMS:
            sources[channel, program] = "drums"
        else:
            sources[channel, program] = "bass" if program in _BASS_PROGRAMS or low_lead else "other"
    return sources


def write_song(path: Path | str, song: Song, notes: Iterable[Note], kit: int | None = None) -> None:
    """Write some notes of a song, with all its programs and controllers, as a MIDI file.

    Args:
        path: file to write.
        song: `Song`.
        notes: the notes to write.
        kit: program of the drum channel; None for the song's own.

    Raises:
        InputError: mido is not installed.

    Example:
        >>> import tempfile
        >>> song = Song((Note(0.0, 1.0, 40, 90, source="bass"), Note(0.0, 2.0, 60, 90)), (), 2.0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_song(f"{folder}/bass.mid", song, song.of("bass"))
        ...     len(read_song(f"{folder}/bass.mid").notes)
        1
    """
    mido = require_mido()
    drum_kit = [mido.Message("program_change", channel=_DRUM_CHANNEL, program=kit)] if kit is not None else []
    timed = [(0.0, 0, message) for message in drum_kit]
    for time, message in song.events:
        if not (drum_kit and message.type == "program_change" and message.channel == _DRUM_CHANNEL):
            timed.append((time, 1, message))
    for note in notes:  # of one time, in this order: ends of notes, programs, starts of notes
        on = mido.Message("note_on", channel=note.channel, note=note.pitch, velocity=note.velocity)
        off = mido.Message("note_off", channel=note.channel, note=note.pitch)
        timed += [(note.start, 2, on), (note.end, 0, off)]
    track, last = mido.MidiTrack(), 0
    for time, _, message in sorted(timed, key=lambda item: item[:2]):
        tick = round(time * 2 * _TICKS)
        track.append(message.copy(time=tick - last))
        last = tick
    end = max(round((song.seconds + TAIL) * 2 * _TICKS), last)
    # A message to an undefined controller, so that the synthesiser runs until the notes have decayed.
    track.append(mido.Message("control_change", channel=15, control=119, value=0, time=end - last))
    mido.MidiFile(ticks_per_beat=_TICKS, tracks=[track]).save(path)


def melody(song: Song) -> tuple[list[Note], set[Note]]:
    """The line of a song that a voice can sing, and the notes that it replaces.

    It comes from the channel of "other" that is the most monophonic and sounds the longest (up to 60 % of the song), of
    those with 16 notes of 0.12 s or more, a mean pitch of 52 to 80 and few chords. The highest note of a chord is sung;
    shorter notes are not.

    Args:
        song: `Song`.

    Returns:
        line: list of `Note` that do not overlap, empty if no channel is suitable.
        replaced: set of the notes of that channel and of those that double it (70 % of their notes start with a sung
            note of the same pitch class).

    Example:
        >>> song = Song(tuple(Note(i, i + 0.9, 60 + i % 5, 90) for i in range(20)), (), 20.0)
        >>> line, replaced = melody(song)
        >>> len(line), len(replaced)
        (20, 20)
    """
    channels, best, chosen, singer = defaultdict(list), 0.0, [], None
    for note in song.of("other"):
        channels[note.channel].append(note)
    for channel, notes in channels.items():
        if len(notes) < 2 or not _SINGABLE[0] <= np.mean([note.pitch for note in notes]) <= _SINGABLE[1]:
            continue
        line = _skyline(notes)
        long_enough = [note for note in line if note.end - note.start >= _SHORTEST]
        single = np.mean([second.start > first.end - 0.05 for first, second in itertools.pairwise(notes)])
        share = sum(note.end - note.start for note in long_enough) / song.seconds
        if len(long_enough) >= 16 and single >= 0.6 and share >= 0.1 and single * min(share, 0.6) > best:
            best, chosen, singer = single * min(share, 0.6), long_enough, channel
    starts = {(round(20 * note.start) + step, note.pitch % 12) for note in chosen for step in (-1, 0, 1)}
    replaced = set()
    for channel, notes in channels.items():
        doubling = np.mean([(round(20 * note.start), note.pitch % 12) in starts for note in notes])
        if channel == singer or doubling >= 0.7:
            replaced |= set(notes)
    return chosen, replaced


def _skyline(notes):
    """The highest of the notes that start within 30 ms of each other, each cut where the next starts."""
    line = []
    for note in notes:
        if line and note.start - line[-1].start < 0.03:
            if note.pitch > line[-1].pitch:
                line[-1] = note
        else:
            line.append(note)
    ends = [note.start for note in line[1:]] + [np.inf]
    return [
        Note(note.start, min(note.end, end), note.pitch, note.velocity, note.channel, note.source)
        for note, end in zip(line, ends, strict=True)
    ]


def require_mido() -> ModuleType:
    """The module mido, which reads and writes MIDI files.

    Raises:
        InputError: it is not installed; the message says how to install it.

    Example:
        >>> mido = require_mido()  # needs mido  # doctest: +SKIP
    """
    try:
        import mido
    except ImportError as error:
        raise InputError('MIDI files need mido: pip install "audio-zoo[music]"') from error
    return mido
