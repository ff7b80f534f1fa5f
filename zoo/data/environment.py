"""Recordings of environmental sounds with their class: what classifiers of sounds are trained on."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.audio import io
from zoo.errors import InputError

SPLITS = ("train", "validation")
# Classes of one kind that have too few recordings each.
_MERGED = {
    "machine": ("air_conditioning", "computer_fan", "dough_machine", "electrical_hum", "fridge_hum", "furnace_pump")
    + ("letter_sorter", "oven_hum", "vending_machine_hum"),
    "street": ("city_traffic", "forest_highway", "street_cars", "street_tram_bus", "windy_street"),
    "wildlife": ("birds", "forest_ambience", "insects_night"),
}
_CLASS_OF = {name: merged for merged, names in _MERGED.items() for name in names}
_FEWEST = 3  # sources of a class: a network that knows one recording of a class knows the recording, not the class


@dataclass(frozen=True)
class LabelledRecording:
    """A recording, float32 (samples,), and the class of what is heard in it.

    Recordings of one `source` (an author, a place) sound alike; splits never share a source within a class.
    """

    label: str
    source: str
    audio: np.ndarray


def read_noise_classes(data, split, sample_rate, share=None):
    """Environmental sounds that `data`/MANIFEST.csv lists under noise/ and marks "train".

    Hums and machines are one class, so are streets, and birds and insects; a class that still has fewer than three
    sources is left out, because it could be validated only on what it was trained on. Of each class a quarter of the
    sources (whole authors, where the manifest names them) goes to validation.

    Args:
        data: folder of MANIFEST.csv (columns path, speaker_or_class, split, attribution) and the recordings.
        split: "train" or "validation".
        sample_rate: Hz to read at; other rates are resampled.
        share: function of a path, as the manifest has it, that says how much of the recording is read, from its start,
            0..1; None reads all. For recordings whose ends are kept for something else.

    Returns:
        list of `LabelledRecording`; both splits have the same classes.

    Raises:
        InputError: no manifest, an unknown split, an unreadable recording, or no class with three sources.

    Example:
        >>> recordings = read_noise_classes(data, "train", 16000)  # doctest: +SKIP
        >>> sorted({recording.label for recording in recordings})[:3]  # doctest: +SKIP
        ['baby_cry', 'clock_tick', 'dog_bark']
    """
    manifest = Path(data) / "MANIFEST.csv"
    if not manifest.is_file():
        raise InputError(f"no MANIFEST.csv in {data}: give the data folder by --data or ZOO_DATA")
    with open(manifest, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["path"].startswith("noise/") and row["split"] == "train"]
    listed = [
        (_label(row), _author(row), Path(data) / row["path"], share(row["path"]) if share else 1.0) for row in rows
    ]
    return _read(listed, split, sample_rate, manifest)


def read_dcase(folder, split, sample_rate):
    """Acoustic scenes in a folder of the shape of DCASE 2016 task 1 (TUT Acoustic scenes).

    Its meta.txt has a line "audio/NAME.wav<TAB>class" for each recording; further columns are not read. Files
    PLACE_START_END.wav are pieces of one source, PLACE. A quarter of the sources of each class goes to validation.
    Domestic audio (task 4) has folders of another shape.

    Args:
        folder: that holds meta.txt and audio/; stereo is averaged.
        split: "train" or "validation".
        sample_rate: Hz to read at; other rates are resampled.

    Returns:
        list of `LabelledRecording`; both splits have the same classes.

    Raises:
        InputError: no meta.txt, a line of another shape, an unknown split, an unreadable recording, or no class with
            three sources.

    Example:
        >>> read_dcase("TUT-acoustic-scenes-2016-development", "train", 22050)[0].label  # doctest: +SKIP
        'residential_area'
    """
    meta, listed = Path(folder) / "meta.txt", []
    if not meta.is_file():
        raise InputError(f"no meta.txt in {folder}: give the folder that holds it and audio/")
    for number, line in enumerate(meta.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        name, _, rest = line.partition("\t")
        label = rest.partition("\t")[0].strip()
        if not label:
            raise InputError(f'{meta} line {number}: write "audio/NAME.wav", a tab and the class')
        listed.append((label, re.sub(r"_\d+_\d+$", "", Path(name).stem), Path(folder) / name, 1.0))
    return _read(listed, split, sample_rate, meta)


def _label(row):
    return _CLASS_OF.get(row["speaker_or_class"], row["speaker_or_class"])


def _author(row):
    """Who recorded it, of 'AUTHOR, "TITLE", ADDRESS'; otherwise the file is a source of its own."""
    author, quoted, _ = row["attribution"].partition(', "')
    return author if quoted else row["path"]


def _read(listed, split, sample_rate, index):
    """The recordings of a split of [(label, source, path, share to read)], without classes of too few sources."""
    if split not in SPLITS:
        raise InputError(f"no split {split!r}: use {' or '.join(SPLITS)}")
    sources = {}
    for label, source, *_ in listed:
        sources.setdefault(label, set()).add(source)
    held = {label: set(sorted(found)[1::4]) for label, found in sources.items() if len(found) >= _FEWEST}
    if not held:
        raise InputError(f"{index} lists no class with {_FEWEST} sources or more: add recordings")
    return [
        LabelledRecording(label, source, _start(path, share, sample_rate))
        for label, source, path, share in listed
        if label in held and (source in held[label]) == (split == "validation")
    ]


def _start(path, share, sample_rate):
    audio, _ = io.read(path, sample_rate, resample=True, downmix=True)
    return audio[: int(share * len(audio))]
