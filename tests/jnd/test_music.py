"""Music in a known order: drawn, degraded, scored and stored."""

import shutil

import numpy as np
import pytest
import scipy.signal

from zoo.audio import io
from zoo.errors import InputError
from zoo.jnd import baselines, music, rendered
from zoo.jnd.degradations import Degradation, draw_group
from zoo.jnd.music import CODECS, KINDS, STEREO

RATE = 44100
BAND = scipy.signal.butter(2, (200, 3000), "bandpass", fs=RATE, output="sos")
NOISE = 0.3 * scipy.signal.sosfilt(BAND, np.random.default_rng(0).standard_normal(RATE))
CLIP = (NOISE * np.sin(0.0005 * np.arange(RATE)) ** 2).astype("float32")


def kinds(ladders):
    """Their names, those that need ffmpeg left out where it is missing."""
    return [kind for kind in ladders if kind != "aac" or shutil.which("ffmpeg")]


@pytest.fixture
def song(tmp_path):
    """A music folder with one song of two stems and one sample."""
    rng = np.random.default_rng(0)
    for name in ("train/song/drums.wav", "train/song/bass.wav", "ingredients/samples/loop.wav"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        io.write(path, 0.1 * rng.standard_normal(3 * RATE).astype("float32"), RATE)
    return tmp_path


def test_draws_are_two_values_of_two_kinds_mild_first():
    drawn = set()
    for seed in range(200):
        degradations = draw_group(np.random.default_rng(seed), KINDS)
        for mild, severe in (degradations[:2], degradations[2:]):
            assert KINDS[mild.kind].index(mild.value) < KINDS[mild.kind].index(severe.value)
            assert (mild.kind, mild.before, mild.seed) == (severe.kind, severe.before, severe.seed)
        drawn |= {degradation.kind for degradation in degradations}
    assert drawn == set(KINDS)


@pytest.mark.parametrize("kind", kinds(KINDS))
def test_every_kind_is_deterministic_aligned_and_worse_at_its_end(kind):
    mild, severe = (music.degrade(CLIP, kind, KINDS[kind][place], seed=4) for place in (0, -1))
    assert mild.shape == severe.shape == CLIP.shape and mild.dtype == severe.dtype == np.float32
    np.testing.assert_array_equal(severe, music.degrade(CLIP, kind, KINDS[kind][-1], seed=4))
    if kind == "griffin-lim":  # which gives up the waveform from its first value on
        return
    assert np.std(mild - CLIP) < np.std(severe - CLIP)
    assert np.std(mild - CLIP) < 0.35 * np.std(CLIP)


@pytest.mark.parametrize("kind", kinds(STEREO))
def test_of_two_channels_each_stays_itself(kind):
    stereo = np.stack([CLIP, 0.3 * CLIP[::-1]], axis=1)
    degraded = music.degrade(stereo, kind, STEREO[kind][0], seed=0)
    assert degraded.shape == stereo.shape
    for channel in range(2):
        assert np.corrcoef(degraded[:, channel], stereo[:, channel])[0, 1] > 0.99


def test_another_kind_is_refused():
    with pytest.raises(InputError, match="'opuss': use opus, aac"):
        music.degrade(CLIP, "opuss", 24.0, seed=0)


def test_missing_programs_are_said_before_anything_is_rendered(song, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    for render in (lambda: music.render(song, 1, tmp_path), lambda: music.render_stereo(song, tmp_path)):
        with pytest.raises(InputError, match="need the program ffmpeg"):
            render()
    assert not (tmp_path / "jnd").exists()


def test_apply_chains_degradations_at_one_loudness():
    once, twice = (music.apply(CLIP, Degradation("mnru", 20, before, 3)) for before in (None, ("clipping", 0.2)))
    assert not np.array_equal(once, twice)
    assert np.std(once) == pytest.approx(np.std(twice), rel=0.2)


def test_the_teacher_scores_codecs_and_low_pass_alone(monkeypatch):
    monkeypatch.setattr(music, "_teacher", baselines.squared_error)
    degradations = [
        Degradation(kind, 1.0, before, 0)
        for kind, before in (("opus", None), ("noise", None), ("low-pass", ("mp3", 32.0)), ("mp3", ("noise", 20)))
    ]
    recordings = np.stack([CLIP, *(CLIP + 0.01 * i * CLIP[::-1] for i in range(4))])
    missed = music.missed_scores(recordings, degradations)[:, 0]
    assert np.isnan(missed).tolist() == [False, True, False, True]
    assert missed[0] == 0 and missed[2] > 0


def test_groups_are_stored_and_read_again(song, tmp_path, monkeypatch):
    monkeypatch.setattr(music, "_teacher", baselines.squared_error)
    monkeypatch.setattr(music.codecs, "check_ffmpeg", lambda: None)
    monkeypatch.setattr(rendered, "CHUNK", 2)
    monkeypatch.setattr(music, "KINDS", {kind: KINDS[kind] for kind in ("opus", "noise", "clipping")})
    graded = music.render(song, 3, tmp_path / "runs", n_jobs=1)
    assert [chunk.shape for chunk in graded.audio] == [(2, 5, music.SAMPLES), (1, 5, music.SAMPLES)]
    assert graded.missed.shape == (3, 4, 1) and graded.teachers == ("visqol-audio",) and graded.sample_rate == RATE
    valid = [[degradation.kinds <= {"opus"} for degradation in group] for group in graded.degradations]
    np.testing.assert_array_equal(np.isfinite(graded.missed[:, :, 0]), valid)
    monkeypatch.setattr(music, "degrade", None)  # nothing is rendered again
    again = music.render(song, 3, tmp_path / "runs", n_jobs=1)
    np.testing.assert_array_equal(again.audio[0], graded.audio[0])


def test_stereo_pieces_have_one_channel_after_the_other(tmp_path, monkeypatch):
    monkeypatch.setattr(music, "_teacher", baselines.squared_error)
    monkeypatch.setattr(music.codecs, "check_ffmpeg", lambda: None)
    monkeypatch.setattr(music, "STEREO", {"low-pass": (5000.0, 1000.0), "noise": (20,)})
    song = np.stack([0.1 * np.sin(0.1 * np.arange(3 * RATE)), 0.05 * np.sin(0.3 * np.arange(3 * RATE))])
    (tmp_path / "pieces").mkdir()
    io.write(tmp_path / "pieces" / "song.wav", song.T.astype("float32"), RATE)
    graded = music.render_stereo(tmp_path / "pieces", tmp_path / "runs", n_jobs=1)
    assert [chunk.shape for chunk in graded.audio] == [(1, 4, 2 * music.SAMPLES)]
    clip = graded.audio[0][0, 0].reshape(2, -1)
    assert np.std(clip[0]) == pytest.approx(2 * np.std(clip[1]), rel=1e-2)
    np.testing.assert_array_equal(np.isfinite(graded.missed[:, :, 0]), [[True, True, False]])
    assert set(CODECS) <= set(STEREO)
