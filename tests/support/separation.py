"""Songs of four synthetic stems, and small separators, for the tests of separation."""

import csv

import numpy as np

from zoo.audio import io
from zoo.separation.model import ChandnaSeparator
from zoo.separation.tracks import SAMPLE_RATE, SOURCES, find_tracks

SMALL = {"filters": 6, "across": 4, "hidden": 8, "scale": 0.01}


def stems(seed, seconds=1.0):
    """{source: float32 (samples, 2)}: a voice with vibrato, clicks, a low tone, a chord; the sides differ in level."""
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    low = rng.uniform(50, 90)
    audio = {
        "vocals": np.sin(2 * np.pi * rng.uniform(500, 800) * time + 5 * np.sin(2 * np.pi * 6 * time)),
        "drums": rng.standard_normal(time.size) * (time * 4 % 1 < 0.05),
        "bass": np.sin(2 * np.pi * low * time) + 0.3 * np.sin(4 * np.pi * low * time),
        "other": sum(np.sin(2 * np.pi * f * time) for f in rng.uniform(1500, 4000, 3)) / 2,
    }
    sides = rng.uniform(0.5, 1.0, (len(SOURCES), 2))
    return {source: (0.1 * audio[source][:, None] * side).astype("float32") for source, side in zip(SOURCES, sides)}


def write_song(folder, made):
    """A track folder of wav files."""
    folder.mkdir(parents=True)
    for source, audio in made.items():
        io.write(folder / f"{source}.wav", audio, SAMPLE_RATE)


def songs(folder, count=3, seconds=1.0):
    """A folder of train, validation and test songs, and its training and validation tracks."""
    for split, first in (("train", 0), ("validation", 100), ("test", 200)):
        for i in range(count if split == "train" else 1):
            write_song(folder / split / f"{split} {i}", stems(first + i, seconds))
    return find_tracks(folder, "train"), find_tracks(folder, "validation")


def separator(**options):
    return ChandnaSeparator(**SMALL | options)


def held_back_songs(folder):
    """A tree whose test songs are one song, one without a voice, and a render; gives its folder."""
    songs(folder, count=1, seconds=0.2)
    sources = stems(5, 2.0)
    write_song(folder / "test" / "silent voice", sources | {"vocals": 0 * sources["vocals"]})
    write_song(folder / "test" / "render", stems(6, 2.0))
    with open(folder / "tracks.csv", "w", newline="") as file:
        csv.writer(file).writerows([["name", "kind"], ["render", "render"], ["silent voice", "song"]])
    return folder
