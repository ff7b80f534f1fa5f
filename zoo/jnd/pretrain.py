"""The regime `pre`: features of the JND network trained to tell environmental sounds apart.

Manocha et al. 2020 (section 3.2) take these features from Germain, Chen and Koltun 2018 ("Speech Denoising with Deep
Feature Losses"), who train them on the scenes and tags of DCASE 2016. `lin` and `fin` start from them. Each step is
one `tf.function` on TensorFlow and one jitted function on JAX; the same command goes on after an interruption.
"""

import hashlib
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np
from keras import ops

from zoo.audio import dsp, mix
from zoo.audio.corpus import draw_noise
from zoo.errors import InputError
from zoo.jnd.effects import SAMPLE_RATE
from zoo.jnd.model import JND
from zoo.training import Epoch, claim, keepers, read_log, read_recipe

CURVE = ("loss", "accuracy", "val_accuracy")


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
        features = self.backbone([waveform[:, :, None], dsp.lengths_of(waveform)], training=training)
        means = ops.concatenate([ops.mean(x, axis=1) for x in features[::2]], axis=1)
        return self.regression(self.standardize(means, training=training))


class Clips(keras.utils.PyDataset):
    """Batches of clips with the share of each class in them, drawn anew in each epoch from (seed, epoch, batch).

    Classes are drawn evenly, and recordings evenly within a class. Level is not varied: the network does not hear it.

    Args:
        recordings: list of `environment.LabelledRecording`.
        classes: names, in the order of the targets.
        recipe: a `Recipe`: seconds, batch_size, steps, mixed, speed, seed.

    A batch is float32 (batch, samples) and float32 (batch, classes), which sum to 1.
    """

    def __init__(self, recordings, classes, recipe):
        super().__init__()
        self.by_class = _by_class(recordings, classes)
        self.recipe, self.samples, self.epoch = recipe, _samples(recipe), 0

    def shuffle(self, epoch):
        """Go to another epoch."""
        self.epoch = epoch

    def __len__(self):
        return self.recipe.steps

    def __getitem__(self, index):
        rng = np.random.default_rng([self.recipe.seed, self.epoch, index])
        drawn = [self._mixture(rng) for _ in range(self.recipe.batch_size)]
        clips, targets = (np.stack(parts).astype("float32") for parts in zip(*drawn, strict=True))
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
        speed = np.exp(rng.uniform(*np.log(self.recipe.speed)))
        stretch = draw_noise(self.by_class[place], int(self.samples * speed) + 2, rng)
        clip = np.interp(np.arange(self.samples) * speed, np.arange(len(stretch)), stretch)
        return 0.1 * clip / max(mix.rms(clip), 1e-6), np.eye(len(self.by_class))[place]


def held_back(recordings, classes, recipe):
    """The validation clips: so many of each class, from its recordings in turn, unchanged.

    Returns:
        float32 (clips, samples), and float32 (clips, classes), 1 for the class of the clip.
    """
    rng, samples = np.random.default_rng(recipe.seed), _samples(recipe)
    clips = [
        draw_noise([sounds[i % len(sounds)]], samples, rng)
        for sounds in _by_class(recordings, classes)
        for i in range(recipe.n_validation)
    ]
    return np.stack(clips), np.repeat(np.eye(len(classes), dtype="float32"), recipe.n_validation, axis=0)


def pretrain(recipe, train, validation, runs, verbose="auto"):
    """Train a recipe's features, or go on with it.

    Args:
        recipe: a `Recipe`.
        train, validation: lists of `environment.LabelledRecording`, of the same classes.
        runs: folder for training states.
        verbose: as for `keras.Model.fit`.

    Returns:
        model: `JND` whose backbone has the weights of the epoch that was best on the validation clips; its channel
            weights are 1, and its head is as it was drawn.
        facts: {"recipe", "classes", "n_train", "n_validation", "best_epoch", "val_accuracy", "curve"}; n_ are
            recordings, accuracies shares 0..1 of clips, evenly over classes; those of training are on mixtures too.
        minutes: spent in the epochs, those before an interruption too.

    Raises:
        InputError: a class is in one list only, the batch is odd, or the run is another recipe's.
    """
    classes = sorted({recording.label for recording in train})
    if classes != sorted({recording.label for recording in validation}):
        raise InputError("training and validation have different classes: give both the same")
    if recipe.batch_size % 2:
        raise InputError(f"a batch of {recipe.batch_size} cannot be halved: give an even batch_size")
    folder, clips = Path(runs) / recipe.name, Clips(train, classes, recipe)
    claim(folder, recipe, first_batch=hashlib.sha256(clips[0][0]).hexdigest()[:16])
    model, begun = _compiled(recipe, len(classes)), read_log(folder / "log.csv")
    if len(begun) < recipe.epochs:
        model.fit(
            clips,
            validation_data=held_back(validation, classes, recipe),
            validation_batch_size=recipe.batch_size,
            epochs=recipe.epochs,
            callbacks=[Epoch(clips), *keepers(folder, begun, "val_accuracy", "max")],
            shuffle=False,
            verbose=verbose,
        )
    model.load_weights(folder / "best.weights.h5")
    keras.utils.set_random_seed(recipe.seed)
    trained = JND(**recipe.options)
    trained.backbone.set_weights(model.backbone.get_weights())
    shutil.rmtree(folder / "state", ignore_errors=True)
    rows = read_log(folder / "log.csv")
    facts = {"recipe": asdict(recipe), "classes": classes, "n_train": len(train), "n_validation": len(validation)}
    return trained, facts | _curve(rows), sum(float(row["seconds"]) for row in rows) / 60


def _compiled(recipe, classes):
    model = recipe.classifier(classes)
    schedule = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, recipe.epochs * recipe.steps)
    model.compile(
        keras.optimizers.Adam(schedule, global_clipnorm=1.0),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=keras.backend.backend() == "jax",  # XLA's convolutions are slow on a CPU
    )
    model(np.zeros((2, _samples(recipe)), "float32"))
    model.optimizer.build(model.trainable_variables)  # a resumed training restores only a built one
    return model


def _curve(rows):
    curve = {"epoch": list(range(1, len(rows) + 1))}
    curve |= {name: [round(float(row[name]), 4) for row in rows] for name in CURVE}
    best = int(np.argmax([float(row["val_accuracy"]) for row in rows]))
    return {"best_epoch": curve["epoch"][best], "val_accuracy": curve["val_accuracy"][best], "curve": curve}


def _by_class(recordings, classes):
    return [[recording.audio for recording in recordings if recording.label == name] for name in classes]


def _samples(recipe):
    return int(recipe.seconds * SAMPLE_RATE)
