"""Seeded clips of labelled recordings, to train and validate classifiers of sounds."""

from typing import Any

import keras
import numpy as np

from zoo.audio import mix
from zoo.data.environment import LabelledRecording
from zoo.data.speech import draw_noise, draw_noise_at_speed
from zoo.errors import InputError


class Clips(keras.utils.PyDataset):
    """Batches of clips, each with the share of every class in it; every epoch has new ones, by (seed, epoch, batch).

    Classes are drawn uniformly, and recordings uniformly within a class. The level is not varied: rms 0.1 before mixing.

    Args:
        recordings: list of `zoo.data.environment.LabelledRecording`.
        classes: names, in the order of the targets.
        recipe: with `seconds` (length of a clip), `batch_size`, `steps` (batches in an epoch), `mixed` (share of the
            clips that are mixtures of two), `speed` (slowest, fastest, as factors) and `seed`.
        sample_rate: of the recordings, in Hz.

    A batch is float32 (batch, samples) and float32 (batch, classes), which sum to 1.

    Example:
        >>> from types import SimpleNamespace
        >>> sounds = [LabelledRecording(name, "me", np.random.randn(8000)) for name in ("rain", "wind")]
        >>> recipe = SimpleNamespace(seconds=0.1, batch_size=4, steps=1, mixed=0.5, speed=(0.9, 1.1), seed=0)
        >>> clips, targets = Clips(sounds, ["rain", "wind"], recipe, 16000)[0]
        >>> clips.shape, targets.shape
        ((4, 1600), (4, 2))
    """

    def __init__(self, recordings: list[LabelledRecording], classes: list[str], recipe: Any, sample_rate: int):
        super().__init__()
        self.by_class = [[sound.audio for sound in sounds] for sounds in _by_class(recordings, classes)]
        self.rms = [[mix.rms(audio) for audio in sounds] for sounds in self.by_class]
        self.recipe, self.samples, self.epoch = recipe, int(recipe.seconds * sample_rate), 0

    def shuffle(self, epoch: int) -> None:
        """Choose the epoch whose batches are drawn."""
        self.epoch = epoch

    def __len__(self):
        return self.recipe.steps

    def __getitem__(self, index):
        rng = np.random.default_rng([self.recipe.seed, self.epoch, index])
        count = self.recipe.batch_size
        clips, targets = np.empty((count, self.samples), "float32"), np.empty((count, len(self.by_class)), "float32")
        for i in range(count):
            clips[i], targets[i] = self._mixture(rng)
        return clips, targets

    def _mixture(self, rng):
        """One clip or a mixture of two, whose target is the share of each (Tokozume et al. 2018)."""
        clip, target = self._clip(rng)
        if rng.random() >= self.recipe.mixed:
            return clip, target
        other, other_target = self._clip(rng)
        share = rng.random()
        return share * clip + (1 - share) * other, share * target + (1 - share) * other_target

    def _clip(self, rng):
        """A segment at a random speed and a fixed level, and its class."""
        label = rng.integers(len(self.by_class))
        clip = draw_noise_at_speed(self.by_class[label], self.samples, self.recipe.speed, rng, self.rms[label])
        return 0.1 * clip / max(mix.rms(clip), 1e-6), np.eye(len(self.by_class))[label]


def held_back(
    recordings: list[LabelledRecording], classes: list[str], recipe: Any, sample_rate: int
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """The validation clips: an equal number of each class, from its recordings in turn, unmixed and at their own speed.

    Args:
        recordings, classes, sample_rate: as for `Clips`.
        recipe: with `seconds`, `n_validation` (clips of each class) and `seed`.

    Returns:
        clips: float32 (clips, samples).
        targets: float32 (clips, classes), 1 for the class of the clip.
        sources: list of the names of each clip's source.

    Example:
        >>> from types import SimpleNamespace
        >>> sounds = [LabelledRecording(name, "me", np.random.randn(8000)) for name in ("rain", "wind")]
        >>> recipe = SimpleNamespace(seconds=0.1, n_validation=3, seed=0)
        >>> clips, targets, sources = held_back(sounds, ["rain", "wind"], recipe, 16000)
        >>> clips.shape, len(sources)
        ((6, 1600), 6)
    """
    rng, samples = np.random.default_rng(recipe.seed), int(recipe.seconds * sample_rate)
    chosen = [sounds[i % len(sounds)] for sounds in _by_class(recordings, classes) for i in range(recipe.n_validation)]
    clips = np.stack([draw_noise([sound.audio], samples, rng) for sound in chosen])
    targets = np.repeat(np.eye(len(classes), dtype="float32"), recipe.n_validation, axis=0)
    return clips, targets, [sound.source for sound in chosen]


def shared_classes(train: list[LabelledRecording], validation: list[LabelledRecording]) -> list[str]:
    """Names of the classes of two lists of recordings, which must be the same.

    Args:
        train, validation: lists of `zoo.data.environment.LabelledRecording`.

    Returns:
        list of names, sorted.

    Raises:
        InputError: a class is in one list only.

    Example:
        >>> rain = LabelledRecording("rain", "me", np.zeros(100))
        >>> shared_classes([rain, rain], [rain])
        ['rain']
    """
    classes, others = (sorted({recording.label for recording in part}) for part in (train, validation))
    if classes != others:
        raise InputError("training and validation have different classes: give both the same")
    return classes


def _by_class(recordings, classes):
    return [[recording for recording in recordings if recording.label == name] for name in classes]
