"""Rendered music: MIDI split to stems, lines played by samples, tracks that are seeded, kept and made whole or not."""

import csv
import itertools
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tools import prepare_music
from zoo.audio import io
from zoo.errors import InputError
from zoo.separation import midi, render, sampler
from zoo.separation.midi import Note, Song
from zoo.separation.sampler import Sample
from zoo.separation.tracks import SAMPLE_RATE, SOURCES, find_tracks

mido = pytest.importorskip("mido")
rendering = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not Path(midi.SOUNDFONT).is_file(), reason="needs fluidsynth and a SoundFont"
)
shifting = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")


def write_midi(path, parts, tempo=500000):
    """parts: {(channel, program): [(start, length, pitch)]} in beats."""
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


def test_midi_notes_belong_to_stems(tmp_path):
    song = midi.read_song(write_midi(tmp_path / "song.mid", song_parts(), tempo=250000))
    assert {note.channel for note in song.of("drums")} == {5, 9}
    assert {note.channel for note in song.of("bass")} == {3, 4}
    assert {note.channel for note in song.of("other")} == {0, 1, 2}
    second = [note for note in song.of("bass") if note.channel == 3][1]
    assert (second.start, second.end) == pytest.approx((0.25, 0.375)) and (second.pitch, second.velocity) == (40, 100)
    midi.write_song(tmp_path / "bass.mid", song, song.of("bass"))
    again = midi.read_song(tmp_path / "bass.mid")
    assert [note.pitch for note in again.notes] == [note.pitch for note in song.of("bass")]
    np.testing.assert_allclose([n.end for n in again.notes], [n.end for n in song.of("bass")], atol=1e-4)
    with pytest.raises(InputError, match="cannot be read"):
        midi.read_song(tmp_path / "none.mid")
    with pytest.raises(InputError, match="holds no notes"):
        midi.read_song(write_midi(tmp_path / "still.mid", {(0, 0): []}))


def test_a_program_may_change_within_a_channel(tmp_path):
    track = mido.MidiTrack()
    for program, pitch in ((0, 60), (33, 40)):
        track.append(mido.Message("program_change", program=program))
        track += [mido.Message("note_on", note=pitch), mido.Message("note_off", note=pitch, time=240)]
    mido.MidiFile(tracks=[track]).save(tmp_path / "song.mid")
    assert [(note.pitch, note.source) for note in midi.read_song(tmp_path / "song.mid").notes] == [
        (60, "other"),
        (40, "bass"),
    ]


def test_a_window_has_notes_of_every_stem():
    late = [Note(20 + i / 2, 20.4 + i / 2, 40, 90, 1, "bass") for i in range(20)]
    song = Song(tuple(sorted([Note(i, i + 1.5, 60, 90) for i in range(31)] + late, key=lambda n: n.start)), (), 32.0)
    part = song.window(10)
    assert len(part.of("bass")) == 20 and len(part.of("other")) == 10
    assert part.notes[0].start == 0 and part.seconds == max(note.end for note in part.notes) == 10
    assert song.window(100).notes == song.notes


def test_the_melody_is_one_line_and_takes_its_doubles_along(tmp_path):
    song = midi.read_song(write_midi(tmp_path / "song.mid", song_parts()))
    line, replaced = midi.melody(song)
    assert len({note.channel for note in line}) == 1 and {note.channel for note in replaced} == {0, 1}
    assert all(first.end <= second.start for first, second in itertools.pairwise(line))
    chords = midi.read_song(write_midi(tmp_path / "chords.mid", {(2, 0): song_parts()[2, 0]}))
    assert midi.melody(chords) == ([], set())
    quick = midi.read_song(write_midi(tmp_path / "quick.mid", {(0, 73): song_parts()[0, 73]}, tempo=100000))
    assert midi.melody(quick) == ([], set())  # none of its notes is long enough to be sung


def test_samples_play_a_line_at_its_pitch_and_length():
    samples = [Sample(sine(pitch, 2).astype("float32"), pitch) for pitch in (57, 65)]
    notes = [Note(0.5, 1.25, 63, 127), Note(1.5, 2.5, 84, 127), Note(3, 9, 57, 32)]
    sung = sampler.play(notes, samples, 4 * SAMPLE_RATE, np.random.default_rng(0))
    assert sung.shape == (4 * SAMPLE_RATE,) and sung.dtype == np.float32
    sounding = np.flatnonzero(sung) / SAMPLE_RATE
    starts = sounding[np.flatnonzero(np.diff(sounding, prepend=-1) > 0.1)]
    ends = sounding[np.flatnonzero(np.diff(sounding, append=9) > 0.1)]
    np.testing.assert_allclose(starts, [0.5, 1.5, 3.0], atol=1e-3)
    np.testing.assert_allclose(ends, [1.25, 2.5, 4.0], atol=1e-3)  # the last one is cut at the end of the song
    assert frequency(sung[24000:54000]) == pytest.approx(440 * 2 ** (-6 / 12), abs=0.3)
    assert frequency(sung[68000:108000]) == pytest.approx(440 * 2 ** (-9 / 12), abs=0.3)  # 84, two octaves lower
    assert np.abs(sung[: 2 * SAMPLE_RATE]).max() / np.abs(sung[3 * SAMPLE_RATE :]).max() == pytest.approx(2, rel=0.03)
    assert [sampler.fold(pitch, 53, 69) for pitch in (40, 53, 69, 70, 100)] == [64, 53, 69, 58, 64]


def test_samples_tell_their_pitch_and_start_with_the_note(tmp_path):
    late = np.concatenate([np.zeros(22050), sine(60)]) / 4
    for name in ("femalevoice_oo_femalevoice_oo_A3", "voices_oo2_c6", "sustain_db2_f_rr1", "malevoice_oo_Ds4"):
        io.write(tmp_path / f"{name}.wav", late, SAMPLE_RATE)
    samples = sampler.read_samples(sorted(tmp_path.glob("*.wav")))
    assert [sample.pitch for sample in samples] == [57, 63, 37, 84]
    assert sampler.read_samples([tmp_path / "sustain_db2_f_rr1.wav"], octaves=-1)[0].pitch == 25
    assert len(samples[0].audio) == pytest.approx(SAMPLE_RATE, abs=441) and np.abs(samples[0].audio).max() == 1
    io.write(tmp_path / "hum_1.wav", late, SAMPLE_RATE)
    with pytest.raises(InputError, match="tells no pitch"):
        sampler.read_samples([tmp_path / "hum_1.wav"])


@rendering
def test_fluidsynth_renders_a_stem_at_its_place_and_pitch(tmp_path):
    song = midi.read_song(write_midi(tmp_path / "song.mid", {(0, 80): [(2, 4, 69)], (3, 33): [(0, 1, 40)]}))
    other, bass = (midi.synthesise(song, song.of(source)) for source in ("other", "bass"))
    assert other.shape == bass.shape == (round(5 * SAMPLE_RATE), 2) and other.dtype == np.float32
    assert np.abs(other[:43000]).max() < 1e-6 < np.abs(other[46000:]).max()  # the reverb's own noise
    assert frequency(other[60000:120000].sum(axis=1)) == pytest.approx(440, rel=0.01)  # its chorus detunes
    assert frequency(bass[:30000, 0]) % 82.4 == pytest.approx(0, abs=1.5)  # a harmonic of E2
    assert (midi.synthesise(song, song.of("bass")) == bass).all()
    assert not midi.synthesise(song, ()).any()
    kits = [midi.synthesise(song, [Note(0, 0.1, 38, 100, 9, "drums")], kit=kit) for kit in (0, 25)]
    assert all(kit.any() for kit in kits) and (kits[0] != kits[1]).any()


def test_what_rendering_needs_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: name)
    with pytest.raises(InputError, match="none.sf2: no such SoundFont.*fluid-soundfont-gm"):
        midi.require_fluidsynth(tmp_path / "none.sf2")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="fluidsynth is missing.*fluid-soundfont-gm"):
        midi.require_fluidsynth(tmp_path / "none.sf2")


def test_high_pass_takes_the_low_synth_away():
    low, high = sine(40), sine(88)
    passed = render.high_pass(np.stack([low + high, high], axis=1))
    inner = slice(4410, -4410)
    np.testing.assert_allclose(passed[inner, 0], high[inner], atol=0.02)
    np.testing.assert_allclose(passed[inner, 1], high[inner], atol=0.01)


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """A tiny data folder, and a synthesiser that hums; the real one has its own test."""

    def hum(song, notes, soundfont=None, kit=None):
        pitch = min([note.pitch for note in notes], default=60) + (0 if kit is None else kit)
        seconds = song.seconds + midi.TAIL
        return np.stack([sine(pitch, seconds)] * 2, axis=1).astype("float32") * (0.5 if notes else 0)

    monkeypatch.setattr(midi, "synthesise", hum)
    monkeypatch.setattr(midi, "require_fluidsynth", lambda soundfont: None)
    music = tmp_path / "data" / "music"
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
    files = {voices / "olpc_berklee" / f"{singer}_A3": 57 for singer in (*render.SINGERS, *render.HELD_BACK)}
    files |= {
        samples / "growlybass" / f"{name}_a2_{end}": 33 for name, end in (("sustain", "f_rr1"), ("sustain", "p_rr1"))
    }
    files |= {samples / "growlybass" / "staccato_a2_rr1": 33, samples / "meatbass" / "Samples_pizz_a1_vl4": 33}
    for path, pitch in (files | {voices / "vocadito" / "vocadito_1": 64}).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        suffix = {"olpc_berklee": ".mp3", "vocadito": ".flac"}.get(path.parent.name, ".ogg")
        io.write(path.with_name(path.name + suffix), np.concatenate([sine(pitch, 2), 0 * sine(0)]) / 2, SAMPLE_RATE)
    rows = [(path.relative_to(music), "free", path.stem[-1] if "beat" in path.name else "") for path in _all(music)]
    with open(music / "MANIFEST.csv", "w", newline="") as file:
        csv.writer(file).writerows([("path", "licence", "seconds"), *rows])
    return render.Recipe(str(tmp_path / "data"), "some.sf2", seconds=8.0)


def _all(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_tracks_have_their_splits_stems_and_levels(recipe, tmp_path, monkeypatch):
    monkeypatch.setitem(render.MAKERS, "vocals", lambda job, recipe, rng: {"vocals": np.full((9000, 2), 0.1)})
    rows = {row["name"]: row for row in render.prepare(recipe, tmp_path / "out", n_jobs=1)}
    with open(tmp_path / "out" / "tracks.csv", newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == list(rows)
    by_split = {
        split: {track.name for track in find_tracks(tmp_path / "out", split, partial=True)}
        for split in ("train", "validation", "test")
    }
    assert by_split["test"] == {"05", "played", render.TEST_SONG} and by_split["validation"] == {"11"}
    assert {"no bass", "no bass vocals +2", "00", "00 bass", "beat2"} < by_split["train"]
    tracks = {track.name: track for track in find_tracks(tmp_path / "out", partial=True)}
    assert tracks["no bass"].sources == ("vocals", "drums", "other") and tracks["beat0"].sources == ("drums",)
    assert tracks["played"].sources == tracks["00"].sources == SOURCES and tracks["00 bass"].sources == ("bass",)
    mixture = sum(tracks["00"].read().values())
    assert np.abs(mixture).max() == pytest.approx(0.9, abs=1e-3) and len(mixture) <= 10 * SAMPLE_RATE
    assert rows["00"]["vocals_seconds"] > 3 and rows["no bass"].get("bass_seconds") is None
    assert render.level(tracks["00 bass"].read()["bass"]) == pytest.approx(0.1, rel=0.1)
    again = render.prepare(replace(recipe, seed=1), tmp_path / "again", few=1, n_jobs=1)
    assert {(row["kind"], row["split"]) for row in again} == {(row["kind"], row["split"]) for row in rows.values()}
    other = {track.name: track for track in find_tracks(tmp_path / "again", partial=True)}
    assert (other["00"].read()["vocals"] != tracks["00"].read()["vocals"]).any()


def test_test_songs_have_voices_of_their_own(recipe):
    read = []
    jobs = {job.name: job for job in render.plan(recipe)}
    original = sampler.read_samples

    def spy(paths, octaves=0):
        read.extend(path.stem for path in paths)
        return original(paths, octaves)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampler, "read_samples", spy)
        for name in ("00", "01", "02", "11"):
            render._render(jobs[name], recipe, np.random.default_rng(0))
        assert {name[:-3] for name in read} <= set(render.SINGERS) and len(read) == 4
        render._render(jobs["05"], recipe, np.random.default_rng(0))
        assert len(read) == 4  # vocadito
        for number, singer in ((1, render.HELD_BACK[1]), (2, render.HELD_BACK[0])):
            render._render(replace(jobs["05"], number=number), recipe, np.random.default_rng(0))
            assert read[-1] == f"{singer}_A3"


def test_a_run_that_was_killed_goes_on(recipe, tmp_path, monkeypatch):
    output, make_drums = tmp_path / "out", render.MAKERS["drums"]
    monkeypatch.setitem(render.MAKERS, "vocals", lambda job, recipe, rng: {"vocals": np.full((9000, 2), 0.1)})
    made = []

    def killed(job, recipe, rng):
        made.append(job.name)
        if len(made) == 2:
            raise KeyboardInterrupt
        return make_drums(job, recipe, rng)

    monkeypatch.setitem(render.MAKERS, "drums", killed)
    with pytest.raises(KeyboardInterrupt):
        render.prepare(recipe, output, n_jobs=1)
    assert not (output / "tracks.csv").exists() and (output / "train" / f".{made[1]}.tmp").is_dir()
    there = {path: path.stat().st_mtime_ns for path in _all(output) if not path.parent.name.startswith(".")}
    rows = render.prepare(recipe, output, n_jobs=1)
    assert {path: path.stat().st_mtime_ns for path in there} == there and len(made) == 4
    assert len(find_tracks(output, partial=True)) == len(rows) and not list(output.rglob(".*"))
    assert render.prepare(recipe, output, n_jobs=1) == rows and len(made) == 4
    render.prepare(replace(recipe, seconds=4.0), output, few=1, n_jobs=1)  # another recipe makes them anew
    assert len(made) == 4 and json.loads((output / "train" / "00" / "track.json").read_text())["row"]["seconds"] <= 6.5


@shifting
def test_vocals_are_shifted_in_key_and_tempo(recipe):
    vocals = Path(recipe.data) / "music" / "train" / "no bass" / "vocals.ogg"
    job = render.Job("no bass vocals +2", "train", "vocals", str(vocals), "free", 2)
    found = render._vocals(job, recipe, np.random.default_rng(3))["vocals"]
    assert 2.7 * SAMPLE_RATE < len(found) < 3.4 * SAMPLE_RATE and found.shape[1] == 2
    assert frequency(found[SAMPLE_RATE : 2 * SAMPLE_RATE, 0]) == pytest.approx(440 * 2 ** (3 / 12), rel=0.005)


def test_the_tool_says_what_is_missing(tmp_path, monkeypatch, recipe):
    monkeypatch.setattr("sys.argv", ["prepare_music.py", "--data", str(tmp_path), "--output", str(tmp_path / "out")])
    with pytest.raises(InputError, match=r"MANIFEST.csv: no such file; give the data folder"):
        prepare_music.main()
