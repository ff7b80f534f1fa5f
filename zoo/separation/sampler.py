"""Notes played by recorded notes: voices that sing a line, basses that pluck one."""

import re
from dataclasses import dataclass

import numpy as np

from zoo.audio import io, mix
from zoo.errors import InputError
from zoo.separation.tracks import SAMPLE_RATE

_PITCH = re.compile(r"_([a-g])([sb]?)(\d)(?=_|$)")
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}


@dataclass(frozen=True)
class Sample:
    """A recorded note: float32 `(samples,)` at 44.1 kHz that starts with the note, and its MIDI pitch."""

    audio: np.ndarray
    pitch: int


def play(notes, samples, count, rng):
    """Play notes by recorded notes: each by the nearest in pitch, resampled to the pitch, cut to the note's length.

    A note longer than its sample ends with it. Fades take 10 ms at the start and 40 ms at the end.

    Args:
        notes: list of `zoo.separation.midi.Note`, of any pitch: a note outside the samples' range (4 semitones beyond
            them) is moved by octaves.
        samples: list of `Sample`; of those that are equally near, one is drawn.
        count: samples of the result.
        rng: `numpy.random.Generator`.

    Returns:
        float32 `(count,)`; a note's level goes with the root of its velocity.

    Example:
        >>> note = Note(0.5, 1.0, 60, 100)
        >>> play([note], [Sample(np.ones(44100, "float32"), 60)], 66150, np.random.default_rng(0)).shape
        (66150,)
    """
    pitches = np.array([sample.pitch for sample in samples])
    sung, shifted = np.zeros(count, dtype=np.float32), {}
    for note in notes:
        start, length = round(note.start * SAMPLE_RATE), round((note.end - note.start) * SAMPLE_RATE)
        length = min(length, count - start)
        if length < 2:
            continue
        pitch = fold(note.pitch, pitches.min() - 4, pitches.max() + 4)
        distance = np.abs(pitches - pitch)
        which = int(rng.choice(np.flatnonzero(distance == distance.min())))
        if (which, pitch) not in shifted:
            ratio = 2 ** ((pitch - pitches[which]) / 12)
            shifted[which, pitch] = io.resample(samples[which].audio, SAMPLE_RATE * ratio, SAMPLE_RATE)
        tone = shifted[which, pitch][:length].copy()
        for fade, end in ((min(441, len(tone) // 2), slice(None)), (min(1764, len(tone) // 2), slice(None, None, -1))):
            tone[end][:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
        sung[start : start + len(tone)] += np.sqrt(note.velocity / 127) * tone
    return sung


def fold(pitch, low, high):
    """A pitch moved by octaves into [low, high]; in a range below an octave it may stay above.

    Example:
        >>> fold(80, 41, 73)
        68
    """
    while pitch > high and pitch - 12 >= low:
        pitch -= 12
    while pitch < low:
        pitch += 12
    return pitch


def read_samples(paths, octaves=0):
    """Recorded notes from files whose names tell the pitch: `voice_A3.mp3`, `bass_db4_f.ogg`, `voice_Cs5.mp3`.

    Args:
        paths: audio files of any rate.
        octaves: by which they sound above their names.

    Returns:
        list of `Sample`, peaks at 1, cut to start where the level first comes within 12 dB of its highest.

    Raises:
        InputError: a name without a pitch, or an unreadable file.

    Example:
        >>> singer = read_samples(Path("berklee").glob("malevoice_oo_*.mp3"))  # doctest: +SKIP
    """
    samples = []
    for path in paths:
        found = _PITCH.search(path.stem.lower())
        if found is None:
            raise InputError(f"{path}: its name tells no pitch; name it like voice_A3{path.suffix}")
        step, accidental, octave = found.groups()
        pitch = _STEPS[step] + {"": 0, "s": 1, "b": -1}[accidental] + 12 * (int(octave) + 1 + octaves)
        audio, _ = io.read(path, SAMPLE_RATE, resample=True, downmix=True)
        frames = mix.rms(audio[: len(audio) // 441 * 441].reshape(-1, 441))
        audio = audio[441 * int(np.argmax(frames > frames.max() / 4)) :]
        samples.append(Sample(audio / max(np.abs(audio).max(), 1e-6), pitch))
    return samples
