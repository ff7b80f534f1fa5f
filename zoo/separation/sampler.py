"""A sampler: plays notes with recorded notes of voices and basses."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.audio import io, mix
from zoo.errors import InputError
from zoo.separation.midi import Note
from zoo.separation.tracks import SAMPLE_RATE

_PITCH = re.compile(r"_([a-g])([sb]?)(\d)(?=_|$)")
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


@dataclass(frozen=True)
class Sample:
    """A recorded note.

    Attributes:
        audio: float32 `(samples,)` at 44.1 kHz, which starts with the note.
        pitch: MIDI pitch.
    """

    audio: np.ndarray
    pitch: int


def play(notes: Iterable[Note], samples: Sequence[Sample], count: int, rng: np.random.Generator) -> np.ndarray:
    """Play notes with recorded notes: each with the nearest in pitch, resampled to its pitch, cut to its length.

    A note that is longer than its sample ends with the sample. Fades are 10 ms at the start and 40 ms at the end.

    Args:
        notes: list of `zoo.separation.midi.Note`, of any pitch; one more than 4 semitones outside the range of the
            samples is moved by octaves.
        samples: list of `Sample`; among equally near ones the choice is random.
        count: length of the result in samples.
        rng: NumPy generator.

    Returns:
        float32 `(count,)`; the level of a note is proportional to the square root of its velocity.

    Example:
        >>> note = Note(0.5, 1.0, 60, 100)
        >>> play([note], [Sample(np.ones(44100, "float32"), 60)], 66150, np.random.default_rng(0)).shape
        (66150,)
    """
    pitches = np.array([sample.pitch for sample in samples])
    audio, shifted = np.zeros(count, dtype=np.float32), {}
    for note in notes:
        start, length = round(note.start * SAMPLE_RATE), round((note.end - note.start) * SAMPLE_RATE)
        length = min(length, count - start)
        if length < 2:
            continue
        pitch = fold(note.pitch, pitches.min() - 4, pitches.max() + 4)
        distance = np.abs(pitches - pitch)
        choice = int(rng.choice(np.flatnonzero(distance == distance.min())))
        if (choice, pitch) not in shifted:
            ratio = 2 ** ((pitch - pitches[choice]) / 12)
            shifted[choice, pitch] = io.resample(samples[choice].audio, SAMPLE_RATE * ratio, SAMPLE_RATE)
        tone = shifted[choice, pitch][:length].copy()
        for fade, end in ((min(441, len(tone) // 2), slice(None)), (min(1764, len(tone) // 2), slice(None, None, -1))):
            tone[end][:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
        audio[start : start + len(tone)] += np.sqrt(note.velocity / 127) * tone
    return audio


def fold(pitch: int, low: int, high: int) -> int:
    """A pitch moved by octaves into [low, high]; if the range is smaller than an octave, the result may be above it.

    Example:
        >>> fold(80, 41, 73)
        68
    """
    while pitch > high and pitch - 12 >= low:
        pitch -= 12
    while pitch < low:
        pitch += 12
    return pitch


def read_samples(paths: Iterable[Path], octaves: int = 0) -> list[Sample]:
    """Recorded notes from files whose names state the pitch: `voice_A3.mp3`, `bass_db4_f.ogg`, `voice_Cs5.mp3`.

    Args:
        paths: audio files of any rate.
        octaves: from the pitch in the name to the pitch that sounds.

    Returns:
        list of `Sample` with a peak of 1, cut to start where the level first is within 12 dB of its highest.

    Raises:
        InputError: a name without a pitch, or an unreadable file.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "voice_A3.wav")
        ...     _ = io.write(path, np.sin(0.03 * np.arange(44100)), 44100)
        ...     read_samples([path])[0].pitch
        57
    """
    samples = []
    for path in paths:
        match = _PITCH.search(path.stem.lower())
        if match is None:
            raise InputError(f"{path}: its name states no pitch; name it like voice_A3{path.suffix}")
        step, accidental, octave = match.groups()
        pitch = _STEPS[step] + {"": 0, "s": 1, "b": -1}[accidental] + 12 * (int(octave) + 1 + octaves)
        audio, _ = io.read(path, SAMPLE_RATE, resample=True, downmix=True)
        frames = mix.rms(audio[: len(audio) // 441 * 441].reshape(-1, 441))
        audio = audio[441 * int(np.argmax(frames > frames.max() / 4)) :]
        samples.append(Sample(audio / max(np.abs(audio).max(), 1e-6), pitch))
    return samples
