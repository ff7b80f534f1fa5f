"""Small music for the tests of rendering: MIDI songs, sines, a data folder with one of each ingredient."""

import csv
from pathlib import Path

import numpy as np
import pytest

from zoo.audio import io
from zoo.separation import render, stems
from zoo.separation.tracks import SAMPLE_RATE, SOURCES


def write_midi(path, parts, tempo=500000):
    """Write a MIDI file of `parts`, {(channel, program): [(start, length, pitch)]} in beats."""
    mido = pytest.importorskip("mido")
    timed = [(0, mido.MetaMessage("set_tempo", tempo=tempo))]
    for (channel, program), notes in parts.items():
        timed.append((0, mido.Message("program_change", channel=channel, program=program)))
        for start, length, pitch in notes:
            timed.append((start, mido.Message("note_on", channel=channel, note=pitch, velocity=100)))
            timed.append((start + length, mido.Message("note_on", channel=channel, note=pitch, velocity=0)))
    track, now = mido.MidiTrack(), 0
    for beat, message in sorted(timed, key=lambda item: item[0]):
        track.append(message.copy(time=round(480 * beat) - now))
        now = round(480 * beat)
    path.parent.mkdir(parents=True, exist_ok=True)
    mido.MidiFile(ticks_per_beat=480, tracks=[track]).save(path)
    return path


def song_parts(beats=24):
    """A melody, the same an octave lower, chords, a bass, a low synth lead, drums and a taiko."""
    tune = [60 + step for step in (0, 2, 4, 7)] * (beats // 4)
    return {
        (0, 73): [(i, 0.9, pitch) for i, pitch in enumerate(tune)],
        (1, 48): [(i, 0.9, pitch - 12) for i, pitch in enumerate(tune)],
        (2, 0): [(i, 2, pitch) for i in range(0, beats, 2) for pitch in (60, 64, 67)],
        (3, 33): [(i, 0.5, 40) for i in range(beats)],
        (4, 81): [(i, 0.5, 33) for i in range(beats)],
        (5, 116): [(i, 0.5, 50) for i in range(0, beats, 4)],
        (9, 0): [(i / 2, 0.1, 36 + 2 * (i % 2)) for i in range(2 * beats)],
    }


def frequency(audio):
    """Hz of the strongest partial of (samples,), to 0.2 Hz."""
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 5 * SAMPLE_RATE))
    return np.argmax(spectrum) / 5


def sine(pitch, seconds=1.0):
    return np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE)


def files_in(folder):
    """Files in a folder and those below it, sorted."""
    return sorted(path for path in folder.rglob("*") if path.is_file())


def write_music(data):
    """Write a data folder with two songs to train on, one to test on, twelve MIDI songs, three drum performances."""
    music = Path(data) / "music"
    voices, samples = music / "ingredients" / "vocals", music / "ingredients" / "samples"
    stereo = np.stack([sine(70, 3), sine(77, 3)], axis=1) / 4
    for name in ("train/no bass", f"train/{render.TEST_SONG}", "test/played"):
        (music / name).mkdir(parents=True)
        for source in SOURCES:
            silent = name == "train/no bass" and source == "bass"
            io.write(music / name / f"{source}.ogg", 0 * stereo if silent else stereo, SAMPLE_RATE)
    for i in range(12):
        write_midi(music / "ingredients" / "midi" / "freedoom" / f"{i:02d}.mid", song_parts())
    for i in range(3):
        write_midi(music / "ingredients" / "midi" / "groove" / f"beat{i}.mid", {(9, 0): [(0, 1, 22), (i, 1, 36)]})
    files = {voices / "olpc_berklee" / f"{singer}_A3": 57 for singer in (*stems.SINGERS, *stems.HELD_BACK)}
    files |= {
        samples / "growlybass" / f"{name}_a2_{end}": 33 for name, end in (("sustain", "f_rr1"), ("sustain", "p_rr1"))
    }
    files |= {samples / "growlybass" / "staccato_a2_rr1": 33, samples / "meatbass" / "Samples_pizz_a1_vl4": 33}
    for path, pitch in (files | {voices / "vocadito" / "vocadito_1": 64}).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        suffix = {"olpc_berklee": ".mp3", "vocadito": ".flac"}.get(path.parent.name, ".ogg")
        io.write(path.with_name(path.name + suffix), np.concatenate([sine(pitch, 2), 0 * sine(0)]) / 2, SAMPLE_RATE)
    rows = [(path.relative_to(music), "free", path.stem[-1] if "beat" in path.name else "") for path in files_in(music)]
    with open(music / "MANIFEST.csv", "w", newline="") as file:
        csv.writer(file).writerows([("path", "licence", "seconds"), *rows])
