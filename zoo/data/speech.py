"""Speech by talker, noise and room responses, in splits that share no talker; random segments of them."""

import functools
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.audio import io, mix
from zoo.data.manifest import read_manifest
from zoo.errors import InputError

SAMPLE_RATE = 16000
SPLITS = ("train", "validation", "test", "test2")  # draws are seeded by the place in it: append, never reorder
TEST_SPLITS = ("test", "test2")  # the second has other talkers, languages and noise; both share the rooms
# Not for training: these talkers of LibriSpeech, a tenth of the others and these noise classes, for validation; these
# rooms, for the tests. No rule depends on what else is in the manifest, so that a talker stays where it is.
_VALIDATION_LIBRI = {
    "103", "1235", "1553", "1898", "201", "233", "26", "2911", "3214", "3486", "3879", "4088", "4362",
    "4640", "5049", "5652", "60", "6272", "669", "7113", "7402", "7859", "83", "8609", "8975",
}  # fmt: skip
_VALIDATION_HASH = (10, 2)  # the remainder, by a tenth, of the names' CRC-32
_VALIDATION_NOISES = {"baby_cry", "computer_fan", "kitchen_dishes", "street_tram_bus"}
_TEST_ROOMS = {"openair_jack_lyons_hall.flac", "seminar_room_clap.flac"}


@dataclass(frozen=True)
class Corpus:
    """Recordings of one split, float32 at 16 kHz.

    Attributes:
        speech: {talker: [(samples,)]}.
        noise: list of (samples,).
        rooms: list of impulse responses (taps,).
    """

    speech: dict
    noise: list
    rooms: list


@functools.lru_cache(maxsize=1)  # a worker process reads it once, not once for each chunk
def read_corpus(data: Path | str, split: str) -> Corpus:
    """Read the speech, noise and room responses of a split.

    Of the rows marked "train", about a tenth of the talkers, by their names, and some noise classes go to validation,
    as do rows marked "validation". Training and validation share their rooms, as do the two tests; those of the tests
    are marked "test", or listed here.

    Args:
        data: folder of MANIFEST.csv (columns path, speaker_or_class, split) and the recordings, at 16 kHz; paths begin
            with speech/, noise/ or rir/.
        split: "train", "validation", "test" or "test2".

    Returns:
        `Corpus`, with at least one recording of each kind.

    Raises:
        InputError: no manifest, another sample rate, or no recording of a kind in the split.

    Example:
        >>> corpus = read_corpus("data/", "train")  # needs recordings  # doctest: +SKIP
    """
    rows = read_manifest(data)
    corpus = Corpus({}, [], [])
    for row in rows:
        folder, name = row["path"].split("/")[0], row["speaker_or_class"]
        if folder == "rir":
            for_test = row["split"] == "test" or Path(row["path"]).name in _TEST_ROOMS
            if for_test == (split in TEST_SPLITS):
                corpus.rooms.append(_read(data, row))
            continue
        for_validation = _validates(name) if folder == "speech" else name in _VALIDATION_NOISES
        if folder not in ("speech", "noise") or split != _split_of(row["split"], for_validation):
            continue
        if folder == "speech":
            corpus.speech.setdefault(name, []).append(_read(data, row))
        else:
            corpus.noise.append(_read(data, row))
    for kind, recordings in (("speech", corpus.speech), ("noise", corpus.noise), ("rir", corpus.rooms)):
        if not recordings:
            raise InputError(
                f"{Path(data) / 'MANIFEST.csv'} lists no {kind}/ for the {split} split: mark some rows of it so"
            )
    return corpus


def _validates(talker):
    """Whether a talker of the training rows is for validation instead, by the name alone."""
    corpus, _, number = talker.partition("_")
    if corpus == "libri":
        return number in _VALIDATION_LIBRI
    parts, remainder = _VALIDATION_HASH
    return zlib.crc32(talker.encode()) % parts == remainder


def _split_of(manifest_split, for_validation):
    return "validation" if manifest_split == "train" and for_validation else manifest_split


def _read(data, row):
    return io.read(Path(data) / row["path"], SAMPLE_RATE)[0]


def draw_speech(
    speech: dict[str, list[np.ndarray]], samples: int, level_db: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """A random segment of a random talker's clip that is at least half as loud as the clip.

    Args:
        speech: {talker: [clips]}, float32 at 16 kHz.
        samples: length of the segment.
        level_db: (lowest, highest) rms of the segment in dB re full scale; it is drawn uniformly between them.
        rng: NumPy generator.

    Returns:
        float32 (samples,).

    Raises:
        InputError: hardly any clip is long enough.

    Example:
        >>> speech = {"f1": [np.random.randn(16000)]}
        >>> segment = draw_speech(speech, 8000, (-26, -26), np.random.default_rng(0))
        >>> segment.shape, round(20 * np.log10(mix.rms(segment)))
        ((8000,), -26)
    """
    talkers = list(speech)
    for _ in range(1000):
        clips = speech[talkers[rng.integers(len(talkers))]]
        clip = clips[rng.integers(len(clips))]
        if len(clip) < samples:
            continue
        start = rng.integers(len(clip) - samples + 1)
        segment = clip[start : start + samples]
        if mix.rms(segment) > max(0.5 * mix.rms(clip), 1e-4):
            return (segment * 10 ** (rng.uniform(*level_db) / 20) / mix.rms(segment)).astype("float32")
    raise InputError(f"hardly any speech is {samples / SAMPLE_RATE:g} s long or more: add longer recordings")


def draw_noise(
    recordings: list[np.ndarray], samples: int, rng: np.random.Generator, rms: list[float] | None = None
) -> np.ndarray:
    """A random segment of a random recording, which is looped if it is short.

    A segment that is mostly silence, as between barks or door slams, is drawn again, up to four times.

    Args:
        recordings: list of float32 (samples,).
        samples: length of the segment.
        rng: NumPy generator.
        rms: list of the rms of each recording, which a caller that draws often measures once; None to measure here.

    Returns:
        float32 (samples,).

    Example:
        >>> draw_noise([np.random.randn(1000)], 3000, np.random.default_rng(0)).shape
        (3000,)
    """
    choice = rng.integers(len(recordings))
    level = mix.rms(recordings[choice]) if rms is None else rms[choice]
    for _ in range(5):
        segment = mix.loop_to(recordings[choice], samples, rng)
        if mix.rms(segment) > 0.3 * level:
            break
    return segment


def draw_noise_at_speed(
    recordings: list[np.ndarray],
    samples: int,
    speeds: tuple[float, float],
    rng: np.random.Generator,
    rms: list[float] | None = None,
) -> np.ndarray:
    """`draw_noise` played at a random speed, by linear interpolation between samples.

    Args:
        recordings, samples, rng, rms: as for `draw_noise`.
        speeds: (slowest, fastest), as factors; the logarithm of the speed is uniform between them.

    Returns:
        float64 (samples,).

    Example:
        >>> draw_noise_at_speed([np.random.randn(1000)], 3000, (0.5, 2.0), np.random.default_rng(0)).shape
        (3000,)
    """
    speed = np.exp(rng.uniform(*np.log(speeds)))
    segment = draw_noise(recordings, int(samples * speed) + 2, rng, rms)
    return np.interp(np.arange(samples) * speed, np.arange(len(segment), dtype=float), segment)
