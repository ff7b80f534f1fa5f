"""The regime `pre`: features of the JND network trained to tell environmental sounds apart.

Manocha et al. 2020 (section 2.2) take these features from Germain, Chen and Koltun 2018 ("Speech Denoising with Deep
Feature Losses"), who train them on the scenes and tags of DCASE 2016. `lin` and `fin` start from them. Each step is
one `tf.function` on TensorFlow and one jitted function on JAX; the same command goes on after an interruption.
"""

from dataclasses import dataclass, field
from pathlib import Path

import keras
from keras import ops

from zoo.audio import dsp
from zoo.data import environment
from zoo.data.environment import LabelledRecording
from zoo.errors import InputError
from zoo.jnd.effects import SAMPLE_RATE
from zoo.jnd.model import JND
from zoo.jnd.noises import training_share
from zoo.training.classifier import train_classifier
from zoo.training.config import read_recipe
from zoo.training.distribution import ONE_DEVICE, Distribution
from zoo.training.run import without_optimizer


@dataclass(frozen=True)
class Recipe:
    """Everything that a training depends on, besides the data.

    Attributes:
        name: of the checkpoint.
        options: of the network, `zoo.jnd.model.JND`.
        seconds: length of a clip.
        batch_size, steps, epochs: clips in a batch (even: the dropout masks come in pairs), batches in an epoch, epochs.
        learning_rate: of Adam at the start; it falls to 0 by a cosine.
        dropout: share of each layer's features that this training leaves out; `options` has that of the metric.
        mixed: share of the clips that are mixtures of two.
        speed: (slowest, fastest) at which a clip is played.
        n_validation: clips of each class that the accuracy is measured on.
        seed: of the clips, the first weights and the dropout.
    """

    name: str
    options: dict = field(default_factory=dict)
    seconds: float = 2.5
    batch_size: int = 16
    steps: int = 100
    epochs: int = 25
    learning_rate: float = 1e-3
    dropout: float = 0.1
    mixed: float = 0.5
    speed: tuple = (0.8, 1.25)
    n_validation: int = 16
    seed: int = 0

    read = classmethod(read_recipe)

    def classifier(self, classes):
        """A fresh classifier of so many classes, with this recipe's seed."""
        keras.utils.set_random_seed(self.seed)
        return Classifier(JND(**{**self.options, "dropout": self.dropout}).backbone, classes)


class Classifier(keras.Model):
    """A backbone, the mean over time of each of its layers, and a logistic regression on all of them.

    Germain et al. regress on the mean of the deepest layer alone, which has 7 frames of a clip of 2.5 s; with all
    layers, each one learns from the classes directly. The means are batch-normalised first: a feature that the clip
    has normalised already has nearly the same mean in every clip, and the regression would hardly move.

    Args:
        backbone: [waveform (batch, time, 1), lengths (batch,)] -> [features, lengths, ...] of each layer.
        classes: how many.

    Call:
        waveform: float (batch, samples) in [-1, 1].
        Returns log-odds, float32 (batch, classes).
    """

    def __init__(self, backbone, classes):
        super().__init__(name="classifier")
        self.backbone = backbone
        self.standardize = keras.layers.BatchNormalization(momentum=0.9, center=False, scale=False)
        self.regression = keras.layers.Dense(classes)

    def call(self, waveform, training=False):
        features = self.backbone([waveform[:, :, None], dsp.resolve_lengths(waveform)], training=training)
        means = ops.concatenate([ops.mean(x, axis=1) for x in features[::2]], axis=1)
        return self.regression(self.standardize(means, training=training))


def read_sounds(data: str | Path, split: str, dcase: str | Path | None = None) -> list[LabelledRecording]:
    """The recordings that features are trained on, at 22,050 Hz.

    Of those that perturbations draw noises from, only the part that is for training (`zoo.jnd.noises`).

    Args:
        data: folder of MANIFEST.csv and noise/, as for `zoo.data.environment.read_noise_classes`.
        split: "train" or "validation".
        dcase: folder of DCASE 2016 recordings to read instead, as for `read_dcase`.

    Returns:
        list of `LabelledRecording`.

    Raises:
        InputError: as the two readers.
    """
    if dcase:
        return environment.read_dcase(dcase, split, SAMPLE_RATE)
    return environment.read_noise_classes(data, split, SAMPLE_RATE, training_share)


def pretrain(
    recipe: Recipe,
    train: list[LabelledRecording],
    validation: list[LabelledRecording],
    runs: str | Path,
    verbose: int | str = "auto",
    distribution: Distribution = ONE_DEVICE,
) -> tuple[JND, dict, float]:
    """Train a recipe's features, or go on with it.

    Args:
        recipe: a `Recipe`.
        train, validation: lists of `zoo.data.environment.LabelledRecording`, of the same classes.
        runs: folder for training states.
        verbose: as for `keras.Model.fit`.
        distribution: over which devices, a `zoo.training.distribution.Distribution`.

    Returns:
        model: `JND` whose backbone has the weights of the epoch that was best on the validation clips; its channel
            weights are 1, and its head is as it was drawn.
        facts: {"recipe", "classes", "n_train", "n_validation", "best_epoch", "val_accuracy", "curve"}; n_ are
            recordings, accuracies shares 0..1 of clips, evenly over classes; those of training are on mixtures too.
        minutes: spent in the epochs, those before an interruption too.

    Raises:
        InputError: a class is in one list only, the batch is odd, or the run is another recipe's.
    """
    _check_batch(recipe.batch_size, distribution.replicas)
    trained, facts, minutes = train_classifier(
        recipe,
        lambda classes: recipe.classifier(len(classes)),
        train,
        validation,
        runs,
        SAMPLE_RATE,
        True,
        verbose,
        distribution,
    )
    keras.utils.set_random_seed(recipe.seed)
    model = JND(**recipe.options)
    without_optimizer(model.backbone, trained.backbone)
    return model, facts, minutes


def _check_batch(batch_size, devices):
    """Dropout masks come in pairs, so a device needs an even part of a batch."""
    if batch_size % (2 * devices):
        even = f"a batch_size that {2 * devices} divides" if devices > 1 else "an even batch_size"
        raise InputError(f"a batch of {batch_size} cannot be halved on each device: give {even}")
