"""Music to train separators on, made once: songs as they are, MIDI songs rendered to stems, sung by sampled voices.

Every track is seeded by its name, made under a hidden name and renamed when whole: a run that was interrupted goes on
where it stopped. Imports no Keras backend: the processes that render import this module.
"""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import joblib
import numpy as np
from scipy import signal
from tqdm import tqdm

from zoo.audio import io, mix
from zoo.errors import InputError
from zoo.files import atomic_write
from zoo.separation import midi, sampler
from zoo.separation.tracks import SAMPLE_RATE, SOURCES, Track, find_tracks

VERSIONS = {"song": 1, "vocals": 1, "render": 2, "bass": 1, "drums": 1}  # of what tracks hold: another makes them anew
HELD_BACK = ("femalevoice_oo", "malevoice_aa")  # singers, and vocadito, that only test tracks have
TEST_SONG = "Software-Entwicklungskit - Rubidium"
KITS = (0, 8, 16, 24, 25, 32, 40)  # General MIDI's standard, room, power, electronic, TR-808, jazz and brush
SHIFTS = (-4, -2, 2, 4)  # semitones of the copies of a real song's vocals
FIELDS = ("name", "split", "kind", "seconds", *(f"{source}_seconds" for source in SOURCES), "licence")
# Levels of a rendered song's stems in dB relative to "other", drawn: the SoundFont's own drums are lost in the mixture.
# The real songs' vocals are at -1 to 3, drums at -7 to 13, bass, where they have some, at -3 to 16.
_BALANCE_DB = {"vocals": (-3, 3), "drums": (-4, 6), "bass": (-3, 6)}
_PEAK = 0.9
_LEVEL = 0.1  # rms of a track of one stem, while it sounds
_MINUTE = 60.0
FRAME = 4410  # samples in which a stem is found to sound or not
SINGERS = (
    "femalevoice_aa",
    "femalevoices_aa2",
    "femalevoices_oo2",
    "malevoice_oo",
    "malevoices_aa2",
    "malevoices_oo2",
)
# Keys of the performers' electronic kit that General MIDI has elsewhere: edges of hats and cymbals, a tom's rim.
_PAD_KEYS = {22: 42, 26: 46, 52: 57, 55: 49, 58: 43}


@dataclass(frozen=True)
class Recipe:
    """What tracks are made of: data folder, SoundFont, longest rendered song (s), seed."""

    data: str
    soundfont: str = midi.SOUNDFONT
    seconds: float = 80.0
    seed: int = 0

    @property
    def music(self):
        return Path(self.data) / "music"

    @property
    def ingredients(self):
        return self.music / "ingredients"


@dataclass(frozen=True)
class Job:
    """A track to make: its name, split, kind (a key of `MAKERS`), the file or folder that it is made of, and licence.

    Its number is, by kind: semitones of "vocals", the place among the others of "render", "bass" and "drums".
    """

    name: str
    split: str
    kind: str
    path: str
    licence: str
    number: int = 0


def plan(recipe, few=None):
    """The tracks of a data folder.

    Real songs: `TEST_SONG` and the played song are for test, the others for training, with four copies of their vocals
    in other keys and tempi. Three of these lack a bass stem, and a fourth has 19 s of it, because their low synth lies
    in "other": in training, that stem is high-passed at 250 Hz, so that it never teaches that bass is other.
    Of the sorted MIDI songs, every 12th is for test, with voices that training lacks, and every 24th for validation;
    all share one SoundFont. Sixty drum performances and twenty bass lines of MIDI songs are for training.

    Args:
        recipe: `Recipe`.
        few: at most so many tracks of each kind and split; None takes all.

    Returns:
        list of `Job`.

    Raises:
        InputError: the data lack something, or FluidSynth or the SoundFont is missing.

    Example:
        >>> names = [job.name for job in plan(Recipe("../shared/data"))]  # doctest: +SKIP
    """
    midi.require_fluidsynth(recipe.soundfont)
    if shutil.which("ffmpeg") is None:
        raise InputError("the program ffmpeg is missing; install it (Debian: ffmpeg)")
    licences, sounds = _manifest(recipe.music), f"sounds {Path(recipe.soundfont).name}"
    sung = f"notes BSD-3-Clause, {sounds}, voices CC-BY-3.0 and CC-BY-4.0"
    jobs = []
    for split in ("train", "test"):
        for track in find_tracks(recipe.music, split):
            licence = licences.get(f"{split}/{track.name}/vocals.ogg", ("not stated", 0))[0]
            place = "test" if track.name == TEST_SONG else split
            jobs.append(Job(track.name, place, "song", str(track.files["vocals"].parent), licence))
            if place == "train":
                path = str(track.files["vocals"])
                jobs += [Job(f"{track.name} vocals {s:+d}", place, "vocals", path, licence, s) for s in SHIFTS]
    songs = _files(recipe.ingredients / "midi" / "freedoom", "*.mid")
    for i, path in enumerate(songs):
        split = "test" if i % 12 == 5 else "validation" if i % 24 == 11 else "train"
        jobs.append(Job(path.stem, split, "render", str(path), sung, i // 12))
    trained = [songs[i] for i in range(len(songs)) if i % 12 not in (5, 11)][::3][:20]
    for i, path in enumerate(trained):
        jobs.append(Job(f"{path.stem} bass", "train", "bass", str(path), "notes BSD-3-Clause, samples CC0-1.0", i))
    played = _files(recipe.ingredients / "midi" / "groove", "*.mid")
    played.sort(key=lambda path: (-licences.get(f"ingredients/midi/groove/{path.name}", ("", 0))[1], path.name))
    for i, path in enumerate(played[:60]):
        jobs.append(Job(path.stem, "train", "drums", str(path), f"notes CC-BY-4.0, {sounds}", i))
    if few is not None:
        kinds = [(job.kind, job.split) for job in jobs]
        jobs = [job for i, job in enumerate(jobs) if kinds[:i].count(kinds[i]) < few]
    return jobs


def prepare(recipe, output, few=None, n_jobs=-1):
    """Make the tracks of `plan`, but for those that are there, and write `tracks.csv` about them.

    Args:
        recipe: `Recipe`.
        output: folder of `train/`, `validation/` and `test/`, of track folders with 16-bit stereo wav at 44.1 kHz.
        few: as for `plan`.
        n_jobs: processes (joblib's counting).

    Returns:
        list of the rows of `tracks.csv`, of all tracks that are there, dicts of `FIELDS`; `vocals_seconds` ... say how
        long a stem sounds, and are empty where the track lacks it.

    Raises:
        InputError: as `plan`.

    Example:
        >>> rows = prepare(Recipe("../shared/data"), "runs/music", few=1)  # doctest: +SKIP
    """
    jobs, output = plan(recipe, few), Path(output)
    todo = [job for job in jobs if _row(job, recipe, output) is None]
    tasks = (joblib.delayed(make)(job, recipe, output) for job in todo)
    done = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(tasks)
    for _ in tqdm(done, total=len(todo), desc="make tracks", disable=None if todo else True):
        pass
    rows = [json.loads(path.read_text())["row"] for path in sorted(output.glob("*/[!.]*/track.json"))]
    with atomic_write(output / "tracks.csv") as temporary, open(temporary, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    return rows


def make(job, recipe, output):
    """Make a track: `OUTPUT/SPLIT/NAME/SOURCE.wav`, whole or not at all, and `track.json` beside them.

    Example:
        >>> make(plan(recipe)[0], recipe, "runs/music")  # doctest: +SKIP
    """
    folder = Path(output) / job.split / job.name
    hidden = folder.with_name(f".{job.name}.tmp")
    shutil.rmtree(hidden, ignore_errors=True)  # of a run that was killed
    hidden.mkdir(parents=True)
    rng = np.random.default_rng([recipe.seed, int(hashlib.sha256(job.name.encode()).hexdigest()[:8], 16)])
    stems = MAKERS[job.kind](job, recipe, rng)
    row = {"name": job.name, "split": job.split, "kind": job.kind, "licence": job.licence}
    row["seconds"] = round(max(map(len, stems.values())) / SAMPLE_RATE, 2)
    for source, stem in stems.items():
        io.write(hidden / f"{source}.wav", stem, SAMPLE_RATE, subtype="PCM_16")
        row[f"{source}_seconds"] = round(0.1 * np.count_nonzero(_sounding(stem)), 1)
    (hidden / "track.json").write_text(json.dumps({"made": _digest(job, recipe), "row": row}, indent=1) + "\n")
    shutil.rmtree(folder, ignore_errors=True)  # made by another recipe
    os.replace(hidden, folder)


def high_pass(audio, hertz=250.0):
    """Remove what lies below a frequency, without delay (Butterworth of order 4, both ways).

    Args:
        audio: `(samples, channels)` at 44.1 kHz.
        hertz: where the gain is -6 dB.

    Returns:
        float32, as `audio`.

    Example:
        >>> clear = high_pass(np.ones((44100, 2)))
    """
    filtered = signal.sosfiltfilt(signal.butter(4, hertz, "high", fs=SAMPLE_RATE, output="sos"), audio, axis=0)
    return filtered.astype(np.float32)


def _song(job, recipe, rng):
    """A real song as it is; in training, one that (nearly) lacks a bass stem has its low synth in "other"."""
    stems = Track(job.name, {source: Path(job.path) / f"{source}.ogg" for source in SOURCES}).read()
    bass = np.mean(_sounding(stems["bass"]))
    if job.split == "train" and bass < 0.25:
        stems["other"] = high_pass(stems["other"])
    if job.split == "train" and bass == 0:
        del stems["bass"]
    gain = min(1.0, 0.99 / max(np.abs(stem).max() for stem in stems.values()))
    return {source: gain * stem for source, stem in stems.items()}


def _vocals(job, recipe, rng):
    """A real song's vocals in another key and tempo, silences cut to half a second."""
    shift, tempo, formant = 2 ** (job.number / 12), rng.uniform(0.9, 1.1), rng.choice(["shifted", "preserved"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vocals.wav"
        change = f"rubberband=pitch={shift:.6f}:tempo={tempo:.4f}:formant={formant}:pitchq=quality"
        options = ["-filter:a", change, "-ar", str(SAMPLE_RATE), "-c:a", "pcm_f32le"]
        command = ["ffmpeg", "-nostdin", "-v", "error", "-i", job.path, *options, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InputError(f"ffmpeg failed: {done.stderr.strip()}; install one with the filter rubberband")
        audio = io.read_channels(path).audio
    near = np.convolve(_sounding(audio), np.ones(5), "same") > 0
    kept = audio[np.repeat(near, FRAME)[: len(audio)]]
    return {"vocals": kept * min(1.0, 0.99 / np.abs(kept).max())}


def _render(job, recipe, rng):
    """A MIDI song's stems, and its melody sung in place of the instrument that has it; they sum to a peak of 0.9."""
    song = midi.read_song(job.path).window(recipe.seconds)
    line, replaced = midi.melody(song)
    instruments = [note for note in song.of("other") if note not in replaced]
    if len(instruments) < 0.3 * len(song.of("other")):  # the voice would be left without company: it doubles
        instruments = song.of("other")
    stems = {source: midi.synthesise(song, song.of(source), recipe.soundfont) for source in ("drums", "bass")}
    stems["other"] = midi.synthesise(song, instruments, recipe.soundfont)
    voice = _voice(job, recipe, line, len(stems["other"]), rng)
    if voice.any():
        room = [mix.decaying_room(rt60, rng.uniform(8, 16), SAMPLE_RATE, rng) for rt60 in [rng.uniform(0.5, 1.5)] * 2]
        voice = np.stack([mix.convolve_room(voice, side)[: len(voice)] for side in room], axis=1)
    else:
        voice = np.zeros_like(stems["other"])
    stems = {"vocals": voice, **stems}
    against = level(stems["other"]) or 0.1
    for source, balance in _BALANCE_DB.items():
        gain = against * 10 ** (rng.uniform(*balance) / 20)
        stems[source] = (stems[source] * gain / (level(stems[source]) or 1.0)).astype(np.float32)
    for stem in stems.values():
        stem[-SAMPLE_RATE // 2 :] *= np.linspace(1, 0, SAMPLE_RATE // 2, dtype=np.float32)[:, None]
    gain = _PEAK / max(np.abs(stem).max() for stem in [sum(stems.values()), *stems.values()])
    return {source: gain * stem for source, stem in stems.items()}


def _voice(job, recipe, line, samples, rng):
    """float32 (samples,): the line, sung by a voice of the split; test's first song, and one without a line, has
    vocadito's phrases instead."""
    if job.split == "test" and (not line or job.number == 0):
        phrases, sung, place = _phrases(recipe), np.zeros(samples, dtype=np.float32), 0
        while True:
            for phrase in phrases:
                place += int(rng.uniform(0.3, 2.0) * SAMPLE_RATE)
                if place + len(phrase) > samples:
                    return sung
                sung[place : place + len(phrase)] = phrase
                place += len(phrase)
    singer = HELD_BACK[job.number % 2] if job.split == "test" else str(rng.choice(SINGERS))
    sung = sampler.read_samples(_files(recipe.ingredients / "vocals" / "olpc_berklee", f"{singer}_*.mp3"))
    if line:  # by octaves to where the singer is at ease
        octaves = round((np.mean([note.pitch for note in sung]) - np.mean([note.pitch for note in line])) / 12)
        line = [replace(note, pitch=note.pitch + 12 * octaves) for note in line]
    return sampler.play(line, sung, samples, rng)


def _phrases(recipe):
    """Vocadito's clip, cut where it is silent for 0.3 s: list of float32 (samples,)."""
    audio, _ = io.read(recipe.ingredients / "vocals" / "vocadito" / "vocadito_1.flac", SAMPLE_RATE)
    loud = np.convolve(_sounding(audio[:, None]), np.ones(3), "same") > 0
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud, [0]]))).reshape(-1, 2)
    return [audio[FRAME * first : FRAME * last] for first, last in edges if last - first >= 8]


def _bass(job, recipe, rng):
    """A MIDI song's bass line played by recorded notes, in turn an electric bass (picked) and a plucked double bass."""
    notes = midi.read_song(job.path).of("bass")
    if not notes:
        raise InputError(f"{job.path}: has no bass line; leave it out")
    song = midi.Song(notes, (), max(note.end for note in notes)).window(_MINUTE)
    samples, folder = round((song.seconds + midi.TAIL) * SAMPLE_RATE), recipe.ingredients / "samples"
    if job.number % 2:
        plucked = sampler.read_samples(_files(folder / "meatbass", "*_pizz_*.ogg"))
        return {"bass": _one_level(sampler.play(song.notes, plucked, samples, rng))}
    touch, sound = rng.choice(["f", "p"]), np.zeros(samples, dtype=np.float32)
    for names, short in (("staccato_*.ogg", True), (f"sustain_*_{touch}_*.ogg", False)):
        picked = sampler.read_samples(_files(folder / "growlybass", names), octaves=-1)  # its names are written pitches
        part = [note for note in song.notes if (note.end - note.start < 0.15) == short]
        sound += sampler.play(part, picked, samples, rng)
    return {"bass": _one_level(sound)}


def _drums(job, recipe, rng):
    """A minute of a drum performance, on a kit that is drawn."""
    played = [
        midi.Note(note.start, note.end, _PAD_KEYS.get(note.pitch, note.pitch), note.velocity, 9, "drums")
        for note in midi.read_song(job.path).notes
    ]
    song = midi.Song(tuple(played), (), max(note.end for note in played)).window(_MINUTE)
    sound = midi.synthesise(song, song.notes, recipe.soundfont, kit=int(rng.choice(KITS)))
    return {"drums": _one_level(sound)}


MAKERS = {"song": _song, "vocals": _vocals, "render": _render, "bass": _bass, "drums": _drums}


def level(stem):
    """Rms of (samples, channels) over the tenths of a second in which it sounds (above -60 dBFS); 0 for silence.

    Example:
        >>> round(level(np.full((44100, 2), 0.5)), 2)
        0.5
    """
    sounding = np.repeat(_sounding(stem), FRAME)[: len(stem)]
    return float(mix.rms(stem[sounding].ravel())) if sounding.any() else 0.0


def _one_level(stem):
    """Stereo (samples, 2) of a mono or stereo stem, at rms 0.1 while it sounds, less where it would peak over 0.9."""
    stem = np.repeat(stem[:, None], 2, axis=1) if stem.ndim == 1 else stem
    return stem * min(_LEVEL / level(stem), _PEAK / np.abs(stem).max())


def _sounding(stem):
    """bool (frames,): which tenths of a second of (samples, channels) are above -60 dBFS; the last may be short."""
    padded = np.pad(stem, ((0, -len(stem) % FRAME), (0, 0)))
    return mix.rms(padded.reshape(-1, FRAME * stem.shape[1])) > 1e-3


def _digest(job, recipe):
    """What a track that is made again must agree in."""
    seconds = recipe.seconds if job.kind == "render" else None
    made = [VERSIONS[job.kind], job.kind, job.number, Path(recipe.soundfont).name, seconds, recipe.seed]
    return hashlib.sha256(repr(made).encode()).hexdigest()[:16]


def _row(job, recipe, output):
    """A finished track's row of `tracks.csv`, or None."""
    try:
        found = json.loads((output / job.split / job.name / "track.json").read_text())
    except FileNotFoundError:
        return None
    return found["row"] if found["made"] == _digest(job, recipe) else None


def _manifest(music):
    """{path: (licence, seconds)} of a data folder."""
    path = music / "MANIFEST.csv"
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the data folder (--data, ZOO_DATA)")
    with open(path, newline="") as file:
        return {row["path"]: (row["licence"], float(row["seconds"] or 0)) for row in csv.DictReader(file)}


def _files(folder, pattern):
    paths = sorted(folder.glob(pattern))
    if not paths:
        raise InputError(f"{folder} holds no {pattern}; give the data folder (--data, ZOO_DATA)")
    return paths
