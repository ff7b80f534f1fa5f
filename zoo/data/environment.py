"""Labelled recordings of environmental sounds, to train classifiers of sounds on."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.audio import io
from zoo.data.manifest import read_manifest
from zoo.errors import InputError

SPLITS = ("train", "validation")
# Classes with too few recordings each that are merged to one.
_MERGED = {
    "machine": ("air_conditioning", "computer_fan", "dough_machine", "electrical_hum", "fridge_hum", "furnace_pump")
    + ("letter_sorter", "oven_hum", "vending_machine_hum"),
    "street": ("city_traffic", "forest_highway", "street_cars", "street_tram_bus", "windy_street"),
    "wildlife": ("birds", "forest_ambience", "insects_night"),
}
_CLASS_OF = {name: merged for merged, names in _MERGED.items() for name in names}
_MIN_SOURCES = 3  # of a class; from fewer a network learns the recordings, not the class


@dataclass(frozen=True)
class LabelledRecording:
    """A recording with its class.

    Attributes:
        label: name of the class.
        source: author or place. Recordings of one source sound alike, so splits share no source within a class.
        audio: float32 (samples,).
    """

    label: str
    source: str
    audio: np.ndarray


def read_noise_classes(
    data: Path | str, split: str, sample_rate: int, share: Callable[[str], float] | None = None
) -> list[LabelledRecording]:
    """Environmental sounds that `data`/MANIFEST.csv lists under noise/ and marks "train".

    Hums and machines are merged to one class, as are streets, and birds and insects. A class with fewer than three
    sources is left out, because it could not be validated on other sources than it was trained on. A quarter of the
    sources of each class (authors, where the manifest names them) goes to validation.

    Args:
        data: folder of MANIFEST.csv (columns path, speaker_or_class, split, attribution) and the recordings.
        split: "train" or "validation".
        sample_rate: Hz; recordings at other rates are resampled.
        share: function of a path in the manifest to the share of the recording that is read, from its start, 0..1;
            None reads all. For recordings whose ends are reserved for another split.

    Returns:
        list of `LabelledRecording`; both splits have the same classes.

    Raises:
        InputError: no manifest, an unknown split, an unreadable recording, or no class with three sources.

    Example:
        >>> recordings = read_noise_classes("data/", "train", 16000)  # needs recordings  # doctest: +SKIP
    """
    rows = [row for row in read_manifest(data) if row["path"].startswith("noise/") and row["split"] == "train"]
    listed = [
        (_label(row), _author(row), Path(data) / row["path"], share(row["path"]) if share else 1.0) for row in rows
    ]
    return _read(listed, split, sample_rate, Path(data) / "MANIFEST.csv")


def read_dcase(folder: Path | str, split: str, sample_rate: int) -> list[LabelledRecording]:
    """Acoustic scenes in a folder laid out as DCASE 2016 task 1 (TUT Acoustic scenes).

    Its meta.txt has a line "audio/NAME.wav<TAB>class" for each recording; further columns are ignored. Files
    PLACE_START_END.wav are parts of one source, PLACE. A quarter of the sources of each class goes to validation.
    The layout of domestic audio (task 4) is another one and cannot be read.

    Args:
        folder: folder of meta.txt and audio/; stereo recordings are downmixed.
        split: "train" or "validation".
        sample_rate: Hz; recordings at other rates are resampled.

    Returns:
        list of `LabelledRecording`; both splits have the same classes.

    Raises:
        InputError: no meta.txt, a line of another form, an unknown split, an unreadable recording, or no class with
            three sources.

    Example:
        >>> recordings = read_dcase("TUT-2016/", "train", 22050)  # needs recordings  # doctest: +SKIP
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
    """Author of an attribution 'AUTHOR, "TITLE", ADDRESS'; otherwise the path: the file is a source of its own."""
    author, quoted, _ = row["attribution"].partition(', "')
    return author if quoted else row["path"]


def _read(listed, split, sample_rate, index):
    """Recordings of a split of [(label, source, path, share to read)], without classes of too few sources."""
    if split not in SPLITS:
        raise InputError(f"no split {split!r}: use {' or '.join(SPLITS)}")
    sources = {}
    for label, source, *_ in listed:
        sources.setdefault(label, set()).add(source)
    validation = {label: set(sorted(names)[1::4]) for label, names in sources.items() if len(names) >= _MIN_SOURCES}
    if not validation:
        raise InputError(f"{index} lists no class with {_MIN_SOURCES} sources or more: add recordings")
    return [
        LabelledRecording(label, source, _start(path, share, sample_rate))
        for label, source, path, share in listed
        if label in validation and (source in validation[label]) == (split == "validation")
    ]


def _start(path, share, sample_rate):
    audio, _ = io.read(path, sample_rate, resample=True, downmix=True)
    return audio[: int(share * len(audio))]
