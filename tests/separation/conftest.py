"""A tiny data folder of music, and a synthesiser that hums in place of FluidSynth."""

import numpy as np
import pytest

from tests.support.music import sine, write_music


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Settings for rendering a tiny data folder; the real synthesiser has its own test."""
    from zoo.separation import midi, stems

    def hum(song, notes, soundfont=None, kit=None):
        pitch = min([note.pitch for note in notes], default=60) + (0 if kit is None else kit)
        seconds = song.seconds + midi.TAIL
        return np.stack([sine(pitch, seconds)] * 2, axis=1).astype("float32") * (0.5 if notes else 0)

    monkeypatch.setattr(midi, "synthesise", hum)
    monkeypatch.setattr(midi, "require_fluidsynth", lambda soundfont: None)
    write_music(tmp_path / "data")
    return stems.Recipe(str(tmp_path / "data"), "some.sf2", seconds=8.0)
