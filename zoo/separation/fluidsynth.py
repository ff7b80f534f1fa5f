"""The sound of notes by FluidSynth, with SoundFonts of General MIDI and of drum kits. Imports no Keras backend."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.audio import io
from zoo.errors import InputError
from zoo.separation import midi
from zoo.separation.midi import Note, Song
from zoo.separation.tracks import SAMPLE_RATE

# Where Debian's packages put them. MuseScore's has some instruments of Fluid's; that of TimGM6mb are others.
_DEBIAN = "/usr/share/sounds/sf2"
SOUNDFONTS = f"{_DEBIAN}/FluidR3_GM.sf2", f"{_DEBIAN}/MuseScore_General_Full.sf2"
TEST_SOUNDFONTS = (f"{_DEBIAN}/TimGM6mb.sf2",)
KITS = (f"{_DEBIAN}/Black_Pearl_4_LV2.sf2",)
TEST_KITS = (f"{_DEBIAN}/Red_Zeppelin_4_LV2.sf2",)
PACKAGES = "fluid-soundfont-gm, musescore-general-soundfont-lossless, timgm6mb-soundfont, avldrums.lv2-soundfont"


def synthesise(
    song: Song, notes: Collection[Note], soundfont: Path | str = SOUNDFONTS[0], kit: int | None = None
) -> np.ndarray:
    """The sound of some notes of a song by FluidSynth, with its reverb and chorus; deterministic.

    Where the channels are in opposite phase (synth leads of some SoundFonts) and would cancel in mono, the right one is
    inverted.

    Args:
        song: `Song`.
        notes: the notes to play, at their times.
        soundfont: path of a SoundFont (.sf2) of General MIDI.
        kit: program of the drum channel, such as 16 (power) or 25 (TR-808); None for the song's own.

    Returns:
        float32 `(samples, 2)` at 44.1 kHz, `song.seconds + 2` long; not limited to [-1, 1].

    Raises:
        InputError: the program fluidsynth, the SoundFont or mido is missing, or fluidsynth fails.

    Example:
        >>> drums = synthesise(song, song.of("drums"))  # needs FluidSynth  # doctest: +SKIP
    """
    require_fluidsynth(soundfont)
    samples = round((song.seconds + midi.TAIL) * SAMPLE_RATE)
    if not notes:
        return np.zeros((samples, 2), dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        notation, sound = Path(folder) / "stem.mid", Path(folder) / "stem.wav"
        midi.write_song(notation, song, notes, kit)
        options = ["-n", "-i", "-q", "-f", os.devnull, "-r", str(SAMPLE_RATE), "-T", "wav", "-O", "float"]
        command = ["fluidsynth", *options, "-F", str(sound), str(soundfont), str(notation)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode or not sound.is_file():
            raise InputError(f"fluidsynth failed: {done.stderr.strip() or done.returncode}; check {soundfont}")
        audio = io.read_channels(sound).audio[:samples]
    if np.vdot(audio[:, 0], audio[:, 1]) < 0:
        audio[:, 1] *= -1
    return np.pad(audio, ((0, samples - len(audio)), (0, 0)))


def synthesise_kit(notes: Collection[Note], seconds: float, kit: Path | str) -> np.ndarray:
    """The sound of drums by a SoundFont that holds one drum kit, as its first program.

    Args:
        notes: of drums, by General MIDI's pitches.
        seconds: length.
        kit: path of the SoundFont.

    Returns:
        float32 `(samples, 2)` at 44.1 kHz, as `synthesise` gives it.

    Raises:
        InputError: as for `synthesise`.

    Example:
        >>> drums = synthesise_kit(song.of("drums"), song.seconds, KITS[0])  # needs FluidSynth  # doctest: +SKIP
    """
    played = [replace(note, channel=0) for note in notes]  # the drum channel would look for a bank of kits
    return synthesise(Song(tuple(played), (), seconds), played, kit)


def require_fluidsynth(soundfont: Path | str = SOUNDFONTS[0]) -> None:
    """Check that FluidSynth, the SoundFont and mido are installed.

    Raises:
        InputError: one is missing; the message says how to install it.

    Example:
        >>> require_fluidsynth("my.sf2")  # needs FluidSynth  # doctest: +SKIP
    """
    if shutil.which("fluidsynth") is None:
        raise InputError(f"the program fluidsynth is missing; install it (Debian: fluidsynth, {PACKAGES})")
    if not Path(soundfont).is_file():
        raise InputError(f"{soundfont}: no such SoundFont; give one (--soundfonts and the like; Debian: {PACKAGES})")
    midi.require_mido()
