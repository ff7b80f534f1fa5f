"""Music to train separators on: songs as they are, MIDI songs rendered to stems, sung by sampled voices.

Every track is seeded by its name, written under a hidden name and renamed when complete, so that an interrupted run
continues where it stopped. Imports no Keras backend: the processes that render import this module.
"""

import csv
import hashlib
import json
import os
import shutil
from pathlib import Path

import joblib
import numpy as np
from tqdm import tqdm

from zoo.audio import io
from zoo.base.files import atomic_write
from zoo.data.manifest import read_manifest
from zoo.errors import InputError
from zoo.separation import fluidsynth, production
from zoo.separation.stems import MAKERS, Job, Recipe, list_files, sounding_frames
from zoo.separation.tracks import FACTS, SAMPLE_RATE, SOURCES, find_tracks

# By kind of track; a track that was rendered with another version is rendered again.
VERSIONS = {"song": 1, "vocals": 1, "render": 3, "bass": 2, "drums": 2}
TEST_SONG = "Software-Entwicklungskit - Rubidium"
SHIFTS = (-3, 3)  # semitones of the copies of a real song's vocals
FIELDS = ("name", "split", "kind", "seconds", *(f"{source}_seconds" for source in SOURCES), "licence")


def plan(recipe: Recipe, few: int | None = None) -> list[Job]:
    """The tracks to render from a data folder.

    Real songs: `TEST_SONG` and those under test/ are for test, the others for training, with two copies of their
    vocals in other keys and tempi. Three of these have no bass stem, and a fourth has 19 s of it, because their low
    synth is in "other": in training, that stem is high-passed at 250 Hz, so that no bass is labelled "other".
    Of the sorted MIDI songs, every 12th is for test, with instruments and voices that training does not have, and every
    24th for validation; those for training are rendered `recipe.takes` times. Sixty drum performances and twenty bass
    lines of MIDI songs are for training.

    Args:
        recipe: `Recipe`.
        few: at most so many tracks of each kind and split; None takes all.

    Returns:
        list of `Job`.

    Raises:
        InputError: the data folder is incomplete, or FluidSynth, a SoundFont, pedalboard or ffmpeg is missing.

    Example:
        >>> names = [job.name for job in plan(Recipe("data/"))]  # needs music  # doctest: +SKIP
    """
    for soundfont in (*recipe.soundfonts, *recipe.test_soundfonts, *recipe.kits, *recipe.test_kits):
        fluidsynth.require_fluidsynth(soundfont)
    production.require_pedalboard()
    if shutil.which("ffmpeg") is None:
        raise InputError("the program ffmpeg is missing; install it (Debian: ffmpeg)")
    licences, jobs = _licences(recipe.music), []
    for split in ("train", "test"):
        for track in find_tracks(recipe.music, split):
            licence = licences.get(f"{split}/{track.name}/vocals.ogg", ("not stated", 0))[0]
            place = "test" if track.name == TEST_SONG else split
            jobs.append(Job(track.name, place, "song", str(track.files["vocals"].parent), licence))
            if place == "train":
                path = str(track.files["vocals"])
                jobs += [Job(f"{track.name} vocals {s:+d}", place, "vocals", path, licence, s) for s in SHIFTS]
    songs = list_files(recipe.ingredients / "midi" / "freedoom", "*.mid")
    for i, path in enumerate(songs):
        split = "test" if i % 12 == 5 else "validation" if i % 24 == 11 else "train"
        for take in range(recipe.takes if split == "train" else 1):
            name = f"{path.stem} {take + 1}" if take else path.stem
            sounds, named = _sounds(recipe, split, i + take)
            licence = f"notes BSD-3-Clause, {named}, voices CC-BY-3.0 and CC-BY-4.0"
            jobs.append(Job(name, split, "render", str(path), licence, i // 12, *sounds))
    trained = [songs[i] for i in range(len(songs)) if i % 12 not in (5, 11)][::3][:20]
    for i, path in enumerate(trained):
        jobs.append(Job(f"{path.stem} bass", "train", "bass", str(path), "notes BSD-3-Clause, samples CC0-1.0", i))
    played = list_files(recipe.ingredients / "midi" / "groove", "*.mid")
    played.sort(key=lambda path: (-licences.get(f"ingredients/midi/groove/{path.name}", ("", 0))[1], path.name))
    for i, path in enumerate(played[:60]):
        sounds, named = _sounds(recipe, "train", i)
        jobs.append(Job(path.stem, "train", "drums", str(path), f"notes CC-BY-4.0, {named}", i, *sounds))
    if few is not None:
        kinds = [(job.kind, job.split) for job in jobs]
        jobs = [job for i, job in enumerate(jobs) if kinds[:i].count(kinds[i]) < few]
    return jobs


def _sounds(recipe, split, number):
    """(SoundFont, drum kit) of a song, in turn, the kit "" for every other one; and both in words."""
    fonts, kits = recipe.soundfonts, recipe.kits
    if split == "test":
        fonts, kits = recipe.test_soundfonts, recipe.test_kits
    sounds = fonts[number // 2 % len(fonts)], kits[number // 2 % len(kits)] if kits and number % 2 else ""
    return sounds, "sounds " + " and ".join(Path(path).name for path in sounds if path)


def prepare(recipe: Recipe, output: Path | str, few: int | None = None, n_jobs: int = -1) -> list[dict]:
    """Render the tracks of `plan` that are not there yet, and list all of them in `tracks.csv`.

    Args:
        recipe: `Recipe`.
        output: folder of `train/`, `validation/` and `test/`, of track folders with 16-bit stereo wav at 44.1 kHz.
        few: as for `plan`.
        n_jobs: processes (joblib's counting).

    Returns:
        list of the rows of `tracks.csv`, one for each track in the folder, dicts of `FIELDS`; `vocals_seconds` and the
        like are how long a stem sounds, absent for a stem that the track does not have.

    Raises:
        InputError: as for `plan`.

    Example:
        >>> rows = prepare(Recipe("data/"), "runs/music", few=1)  # needs music  # doctest: +SKIP
    """
    jobs, output = plan(recipe, few), Path(output)
    todo = [job for job in jobs if _row(job, recipe, output) is None]
    tasks = (joblib.delayed(make)(job, recipe, output) for job in todo)
    done = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(tasks)
    for _ in tqdm(done, total=len(todo), desc="make tracks", disable=None if todo else True):
        pass
    rows = [json.loads(path.read_text())["row"] for path in sorted(output.glob(f"*/[!.]*/{FACTS}"))]
    with atomic_write(output / "tracks.csv") as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    return rows


def make(job: Job, recipe: Recipe, output: Path | str) -> None:
    """Render a track to `OUTPUT/SPLIT/NAME/SOURCE.wav`, with a `track.json` beside them, all or nothing.

    Args:
        job: `Job`, one of `plan`.
        recipe: `Recipe`.
        output: folder, as for `prepare`.

    Raises:
        InputError: a recording of the track is missing or cannot be read.

    Example:
        >>> make(plan(recipe)[0], recipe, "runs/music")  # needs music  # doctest: +SKIP
    """
    folder = Path(output) / job.split / job.name
    hidden = folder.with_name(f".{job.name}.tmp")
    shutil.rmtree(hidden, ignore_errors=True)  # left by an interrupted run
    hidden.mkdir(parents=True)
    rng = np.random.default_rng([recipe.seed, int(hashlib.sha256(job.name.encode()).hexdigest()[:8], 16)])
    stems = MAKERS[job.kind](job, recipe, rng)
    row = {"name": job.name, "split": job.split, "kind": job.kind, "licence": job.licence}
    row["seconds"] = round(max(map(len, stems.values())) / SAMPLE_RATE, 2)
    for source, stem in stems.items():
        io.write(hidden / f"{source}.wav", stem, SAMPLE_RATE, subtype="PCM_16")
        row[f"{source}_seconds"] = round(0.1 * np.count_nonzero(sounding_frames(stem)), 1)
    (hidden / FACTS).write_text(json.dumps({"made": _digest(job, recipe), "row": row}, indent=1) + "\n")
    shutil.rmtree(folder, ignore_errors=True)  # of another recipe
    os.replace(hidden, folder)


def _digest(job, recipe):
    """Digest of what a track depends on: a stored track of another digest is rendered again."""
    seconds = recipe.seconds if job.kind == "render" else None
    sounds = [Path(path).name for path in (job.soundfont, job.kit)]
    facts = [VERSIONS[job.kind], job.kind, job.number, sounds, seconds, recipe.seed]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def _row(job, recipe, output):
    """Row of `tracks.csv` of a finished track, or None."""
    try:
        stored = json.loads((output / job.split / job.name / FACTS).read_text())
    except FileNotFoundError:
        return None
    return stored["row"] if stored["made"] == _digest(job, recipe) else None


def _licences(music):
    """{path: (licence, seconds)} of the recordings of a music folder."""
    return {row["path"]: (row["licence"], float(row["seconds"] or 0)) for row in read_manifest(music)}
