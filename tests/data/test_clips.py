"""Clips and their targets: seeded, of their class, mixed as the target says; those of the validation are unchanged."""

import dataclasses

import numpy as np
import pytest

from tests.support.harness import SOUND_CLASSES, data_path, labelled_sounds
from zoo.audio import mix
from zoo.data.clips import Clips, held_back, shared_classes
from zoo.data.environment import LabelledRecording, read_noise_classes
from zoo.errors import InputError

RATE = 16000


@dataclasses.dataclass(frozen=True)
class Recipe:
    seconds: float = 0.1
    batch_size: int = 6
    steps: int = 8
    mixed: float = 0.2
    speed: tuple = (0.8, 1.25)
    n_validation: int = 4
    seed: int = 0


@pytest.fixture(scope="module")
def recordings():
    return labelled_sounds(RATE)


@pytest.fixture
def small():
    return Recipe()


def test_clips_are_those_of_seed_epoch_and_index(recordings, small):
    one, other = (Clips(recordings[0], SOUND_CLASSES, small, RATE) for _ in range(2))
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one[0][0], one[1][0])
    other.shuffle(1)
    assert not np.array_equal(one[1][0], other[1][0])
    clips, targets = one[0]
    assert clips.shape == (6, int(0.1 * RATE)) and clips.dtype == targets.dtype == np.float32
    assert targets.shape == (6, 3) and len(one) == 8


def test_clips_are_those_of_levels_measured_anew(recordings, small):
    known, anew = (Clips(recordings[0], SOUND_CLASSES, small, RATE) for _ in range(2))
    anew.rms = [None] * len(SOUND_CLASSES)
    for ours, theirs in zip(known[1], anew[1], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_unmixed_clips_are_of_their_class_at_one_level(recordings, small):
    recipe = dataclasses.replace(small, mixed=0.0, speed=(1.0, 1.0), batch_size=30)
    clips, targets = Clips(recordings[0], SOUND_CLASSES, recipe, RATE)[0]
    assert targets.sum(axis=0).all() and set(np.unique(targets)) == {0.0, 1.0}
    np.testing.assert_allclose(mix.rms(clips), 0.1, rtol=1e-4)
    crest = np.abs(clips).max(axis=1) / 0.1
    kind = np.array(SOUND_CLASSES)[targets.argmax(axis=1)]
    assert crest[kind == "clicks"].min() > 6 > crest[kind == "hiss"].max() > 2.5 > crest[kind == "tone"].max()


def test_a_mixture_is_the_weighted_sum_that_its_target_says(small):
    constant = [LabelledRecording(name, name, np.full(4000, value, "float32")) for name, value in (("a", 1), ("b", -1))]
    clips, targets = Clips(constant, ["a", "b"], dataclasses.replace(small, mixed=1.0, batch_size=20), RATE)[0]
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(clips, 0.1 * (targets[:, :1] - targets[:, 1:]) * np.ones_like(clips), atol=1e-6)
    assert np.any((targets > 0.1) & (targets < 0.9))


def test_speed_moves_the_pitch(small):
    recipe = dataclasses.replace(small, mixed=0.0, speed=(2.0, 2.0), seconds=0.4)
    time = np.arange(RATE) / RATE
    tone = LabelledRecording("a", "a", np.sin(2 * np.pi * 500 * time).astype("float32"))
    spectrum = np.abs(np.fft.rfft(Clips([tone], ["a"], recipe, RATE)[0][0][0]))
    assert spectrum.argmax() / 0.4 == pytest.approx(1000, abs=5)


def test_silence_gives_a_finite_clip(small):
    silence = LabelledRecording("a", "a", np.zeros(4000, "float32"))
    assert not Clips([silence], ["a"], small, RATE)[0][0].any()


def test_validation_takes_the_recordings_in_turn_unchanged(small):
    recordings = [LabelledRecording("ab"[i // 2], str(i), np.full(9000, i + 1, "float32")) for i in range(4)]
    clips, targets, sources = held_back(recordings, ["a", "b"], small, RATE)
    np.testing.assert_array_equal(clips[:, 0], [1, 2, 1, 2, 3, 4, 3, 4])
    np.testing.assert_array_equal(targets.argmax(axis=1), [0] * 4 + [1] * 4)
    assert sources == ["0", "1", "0", "1", "2", "3", "2", "3"]


def test_both_splits_have_the_same_classes(recordings):
    assert shared_classes(*recordings) == SOUND_CLASSES
    with pytest.raises(InputError, match="different classes"):
        shared_classes(recordings[0], recordings[1][:2])


def test_real_clips_are_loud_and_finite():
    recordings = read_noise_classes(data_path("MANIFEST.csv").parent, "validation", RATE)
    recipe, classes = Recipe(seconds=2.0, n_validation=16), sorted({recording.label for recording in recordings})
    clips, targets = Clips(recordings, classes, recipe, RATE)[0]
    assert np.isfinite(clips).all() and mix.rms(clips).min() > 0.01
    np.testing.assert_allclose(targets.sum(axis=1), 1, rtol=1e-6)
    held, *_ = held_back(recordings, classes, recipe, RATE)
    assert len(held) == len(classes) * 16
    assert (mix.rms(held) > 1e-4).mean() > 0.95
