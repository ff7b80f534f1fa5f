"""The sound of notes by FluidSynth: stems at their places, drum kits, and what is missing."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.music import frequency, write_midi
from zoo.errors import InputError
from zoo.separation import fluidsynth, midi
from zoo.separation.midi import Note
from zoo.separation.tracks import SAMPLE_RATE

mido = pytest.importorskip("mido")
rendering = pytest.mark.skipif(
    shutil.which("fluidsynth") is None or not Path(fluidsynth.SOUNDFONTS[0]).is_file(),
    reason="needs fluidsynth and a SoundFont",
)


@rendering
def test_fluidsynth_renders_a_stem_at_its_place_and_pitch(tmp_path):
    song = midi.read_song(write_midi(tmp_path / "song.mid", {(0, 80): [(2, 4, 69)], (3, 33): [(0, 1, 40)]}))
    other, bass = (fluidsynth.synthesise(song, song.of(source)) for source in ("other", "bass"))
    assert other.shape == bass.shape == (round(5 * SAMPLE_RATE), 2) and other.dtype == np.float32
    assert np.abs(other[:43000]).max() < 1e-6 < np.abs(other[46000:]).max()  # the reverb's own noise
    assert frequency(other[60000:120000].sum(axis=1)) == pytest.approx(440, rel=0.01)  # its chorus detunes
    assert frequency(bass[:30000, 0]) % 82.4 == pytest.approx(0, abs=1.5)  # a harmonic of E2
    assert (fluidsynth.synthesise(song, song.of("bass")) == bass).all()
    assert not fluidsynth.synthesise(song, ()).any()
    kits = [fluidsynth.synthesise(song, [Note(0, 0.1, 38, 100, 9, "drums")], kit=kit) for kit in (0, 25)]
    assert all(kit.any() for kit in kits) and (kits[0] != kits[1]).any()


@pytest.mark.skipif(
    not Path(fluidsynth.KITS[0]).is_file() or shutil.which("fluidsynth") is None, reason="needs a drum kit"
)
def test_a_kit_plays_the_drum_channel():
    kick, snare = (
        fluidsynth.synthesise_kit([Note(0.5, 0.6, pitch, 100, 9, "drums")], 1.0, fluidsynth.KITS[0])
        for pitch in (36, 38)
    )
    assert kick.shape == snare.shape == (3 * SAMPLE_RATE, 2)
    for sound in (kick, snare):
        assert np.abs(sound[:20000]).max() < 1e-3 < np.abs(sound[22050:30000]).max()
    assert frequency(kick[22050:44100, 0]) < 150 < frequency(snare[22050:44100, 0])


def test_what_rendering_needs_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: name)
    with pytest.raises(InputError, match="none.sf2: no such SoundFont.*fluid-soundfont-gm"):
        fluidsynth.require_fluidsynth(tmp_path / "none.sf2")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="fluidsynth is missing.*fluid-soundfont-gm"):
        fluidsynth.require_fluidsynth(tmp_path / "none.sf2")
