"""Clips of music to degrade: mixtures of stems, single stems, loops and notes, of a data folder or of any folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.audio import blocks, io, mix, speed, walk
from zoo.errors import InputError
from zoo.jnd import effects, examples

SAMPLE_RATE = 44100
SECONDS = 2.5
SAMPLES = int(SECONDS * SAMPLE_RATE)
_SONGS = 0.7  # share of clips that are of songs; the others are made of samples
_MOST_SAMPLES = 3  # that sound together
_STEM_DB, _SAMPLE_DB = (-6, 3), (-12, 0)
_SPEEDS = (0.7, 1.4)
_AUDIBLE = 1e-3  # root mean square
_TRIES = 50
_TEXTS = ("LICENSE", "README.md", "readme.txt")  # beside the samples


@dataclass(frozen=True)
class Songs:
    """Files of a music folder: stems, by song, and samples.

    Attributes:
        stems: list of lists of paths, those of one song together.
        samples: list of paths of loops, notes and sung notes.

    Example:
        >>> Songs([], [zoo.examples()["reference"]]).draw(np.random.default_rng(0)).shape
        (110250,)
    """

    stems: list
    samples: list

    @classmethod
    def read(cls, music: Path | str) -> "Songs":
        """Those of a data folder's `music`: songs of its `train`, samples of its `ingredients`.

        Raises:
            InputError: it holds neither.
        """
        folders, samples = {}, []
        for path in _paths(Path(music) / "train"):
            folders.setdefault(path.parent, []).append(path)
        for kind in ("samples", "vocals"):
            samples += _paths(Path(music) / "ingredients" / kind)
        songs = cls(list(folders.values()), samples)
        if not (songs.stems or songs.samples):
            raise InputError(f"{music} holds no recordings in train or ingredients; check the path")
        return songs

    def digest(self) -> str:
        """Eight hexadecimal digits that identify the files, by their names and sizes."""
        paths = [path for paths in (*self.stems, self.samples) for path in paths]
        return examples.digest([(path.parent.name, path.name, path.stat().st_size) for path in paths])

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """A random clip of 2.5 s: stems of a song at one place, or samples over each other, at random levels.

        Args:
            rng: NumPy generator.

        Returns:
            float32 (110250,) at 44.1 kHz and -16 LUFS, one channel.

        Raises:
            InputError: nothing but silence was drawn, or a file cannot be read.
        """
        for _ in range(_TRIES):
            of_song = self.stems and (not self.samples or rng.random() < _SONGS)
            clip = self._of_stems(rng) if of_song else self._of_samples(rng)
            if mix.rms(clip) > _AUDIBLE:
                return effects.loudness_normalise(clip, SAMPLE_RATE)
        raise InputError("the music is silent wherever a clip was drawn; give other recordings")

    def _of_stems(self, rng):
        stems = self.stems[rng.integers(len(self.stems))]
        with blocks.open_audio(stems[0]) as file:
            start = rng.uniform(0, max(file.frames / file.samplerate - SECONDS, 0))
        chosen = rng.choice(len(stems), rng.integers(1, len(stems) + 1), replace=False)
        return sum(_gain(_STEM_DB, rng) * _mono(stems[i], start) for i in chosen)

    def _of_samples(self, rng):
        clip = np.zeros(SAMPLES, "float32")
        for _ in range(rng.integers(1, _MOST_SAMPLES + 1)):
            path = self.samples[rng.integers(len(self.samples))]
            sample, _ = io.read(path, SAMPLE_RATE, resample=True, downmix=True)
            sample = speed.change_speed(sample, rng.uniform(*_SPEEDS))
            if mix.rms(sample) > _AUDIBLE:
                clip += _gain(_SAMPLE_DB, rng) / mix.rms(sample) * mix.loop_to(sample, SAMPLES, rng)
        return clip


def pieces(folder: Path | str) -> Iterator[np.ndarray]:
    """The middle 2.5 s of every recording of a folder.

    Args:
        folder: of recordings at any rate, mono or stereo.

    Yields:
        A clip, float32 (110250, 2) at 44.1 kHz and -16 LUFS; a mono one twice.

    Raises:
        InputError: no recordings, more than two channels, or one that is shorter than 2.5 s.

    Example:
        >>> [clip.shape for clip in pieces(Path(zoo.examples()["reference"]).parent)][0]
        (110250, 2)
    """
    for path in recordings(folder):
        recording = io.read_channels(path)
        audio = io.resample(recording.audio.T, recording.sample_rate, SAMPLE_RATE).T
        if audio.shape[1] > 2 or len(audio) < SAMPLES:
            raise InputError(f"{path} has {audio.shape[1]} channels of {len(audio)} samples; give one or two, of 2.5 s")
        start = (len(audio) - SAMPLES) // 2
        clip = np.broadcast_to(audio[start : start + SAMPLES], (SAMPLES, 2))
        yield effects.loudness_normalise(clip, SAMPLE_RATE)


def recordings(folder: Path | str) -> list[Path]:
    """Paths of a folder's recordings, sorted.

    Raises:
        InputError: it holds none.

    Example:
        >>> zoo.examples()["mild"] in recordings(zoo.examples()["mild"].parent)
        True
    """
    paths = _paths(Path(folder))
    if not paths:
        raise InputError(f"{folder} holds no {walk.WANTED}; check the path")
    return paths


def _paths(folder):
    """Recordings in a folder, sorted; of one that is not there none."""
    names = walk.recordings(folder, expected=_TEXTS) if folder.is_dir() else ()
    return [folder / name for name in sorted(names)]


def _mono(path, start):
    """2.5 s of a file from `start` seconds on, as one channel."""
    with blocks.open_audio(path) as file:
        rate = file.samplerate
        file.seek(min(int(start * rate), file.frames))
        audio = blocks.read_block(file, int(SECONDS * rate) + 1)
    audio = io.resample(audio.mean(axis=1), rate, SAMPLE_RATE)[:SAMPLES]
    return np.pad(audio, (0, SAMPLES - len(audio)))


def _gain(range_db, rng):
    return np.float32(10 ** (rng.uniform(*range_db) / 20))
