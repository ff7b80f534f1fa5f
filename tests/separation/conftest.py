"""A tiny data folder of music, a synthesiser that hums in place of FluidSynth, an evaluation without museval."""

import numpy as np
import pytest

from tests.support.music import sine, write_music
from zoo.metrics.separation import SCORES


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    """Settings for rendering a tiny data folder; the real synthesiser and the real effects have their own tests."""
    from zoo.separation import fluidsynth, midi, production, stems

    def hum(song, notes, soundfont=None, kit=None):
        pitch = min([note.pitch for note in notes], default=60) + (0 if kit is None else kit)
        seconds = song.seconds + midi.TAIL
        return np.stack([sine(pitch, seconds)] * 2, axis=1).astype("float32") * (0.5 if notes else 0)

    monkeypatch.setattr(fluidsynth, "synthesise", hum)
    monkeypatch.setattr(fluidsynth, "require_fluidsynth", lambda soundfont: None)
    monkeypatch.setattr(production, "require_pedalboard", lambda: None)
    monkeypatch.setattr(production, "produce", lambda stem, source, rng: stem)
    write_music(tmp_path / "data")
    return stems.Recipe(str(tmp_path / "data"), takes=1, seconds=8.0)


@pytest.fixture
def quick(monkeypatch):
    """Evaluation with the mixture as the only other system, and signal-to-noise ratios in place of museval's.

    Gives the cache folder of each evaluation.
    """
    from zoo.separation import evaluate

    def evaluate_tracks(tracks, sample_rate, window, hop, mode, n_jobs, cache):
        caches.append(cache)
        return {
            name: {source: _scores(true[source], estimates[source]) for source in true}
            for name, true, estimates in tracks
        }

    caches = []
    monkeypatch.setattr(evaluate, "SYSTEMS", {evaluate.FLOOR: evaluate.SYSTEMS[evaluate.FLOOR]})
    monkeypatch.setattr(evaluate.metrics, "evaluate_tracks", evaluate_tracks)
    return caches


def _scores(true, estimate):
    ratio = 10 * np.log10(np.sum(true**2) / np.sum((true - estimate) ** 2)) if true.any() else np.nan
    return {score: np.array([ratio]) for score in SCORES} | {"silent": not true.any()}
