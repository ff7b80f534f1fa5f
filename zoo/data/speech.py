"""The recordings that examples are drawn from: speech by talker, noise and rooms, in splits that share no talker."""

import csv
import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from zoo.audio import mix
from zoo.errors import InputError

SAMPLE_RATE = 16000
SPLITS = ("train", "validation", "test")
# Held back from training for validation: a tenth of the talkers, these noise classes; for the test: these rooms.
_VALIDATION_TALKERS = 10
_VALIDATION_NOISES = {"baby_cry", "computer_fan", "kitchen_dishes", "street_tram_bus"}
_TEST_ROOMS = {"openair_jack_lyons_hall.flac", "seminar_room_clap.flac"}


@dataclass(frozen=True)
class Corpus:
    """Recordings of one split: speech as {talker: [clips]}, noise and rooms as lists; float32 at 16 kHz."""

    speech: dict
    noise: list
    rooms: list


@functools.lru_cache(maxsize=1)  # a worker process reads it once, not once a chunk
def read_corpus(data, split):
    """Read the recordings of a split that `data`/MANIFEST.csv lists in its columns path, speaker_or_class and split.

    Paths begin with speech/, noise/ or rir/. Of the rows marked "train", a tenth of the talkers and some noise classes
    go to validation, as do rows marked "validation". Validation shares the training's rooms; those of the test are
    marked "test", or some by name.

    Raises:
        InputError: no manifest, another sample rate, or nothing of a kind in the split.
    """
    manifest = Path(data) / "MANIFEST.csv"
    if not manifest.is_file():
        raise InputError(f"no MANIFEST.csv in {data}: give the data folder by --data or ZOO_DATA")
    with open(manifest, newline="") as file:
        rows = list(csv.DictReader(file))
    talkers = sorted({row["speaker_or_class"] for row in rows if row["path"].startswith("speech/train")})
    held_talkers = set(talkers[::_VALIDATION_TALKERS])
    corpus = Corpus({}, [], [])
    for row in rows:
        folder, name = row["path"].split("/")[0], row["speaker_or_class"]
        if folder == "rir":
            of_test = row["split"] == "test" or Path(row["path"]).name in _TEST_ROOMS
            if of_test == (split == "test"):
                corpus.rooms.append(_read(data, row))
            continue
        held = name in (held_talkers if folder == "speech" else _VALIDATION_NOISES)
        if folder not in ("speech", "noise") or split != _split_of(row["split"], held):
            continue
        if folder == "speech":
            corpus.speech.setdefault(name, []).append(_read(data, row))
        else:
            corpus.noise.append(_read(data, row))
    for kind, found in (("speech", corpus.speech), ("noise", corpus.noise), ("rir", corpus.rooms)):
        if not found:
            raise InputError(f"{manifest} lists no {kind}/ for the {split} split: mark some rows of it so")
    return corpus


def _split_of(manifest_split, held):
    return "validation" if manifest_split == "train" and held else manifest_split


def _read(data, row):
    audio, rate = soundfile.read(Path(data) / row["path"], dtype="float32")
    if rate != SAMPLE_RATE:
        raise InputError(f"{row['path']} is at {rate} Hz; the corpus must be at {SAMPLE_RATE} Hz")
    return audio


def draw_speech(speech, samples, level_db, rng):
    """A stretch of a random talker's clip that is at least half as loud as the clip.

    Args:
        speech: {talker: [clips]}, float32 at 16 kHz.
        samples: length of the stretch.
        level_db: (lowest, highest) rms of the stretch in dB re full scale; it is drawn between.
        rng: NumPy generator.

    Returns:
        float32 (samples,).

    Raises:
        InputError: hardly any clip is long enough.
    """
    talkers = list(speech)
    for _ in range(1000):
        clips = speech[talkers[rng.integers(len(talkers))]]
        clip = clips[rng.integers(len(clips))]
        if len(clip) < samples:
            continue
        start = rng.integers(len(clip) - samples + 1)
        stretch = clip[start : start + samples]
        if mix.rms(stretch) > max(0.5 * mix.rms(clip), 1e-4):
            return (stretch * 10 ** (rng.uniform(*level_db) / 20) / mix.rms(stretch)).astype("float32")
    raise InputError(f"hardly any speech is {samples / SAMPLE_RATE:g} s long or more: add longer recordings")


def draw_noise(recordings, samples, rng, rms=None):
    """A stretch of a random recording that is not mostly silence (door slams, barks), looped where it is short.

    The last of 5 tries is taken as it is.

    Args:
        recordings: list of float32 (samples,).
        samples: length of the stretch.
        rng: NumPy generator.
        rms: of each recording, for a caller that draws often; None measures that of the drawn one.

    Returns:
        float32 (samples,).
    """
    drawn = rng.integers(len(recordings))
    level = mix.rms(recordings[drawn]) if rms is None else rms[drawn]
    for _ in range(5):
        stretch = mix.loop_to(recordings[drawn], samples, rng)
        if mix.rms(stretch) > 0.3 * level:
            break
    return stretch


def draw_noise_at_speed(recordings, samples, speeds, rng, rms=None):
    """`draw_noise` played at a random speed, by straight lines between samples.

    Args:
        recordings, samples, rng, rms: as for `draw_noise`.
        speeds: (slowest, fastest), drawn evenly in octaves between.

    Returns:
        float64 (samples,).
    """
    speed = np.exp(rng.uniform(*np.log(speeds)))
    stretch = draw_noise(recordings, int(samples * speed) + 2, rng, rms)
    return np.interp(np.arange(samples) * speed, np.arange(len(stretch), dtype=float), stretch)
