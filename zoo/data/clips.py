"""Clips of labelled recordings to train a classifier of sounds on, and those it is measured on; all seeded."""

import keras
import numpy as np

from zoo.audio import mix
from zoo.data.speech import draw_noise, draw_noise_at_speed
from zoo.errors import InputError


class Clips(keras.utils.PyDataset):
    """Batches of clips with the share of each class in them, drawn anew in each epoch from (seed, epoch, batch).

    Classes are drawn evenly, and recordings evenly within a class. Level is not varied: rms 0.1 before mixing.

    Args:
        recordings: list of `zoo.data.environment.LabelledRecording`.
        classes: names, in the order of the targets.
        recipe: with `seconds` (length of a clip), `batch_size`, `steps` (batches in an epoch), `mixed` (share of the
            clips that are mixtures of two), `speed` (slowest, fastest) and `seed`.
        sample_rate: of the recordings, in Hz.

    A batch is float32 (batch, samples) and float32 (batch, classes), which sum to 1.

    Example:
        >>> clips, targets = Clips(recordings, classes, recipe, 16000)[0]  # doctest: +SKIP
    """

    def __init__(self, recordings, classes, recipe, sample_rate):
        super().__init__()
        self.by_class = [[sound.audio for sound in sounds] for sounds in _by_class(recordings, classes)]
        self.rms = [[mix.rms(audio) for audio in sounds] for sounds in self.by_class]
        self.recipe, self.samples, self.epoch = recipe, int(recipe.seconds * sample_rate), 0

    def shuffle(self, epoch):
        """Go to another epoch."""
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
        """One clip, or two that are mixed; the target says how loud each is (Tokozume et al. 2018)."""
        clip, target = self._clip(rng)
        if rng.random() >= self.recipe.mixed:
            return clip, target
        other, other_target = self._clip(rng)
        share = rng.random()
        return share * clip + (1 - share) * other, share * target + (1 - share) * other_target

    def _clip(self, rng):
        """A stretch at a random speed and one level, and its class."""
        place = rng.integers(len(self.by_class))
        clip = draw_noise_at_speed(self.by_class[place], self.samples, self.recipe.speed, rng, self.rms[place])
        return 0.1 * clip / max(mix.rms(clip), 1e-6), np.eye(len(self.by_class))[place]


def held_back(recordings, classes, recipe, sample_rate):
    """The validation clips: so many of each class, from its recordings in turn, unchanged.

    Args:
        recordings, classes, sample_rate: as for `Clips`.
        recipe: with `seconds`, `n_validation` (clips of each class) and `seed`.

    Returns:
        float32 (clips, samples); float32 (clips, classes), 1 for the class of the clip; and the source of each clip, a
        list of names.

    Example:
        >>> clips, targets, sources = held_back(recordings, classes, recipe, 16000)  # doctest: +SKIP
    """
    rng, samples = np.random.default_rng(recipe.seed), int(recipe.seconds * sample_rate)
    taken = [sounds[i % len(sounds)] for sounds in _by_class(recordings, classes) for i in range(recipe.n_validation)]
    clips = np.stack([draw_noise([sound.audio], samples, rng) for sound in taken])
    targets = np.repeat(np.eye(len(classes), dtype="float32"), recipe.n_validation, axis=0)
    return clips, targets, [sound.source for sound in taken]


def shared_classes(train, validation):
    """Names of the classes of two lists of recordings, sorted.

    Raises:
        InputError: a class is in one list only.

    Example:
        >>> shared_classes([], [])
        []
    """
    classes, others = (sorted({recording.label for recording in part}) for part in (train, validation))
    if classes != others:
        raise InputError("training and validation have different classes: give both the same")
    return classes


def _by_class(recordings, classes):
    return [[recording for recording in recordings if recording.label == name] for name in classes]
