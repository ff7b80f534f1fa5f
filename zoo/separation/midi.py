"""MIDI songs as notes; the line in them that a voice can sing; their sound by FluidSynth.

Imports mido only where a file is read or written, and no Keras backend.
"""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.audio import io
from zoo.errors import InputError
from zoo.separation.tracks import SAMPLE_RATE

SOUNDFONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"  # where Debian's fluid-soundfont-gm (MIT licence) puts it
TAIL = 2.0  # seconds of decay kept after the last note
_DRUM_CHANNEL = 9  # General MIDI's channel 10
_BASS_PROGRAMS = range(32, 40)
_DRUM_PROGRAMS = range(116, 119)  # taiko, melodic tom, synth drum
_LEAD_PROGRAMS = range(80, 88)
_LOW = 45  # MIDI pitch; a synth lead that stays below doubles the bass or is the bass
_SINGABLE = (52, 80)  # mean MIDI pitch of a line that a voice can take
_SHORTEST = 0.12  # seconds of a note that is sung
_TICKS = 9600  # a quarter note of half a second: 0.05 ms a tick


@dataclass(frozen=True)
class Note:
    """A note: start and end in seconds, MIDI pitch (60 is C4), velocity 1 to 127, and the stem that it belongs to."""

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
        events: tuple of (seconds, mido message), all that is no note: programs, controllers, bends.
        seconds: length, to the end of the last note.
    """

    notes: tuple
    events: tuple
    seconds: float

    def of(self, source):
        """Tuple of the notes of one stem."""
        return tuple(note for note in self.notes if note.source == source)

    def window(self, seconds):
        """At most so many seconds of the song: those in which the poorest of its stems has the most notes.

        Args:
            seconds: length; a shorter song is kept whole, from its first note.

        Returns:
            `Song`, of notes that start in the window; those that are held beyond its end are cut there.

        Example:
            >>> song = read_song("song.mid").window(90)  # doctest: +SKIP
        """
        first = self.notes[0].start
        starts = np.arange(first, max(self.seconds - seconds, first) + 1e-9, 10)
        parts = [np.array([note.start for note in self.of(source)]) for source in {note.source for note in self.notes}]
        shares = [min(np.mean((start <= part) & (part < start + seconds)) for part in parts) for start in starts]
        start = starts[int(np.argmax(shares))]  # the first of equals
        notes = tuple(
            Note(
                note.start - start, min(note.end - start, seconds), note.pitch, note.velocity, note.channel, note.source
            )
            for note in self.notes
            if start <= note.start < start + seconds
        )
        events = tuple((max(time - start, 0.0), message) for time, message in self.events if time < start + seconds)
        return Song(notes, events, max(note.end for note in notes))


def read_song(path):
    """Read a MIDI file; each note belongs to drums, bass or other.

    Drums are channel 10 and the programs taiko, melodic tom and synth drum; bass is General MIDI's eight basses and
    synth leads of a mean pitch below 45 (A2), which in game music double the bass or are it; other is the rest.

    Args:
        path: Standard MIDI File.

    Returns:
        `Song`.

    Raises:
        InputError: mido is not installed, or the file is missing, no MIDI file, or without notes.

    Example:
        >>> bass = read_song("song.mid").of("bass")  # doctest: +SKIP
    """
    mido = _mido()
    try:
        messages = list(mido.MidiFile(path, clip=True))
    except (OSError, EOFError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{path}: cannot be read; give a Standard MIDI File") from error
    now, program, held, notes, events = 0.0, defaultdict(int), defaultdict(list), [], []
    for message in messages:
        now += message.time
        if message.type not in ("note_on", "note_off"):
            if message.type == "program_change":
                program[message.channel] = message.program
            if not message.is_meta:  # tempo is in the seconds already
                events.append((now, message))
            continue
        waiting = held[message.channel, message.note]
        if message.type == "note_on" and message.velocity:
            waiting.append((now, message.velocity, program[message.channel]))
        elif waiting:
            start, velocity, its = waiting.pop(0)
            notes.append((start, max(now, start + 0.01), message.note, velocity, message.channel, its))
    if not notes:
        raise InputError(f"{path}: holds no notes; give another MIDI file")
    sources = _sources(notes)
    notes = tuple(Note(*note[:5], sources[note[4:]]) for note in sorted(notes))
    return Song(notes, tuple(events), max(note.end for note in notes))


def _sources(notes):
    """{(channel, program): stem} of all that play."""
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


def write_song(path, song, notes, kit=None):
    """Write some notes of a song, with all its programs and controllers, as a MIDI file.

    Args:
        path: file to write.
        song: `Song`.
        notes: those to keep.
        kit: program of the drum channel, instead of the song's own.

    Example:
        >>> write_song("bass.mid", song, song.of("bass"))  # doctest: +SKIP
    """
    mido = _mido()
    drum_kit = [mido.Message("program_change", channel=_DRUM_CHANNEL, program=kit)] if kit is not None else []
    timed = [(0.0, 0, message) for message in drum_kit]
    for time, message in song.events:
        if not (drum_kit and message.type == "program_change" and message.channel == _DRUM_CHANNEL):
            timed.append((time, 1, message))
    for note in notes:  # at one time: notes end, then programs change, then notes start
        on = mido.Message("note_on", channel=note.channel, note=note.pitch, velocity=note.velocity)
        off = mido.Message("note_off", channel=note.channel, note=note.pitch)
        timed += [(note.start, 2, on), (note.end, 0, off)]
    track, last = mido.MidiTrack(), 0
    for time, _, message in sorted(timed, key=lambda item: item[:2]):
        tick = round(time * 2 * _TICKS)
        track.append(message.copy(time=tick - last))
        last = tick
    end = max(round((song.seconds + TAIL) * 2 * _TICKS), last)
    # An undefined controller keeps the synthesiser running until the notes have decayed.
    track.append(mido.Message("control_change", channel=15, control=119, value=0, time=end - last))
    mido.MidiFile(ticks_per_beat=_TICKS, tracks=[track]).save(path)


def synthesise(song, notes, soundfont=SOUNDFONT, kit=None):
    """The sound of some notes of a song by FluidSynth, with its reverb and chorus; the same in every run.

    Sounds whose channels are in opposite phase (synth leads of some SoundFonts), which would vanish in mono, have the
    right one turned over.

    Args:
        song: `Song`.
        notes: those to play; the others' silence lasts as long.
        soundfont: path of a SoundFont (.sf2) of General MIDI.
        kit: program of the drum channel, such as 16 (power) or 25 (TR-808); None takes the song's own.

    Returns:
        float32 `(samples, 2)` at 44.1 kHz, `song.seconds + 2` long; not limited to [-1, 1].

    Raises:
        InputError: the program fluidsynth, the SoundFont or mido is missing, or fluidsynth fails.

    Example:
        >>> drums = synthesise(song, song.of("drums"))  # doctest: +SKIP
    """
    require_fluidsynth(soundfont)
    samples = round((song.seconds + TAIL) * SAMPLE_RATE)
    if not notes:
        return np.zeros((samples, 2), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        midi, sound = Path(folder) / "stem.mid", Path(folder) / "stem.wav"
        write_song(midi, song, notes, kit)
        options = ["-n", "-i", "-q", "-f", os.devnull, "-r", str(SAMPLE_RATE), "-T", "wav", "-O", "float"]
        command = ["fluidsynth", *options, "-F", str(sound), str(soundfont), str(midi)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not sound.is_file():
            raise InputError(f"fluidsynth failed: {done.stderr.strip() or done.returncode}; check {soundfont}")
        audio = io.read_channels(sound).audio[:samples]
    if np.vdot(audio[:, 0], audio[:, 1]) < 0:
        audio[:, 1] *= -1
    return np.pad(audio, ((0, samples - len(audio)), (0, 0)))


def require_fluidsynth(soundfont=SOUNDFONT):
    """Raise `InputError` where FluidSynth, the SoundFont or mido is missing.

    Example:
        >>> require_fluidsynth("my.sf2")  # doctest: +SKIP
    """
    if shutil.which("fluidsynth") is None:
        raise InputError("the program fluidsynth is missing; install it (Debian: fluidsynth, fluid-soundfont-gm)")
    if not Path(soundfont).is_file():
        raise InputError(f"{soundfont}: no such SoundFont; give one (--soundfont; Debian: fluid-soundfont-gm)")
    _mido()


def melody(song):
    """The line of a song that a voice can sing, and the notes that it takes the place of.

    Of the channels of "other" with 16 notes of 0.12 s or more, a mean pitch of 52 to 80 and few chords, the one that is
    the most monophonic and sounds the longest (up to 60 % of the song). The highest note of a chord is sung, and notes
    shorter than that are not.

    Args:
        song: `Song`.

    Returns:
        (line, replaced): list of `Note`, one at a time, empty where no channel fits; and the set of notes of that
        channel and of those that double it (70 % of their notes start with a sung note of the same pitch class).

    Example:
        >>> line, replaced = melody(read_song("song.mid"))  # doctest: +SKIP
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
    """The highest of the notes that start together (30 ms), each cut where the next starts."""
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


def _mido():
    try:
        import mido
    except ImportError as error:
        raise InputError('MIDI files need mido: pip install "audio-zoo[music]"') from error
    return mido
