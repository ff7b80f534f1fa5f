"""Noises and room responses for the perturbations."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.audio import io, mix, walk
from zoo.audio.rooms import shoebox_rooms
from zoo.data import speech as corpus
from zoo.errors import InputError
from zoo.jnd.effects import SAMPLE_RATE

_COLOURS = {"white": 0.0, "pink": 1.0, "brown": 2.0, "blue": -1.0}  # power falls as 1 / f**exponent
_RECORDED = {  # files or folders in the data folder
    "applause": ["textures/applause.flac"],
    "water_drops": ["noise/train/running_tap"],
    "crickets": ["noise/train/insects_night"],
    "room": ["noise/train/air_conditioning", "noise/train/computer_fan", "noise/train/fridge_hum"],
}
NOISES = (*_COLOURS, *_RECORDED, "siren")
_PARTS = {"train": (0.0, 0.6), "validation": (0.6, 0.8), "test": (0.8, 1.0), "test2": (0.8, 1.0)}  # from, to
_SHOEBOXES = 16
_AUDIBLE = 20.0  # Hz; brown noise has most of its power below
_SILENCE = 1e-8  # rms


@dataclass(frozen=True)
class Material:
    """Recorded noises and room responses, at 22,050 Hz.

    Attributes:
        recordings: {name: [float32 (samples,)]} of the recorded noises: applause; water_drops, a running tap; crickets,
            insects at night; room, the background of rooms (air conditioning, computer fan, fridge).
        rooms: float32 (taps,) impulse responses, measured and simulated.
    """

    recordings: dict
    rooms: list

    @classmethod
    def read(cls, data: Path | str, split: str = "train") -> "Material":
        """Read the recordings of a split and simulate its shoebox rooms.

        Some noises have only one recording, so each is cut in time: three fifths for training, one for validation, one
        for the test. The test has measured and simulated rooms of its own, 16 simulated ones; training and validation
        share theirs.

        Args:
            data: folder of MANIFEST.csv, noise/, textures/ and rir/.
            split: "train", "validation", "test" or "test2"; the two tests share their noises and rooms.

        Returns:
            `Material`.

        Raises:
            InputError: unknown split, a noise or the rooms are missing, or pyroomacoustics is not installed.

        Example:
            >>> material = Material.read("data/")  # needs recordings  # doctest: +SKIP
        """
        if split not in _PARTS:
            raise InputError(f"there is no split {split!r}; take one of {', '.join(_PARTS)}")
        recordings = {name: _read_part(data, name, *_PARTS[split]) for name in _RECORDED}
        measured = corpus.read_corpus(data, split).rooms
        rooms = [io.resample(room, corpus.SAMPLE_RATE, SAMPLE_RATE) for room in measured]
        return cls(recordings, [*rooms, *shoebox_rooms(_SHOEBOXES, int(split in corpus.TEST_SPLITS), SAMPLE_RATE)])

    def noise(self, name: str, samples: int, rng: np.random.Generator) -> np.ndarray:
        """A random segment of a noise.

        Coloured noises are new Gaussian noise without frequencies below 20 Hz; sirens are those of `siren`; the others
        are random segments of random recordings, which are repeated if they are short.

        Args:
            name: one of `NOISES`.
            samples: length of the segment.
            rng: NumPy generator.

        Returns:
            float32 (samples,) at rms 1.

        Raises:
            InputError: unknown name, or a noise without recordings.

        Example:
            >>> Material({}, []).noise("pink", 1000, np.random.default_rng(0)).shape
            (1000,)
        """
        if name in _COLOURS:
            noise = _without_rumble(mix.colored_noise(samples, _COLOURS[name], rng))
        elif name == "siren":
            noise = siren(samples, rng)
        elif self.recordings.get(name):
            noise = corpus.draw_noise(self.recordings[name], samples, rng)
        else:
            raise InputError(f"no noise {name!r} here; take one of {', '.join(NOISES)} and read the data for it")
        return (noise / max(mix.rms(noise), _SILENCE)).astype("float32")

    def room(self, rng: np.random.Generator) -> np.ndarray:
        """A random one of `rooms`, float32 (taps,).

        Raises:
            InputError: there is none.
        """
        if not self.rooms:
            raise InputError("no room responses here; read them by Material.read")
        return self.rooms[rng.integers(len(self.rooms))]


def training_share(path: str) -> float:
    """Share of a recording, from its start, that is for training: 0.6 for one that perturbations use, else 1.

    Args:
        path: of a recording, as in MANIFEST.csv.

    Returns:
        float, 0..1.

    Example:
        >>> training_share("noise/train/running_tap/1.flac"), training_share("noise/train/rain/1.flac")
        (0.6, 1.0)
    """
    shared = any({path, str(Path(path).parent)} & set(places) for places in _RECORDED.values())
    return _PARTS["train"][1] if shared else 1.0


def siren(samples: int, rng: np.random.Generator) -> np.ndarray:
    """A synthetic siren: a wail that sweeps up and down, or two alternating tones, with six harmonics of falling level.

    The wail sweeps between 500..700 and 1200..1600 Hz in 1..4 s; the tones are 400..500 Hz and a fourth above, each
    0.4..0.8 s long. The data contain no recording of a siren.

    Args:
        samples: length.
        rng: NumPy generator of the kind, its parameters and its start.

    Returns:
        float32 (samples,).

    Example:
        >>> siren(1000, np.random.default_rng(0)).shape
        (1000,)
    """
    time = np.arange(samples) / SAMPLE_RATE
    if rng.random() < 0.5:
        low, high, period = rng.uniform(500, 700), rng.uniform(1200, 1600), rng.uniform(1, 4)
        sweep = 0.5 - 0.5 * np.cos(2 * np.pi * (time / period + rng.random()))
        frequency = low * (high / low) ** sweep
    else:
        low, period = rng.uniform(400, 500), 2 * rng.uniform(0.4, 0.8)
        frequency = np.where((time / period + rng.random()) % 1 < 0.5, low, low * 4 / 3)
    phase = 2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE
    return sum(np.sin(k * phase) / k for k in range(1, 7)).astype("float32")


def _without_rumble(noise):
    spectrum = np.fft.rfft(noise)
    spectrum[np.fft.rfftfreq(len(noise), 1 / SAMPLE_RATE) < _AUDIBLE] = 0
    return np.fft.irfft(spectrum, len(noise))


def _read_part(data, name, start, end):
    """The recordings of a noise, cut from `start` to `end`, shares of their length."""
    parts = []
    for folder_or_file in _RECORDED[name]:
        path = Path(data) / folder_or_file
        for file in sorted(path / name for name in walk.recordings(path, depth=0)) if path.is_dir() else [path]:
            audio, _ = io.read(file, SAMPLE_RATE, resample=True)
            parts.append(audio[int(start * len(audio)) : int(end * len(audio))])
    if not parts:
        raise InputError(f"no recording of {name} in {data}: give {' or '.join(_RECORDED[name])}")
    return parts
