"""Stems of each kind of track to train on: real songs, shifted vocals, rendered MIDI songs, bass lines, drums.

Imports no Keras backend: the processes that render import this module.
"""

import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import signal

from zoo.audio import io, mix
from zoo.errors import InputError
from zoo.separation import fluidsynth, midi, production, sampler
from zoo.separation.tracks import SAMPLE_RATE, SOURCES, Track

HELD_BACK = ("femalevoice_oo", "malevoice_aa")  # singers that only test tracks have, as they have vocadito
SINGERS = (
    "femalevoice_aa",
    "femalevoices_aa2",
    "femalevoices_oo2",
    "malevoice_oo",
    "malevoices_aa2",
    "malevoices_oo2",
)
KITS = (0, 8, 16, 24, 25, 32, 40)  # General MIDI's standard, room, power, electronic, TR-808, jazz and brush
# Levels of a rendered song's stems in dB relative to "other", drawn from these ranges: at the SoundFont's own level the
# drums are inaudible in the mixture. In the real songs vocals are at -1 to 3 dB, drums at -7 to 13, bass at -3 to 16.
_BALANCE_DB = {"vocals": (-3, 3), "drums": (-4, 6), "bass": (-3, 6)}
_PEAK = 0.9
_LEVEL = 0.1  # rms of a track of one stem, where it sounds
_MINUTE = 60.0
FRAME = 4410  # samples, a tenth of a second: the unit in which a stem sounds or is silent
# Keys of the performers' electronic kit that General MIDI has elsewhere: edges of hats and cymbals, a tom's rim.
_PAD_KEYS = {22: 42, 26: 46, 52: 57, 55: 49, 58: 43}


@dataclass(frozen=True)
class Recipe:
    """Settings of all tracks.

    Attributes:
        data: data folder, with music/.
        soundfonts, test_soundfonts: paths of General MIDI SoundFonts, which play songs in turn: those of training and
            validation, and those of test songs.
        kits, test_kits: paths of SoundFonts of one drum kit each, which play the drums of every other song.
        takes: how often each MIDI song is rendered for training, each time with other sounds.
        seconds: longest rendered song.
        seed: of all random choices.
    """

    data: str
    soundfonts: tuple[str, ...] = fluidsynth.SOUNDFONTS
    test_soundfonts: tuple[str, ...] = fluidsynth.TEST_SOUNDFONTS
    kits: tuple[str, ...] = fluidsynth.KITS
    test_kits: tuple[str, ...] = fluidsynth.TEST_KITS
    takes: int = 2
    seconds: float = 80.0
    seed: int = 0

    @property
    def music(self) -> Path:
        """Folder of the real songs, with their MANIFEST.csv."""
        return Path(self.data) / "music"

    @property
    def ingredients(self) -> Path:
        """Folder of MIDI songs, voices and samples."""
        return self.music / "ingredients"


@dataclass(frozen=True)
class Job:
    """A track to render.

    Attributes:
        name: of the track; it seeds the random choices.
        split: "train", "validation" or "test".
        kind: a key of `MAKERS`.
        path: file or folder that the track comes from.
        licence: of the result.
        number: for "vocals", the semitones of the shift; for "render", "bass" and "drums", the index among their kind.
        soundfont: path of the General MIDI SoundFont that plays it.
        kit: path of the SoundFont of a drum kit that plays its drums; "" for the kits of `soundfont`.
    """

    name: str
    split: str
    kind: str
    path: str
    licence: str
    number: int = 0
    soundfont: str = ""
    kit: str = ""


def high_pass(audio: np.ndarray, hertz: float = 250.0) -> np.ndarray:
    """Remove frequencies below a cut-off, without delay (Butterworth of order 4, forwards and backwards).

    Args:
        audio: `(samples, channels)` at 44.1 kHz.
        hertz: cut-off in Hz, where the gain is -6 dB.

    Returns:
        float32, in the shape of `audio`.

    Example:
        >>> bool(np.abs(high_pass(np.ones((44100, 2)))).max() < 1e-3)  # a constant has no high frequencies
        True
    """
    filtered = signal.sosfiltfilt(signal.butter(4, hertz, "high", fs=SAMPLE_RATE, output="sos"), audio, axis=0)
    return filtered.astype(np.float32)


def _song(job, recipe, rng):
    """A real song, unchanged but for "other" in training songs with (nearly) no bass stem: it contains the low synth."""
    stems = Track(job.name, {source: Path(job.path) / f"{source}.ogg" for source in SOURCES}).read()
    bass = np.mean(sounding_frames(stems["bass"]))
    if job.split == "train" and bass < 0.25:
        stems["other"] = high_pass(stems["other"])
    if job.split == "train" and bass == 0:
        del stems["bass"]
    gain = min(1.0, 0.99 / max(np.abs(stem).max() for stem in stems.values()))
    return {source: gain * stem for source, stem in stems.items()}


def _vocals(job, recipe, rng):
    """The vocals of a real song in another key and tempo, with pauses shortened to half a second."""
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
    sung = np.convolve(sounding_frames(audio), np.ones(5), "same") > 0
    vocals = audio[np.repeat(sung, FRAME)[: len(audio)]]
    return {"vocals": vocals * min(1.0, 0.99 / np.abs(vocals).max())}


def _render(job, recipe, rng):
    """The stems of a MIDI song, its melody sung in place of the instrument that plays it; the mixture peaks at 0.9."""
    song = midi.read_song(job.path).window(recipe.seconds)
    line, replaced = midi.melody(song)
    instruments = [note for note in song.of("other") if note not in replaced]
    if len(instruments) < 0.3 * len(song.of("other")):  # the voice would be nearly alone: it doubles the instruments
        instruments = song.of("other")
    stems = {"bass": fluidsynth.synthesise(song, song.of("bass"), job.soundfont)}
    stems["other"] = fluidsynth.synthesise(song, instruments, job.soundfont)
    if job.kit:
        stems["drums"] = fluidsynth.synthesise_kit(song.of("drums"), song.seconds, job.kit)
    else:
        stems["drums"] = fluidsynth.synthesise(song, song.of("drums"), job.soundfont)
    voice = _voice(job, recipe, line, len(stems["other"]), rng)
    if voice.any():
        rt60 = rng.uniform(0.5, 1.5)
        rooms = [mix.decaying_room(rt60, rng.uniform(8, 16), SAMPLE_RATE, rng) for _ in range(2)]
        voice = np.stack([mix.convolve_room(voice, room)[: len(voice)] for room in rooms], axis=1)
    else:
        voice = np.zeros_like(stems["other"])
    stems = {source: production.produce(stem, source, rng) for source, stem in {"vocals": voice, **stems}.items()}
    reference = level(stems["other"]) or 0.1
    for source, balance in _BALANCE_DB.items():
        gain = reference * 10 ** (rng.uniform(*balance) / 20)
        stems[source] = (stems[source] * gain / (level(stems[source]) or 1.0)).astype(np.float32)
    for stem in stems.values():
        stem[-SAMPLE_RATE // 2 :] *= np.linspace(1, 0, SAMPLE_RATE // 2, dtype=np.float32)[:, None]
    gain = _PEAK / max(np.abs(stem).max() for stem in [sum(stems.values()), *stems.values()])
    return {source: gain * stem for source, stem in stems.items()}


def _voice(job, recipe, line, samples, rng):
    """The line sung by a voice of the split, float32 (samples,).

    The first test song, and test songs without a line, have vocadito's phrases instead.
    """
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
    sung = sampler.read_samples(list_files(recipe.ingredients / "vocals" / "olpc_berklee", f"{singer}_*.mp3"))
    if line:  # moved by octaves into the singer's range
        octaves = round((np.mean([note.pitch for note in sung]) - np.mean([note.pitch for note in line])) / 12)
        line = [replace(note, pitch=note.pitch + 12 * octaves) for note in line]
    return sampler.play(line, sung, samples, rng)


def _phrases(recipe):
    """Phrases of vocadito's clip, cut at silences of 0.3 s: list of float32 (samples,)."""
    audio, _ = io.read(recipe.ingredients / "vocals" / "vocadito" / "vocadito_1.flac", SAMPLE_RATE)
    loud = np.convolve(sounding_frames(audio[:, None]), np.ones(3), "same") > 0
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud, [0]]))).reshape(-1, 2)
    return [audio[FRAME * first : FRAME * last] for first, last in edges if last - first >= 8]


def _bass(job, recipe, rng):
    """The bass line of a MIDI song played by recorded notes: of an electric bass, of a double bass in every other song."""
    notes = midi.read_song(job.path).of("bass")
    if not notes:
        raise InputError(f"{job.path}: has no bass line; leave it out")
    song = midi.Song(notes, (), max(note.end for note in notes)).window(_MINUTE)
    samples, folder = round((song.seconds + midi.TAIL) * SAMPLE_RATE), recipe.ingredients / "samples"
    if job.number % 2:
        plucked = sampler.read_samples(list_files(folder / "meatbass", "*_pizz_*.ogg"))
        return {"bass": _bass_at_one_level(sampler.play(song.notes, plucked, samples, rng), rng)}
    touch, sound = rng.choice(["f", "p"]), np.zeros(samples, dtype=np.float32)
    for names, short in (("staccato_*.ogg", True), (f"sustain_*_{touch}_*.ogg", False)):
        picked = sampler.read_samples(
            list_files(folder / "growlybass", names), octaves=-1
        )  # named by written pitch, an octave above the sound
        part = [note for note in song.notes if (note.end - note.start < 0.15) == short]
        sound += sampler.play(part, picked, samples, rng)
    return {"bass": _bass_at_one_level(sound, rng)}


def _bass_at_one_level(sound, rng):
    return _one_level(production.produce(np.repeat(sound[:, None], 2, axis=1), "bass", rng))


def _drums(job, recipe, rng):
    """A minute of a drum performance on a random kit."""
    played = [
        midi.Note(note.start, note.end, _PAD_KEYS.get(note.pitch, note.pitch), note.velocity, 9, "drums")
        for note in midi.read_song(job.path).notes
    ]
    song = midi.Song(tuple(played), (), max(note.end for note in played)).window(_MINUTE)
    if job.kit:
        sound = fluidsynth.synthesise_kit(song.notes, song.seconds, job.kit)
    else:
        sound = fluidsynth.synthesise(song, song.notes, job.soundfont, kit=int(rng.choice(KITS)))
    return {"drums": _one_level(production.produce(sound, "drums", rng))}


MAKERS = {"song": _song, "vocals": _vocals, "render": _render, "bass": _bass, "drums": _drums}


def level(stem: np.ndarray) -> float:
    """Rms of a stem over the tenths of a second in which it sounds.

    Args:
        stem: float (samples, channels) at 44.1 kHz.

    Returns:
        float; 0 for silence.

    Example:
        >>> round(level(np.full((44100, 2), 0.5)), 2)
        0.5
    """
    sounding = np.repeat(sounding_frames(stem), FRAME)[: len(stem)]
    return float(mix.rms(stem[sounding].ravel())) if sounding.any() else 0.0


def _one_level(stem):
    """A stem (samples, 2) at rms 0.1 where it sounds, or lower so that it peaks at 0.9."""
    return stem * min(_LEVEL / level(stem), _PEAK / np.abs(stem).max())


def sounding_frames(stem: np.ndarray) -> np.ndarray:
    """Tenths of a second in which a stem sounds: those with an rms above -60 dBFS.

    Args:
        stem: float (samples, channels) at 44.1 kHz; the last frame may be short.

    Returns:
        bool (frames,).

    Example:
        >>> sounding_frames(np.repeat([0.0, 0.5], 4410)[:, None]).tolist()
        [False, True]
    """
    padded = np.pad(stem, ((0, -len(stem) % FRAME), (0, 0)))
    return mix.rms(padded.reshape(-1, FRAME * stem.shape[1])) > 1e-3


def list_files(folder: Path, pattern: str) -> list[Path]:
    """Files of a folder that match a shell pattern, sorted, without hidden ones.

    Raises:
        InputError: there is none.

    Example:
        >>> [path.name for path in list_files(zoo.examples()["mild"].parent, "*_mild.flac")]
        ['speech_mild.flac']
    """
    paths = sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))
    if not paths:
        raise InputError(f"{folder} holds no {pattern}; give the data folder (--data, ZOO_DATA)")
    return paths
