"""The recipe: train a JND network on listeners' answers, and on what is known without asking.

One recipe covers the paper's regimes `lin`, `fin` and `scratch` (section 3.2) and ours; they differ in their TOML
files. Binary cross-entropy on the head; beside the judged pairs, ours learns from pairs that differ by a small shift
or by level, and from ladders, which fix an order and no more. The same command goes on after an interruption.
"""

import hashlib
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np
from keras import ops

from zoo.checkpoint import preset
from zoo.errors import InputError
from zoo.jnd.batches import Batches, Plain
from zoo.jnd.effects import SAMPLE_RATE
from zoo.jnd.examples import as_float
from zoo.jnd.model import JND
from zoo.jnd.spectral import SpectralJND
from zoo.training.distribution import ONE_DEVICE
from zoo.training.run import Epoch, checkpoint_callbacks, open_run, read_log, read_recipe

NETWORKS = {cls.__name__: cls for cls in (JND, SpectralJND)}
TRAINABLE = ("all", "weights")
CURVE = ("loss", "val_loss")
_TINY = 1e-4  # added to a distance inside its logarithm
# Heads on distances that do not change, which take seconds: of some starts, no unit is ever active.
_HEADS, _HEAD_EPOCHS = 4, 40
_MARGIN, _SHARPNESS = 0.05, 5.0  # of the ladders' hinge on the logarithm of the distance


@dataclass(frozen=True)
class Recipe:
    """Everything that a training depends on, besides the data.

    Attributes:
        name: of the checkpoint.
        network: "JND" (the paper's) or "SpectralJND".
        options: of the network.
        start: checkpoint of this network whose weights it starts from; None for fresh ones.
        trainable: "all", or "weights": those of the channels, and the head.
        judged, shifts, levels, ladders: pairs of each kind in a batch; a ladder is two pairs.
        renders: how often the judged pairs are rendered, on other speech.
        epochs: times through the judgments.
        learning_rate: of Adam.
        cosine: whether the rate falls to 0 by a cosine over all the epochs.
        silence: share of pairs that get 0.25 s of silence before or after, the paper's augmentation.
        gain_db: (lowest, highest) gain of both recordings of a pair.
        max_shift: most samples by which the degraded recording of a judged pair is moved, either way.
        n_ladders: ladders that there are to draw from.
        calibrate: whether the validation's answers set the curve of the answers at the end (`SpectralJND.calibrate`).
        seed: of the order, the augmentation and the first weights.
    """

    name: str
    network: str
    options: dict = field(default_factory=dict)
    start: str | None = None
    trainable: str = "all"
    judged: int = 16
    shifts: int = 0
    levels: int = 0
    ladders: int = 0
    renders: int = 1
    epochs: int = 5
    learning_rate: float = 1e-4
    cosine: bool = False
    silence: float = 0.5
    gain_db: tuple = (0, 0)
    max_shift: int = 0
    n_ladders: int = 2048
    calibrate: bool = False
    seed: int = 0

    read = classmethod(read_recipe)

    def model(self):
        """The network to train: a fresh one with this recipe's seed, or that of `start`."""
        if self.network not in NETWORKS:
            raise InputError(f"no network {self.network!r}: use {', '.join(NETWORKS)}")
        if self.trainable not in TRAINABLE:
            raise InputError(f"cannot train {self.trainable!r}: use {', '.join(TRAINABLE)}")
        if self.network != "JND" and self.trainable == "weights":
            raise InputError(f'trainable = "weights" leaves the features of the JND network, not of {self.network}')
        if self.network != "SpectralJND" and self.calibrate:
            raise InputError(f"only SpectralJND can be calibrated, not {self.network}: leave calibrate out")
        keras.utils.set_random_seed(self.seed)
        model = NETWORKS[self.network](**self.options)
        if self.start is not None:
            started = preset.load(self.start)
            if type(started) is not type(model) or started.count_params() != model.count_params():
                raise InputError(f"{self.start} is another network than this recipe's: start from one of its kind")
            model.set_weights(started.get_weights())
        if self.trainable == "weights":
            model.backbone.trainable = False
        return model


class _Training(keras.Model):
    """A metric and its loss on the targets of `Batches`: cross-entropy of answers, a hinge on ladders (of a shard)."""

    def __init__(self, metric, ladders):
        super().__init__(name="training")
        self.metric, self.ladders, self.mean = metric, ladders, _Mean(name="mean")

    def call(self, pair, training=False):
        distances = self.metric.layer_distances(pair, training)
        answers = self.metric.head(distances, training=training)
        return ops.stack([answers[:, 1] - answers[:, 0], ops.sum(distances, axis=1)], axis=1)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        logit, distance = y_pred[:, 0], y_pred[:, 1]
        asked = ops.cast(y >= 0, "float32")
        entropy = ops.softplus(logit) - ops.maximum(y, 0.0) * logit
        loss = entropy * asked / ops.mean(asked)
        if self.ladders and training:
            logarithm = ops.log(ops.maximum(distance, 0.0) + _TINY)
            mild, severe = logarithm[-2 * self.ladders : -self.ladders], logarithm[-self.ladders :]
            loss = loss + ops.mean(ops.softplus(_SHARPNESS * (mild - severe + _MARGIN))) / _SHARPNESS
        return self.mean(y, loss)


class _Mean(keras.losses.Loss):
    """Of what each row contributes; Keras divides it by the replicas of a distribution."""

    def call(self, y_true, y_pred):
        return y_pred


def train(recipe, judged, validation, ladders, runs, verbose="auto", distribution=ONE_DEVICE):
    """Train a recipe's network, or go on with it.

    Args:
        recipe: a `Recipe`.
        judged, validation: `Judged` of the training's and the validation's talkers.
        ladders: as `prepare_ladders` gives them.
        runs: folder for training states.
        verbose: as for `keras.Model.fit`.
        distribution: over which devices, a `zoo.training.distribution.Distribution`.

    Returns:
        model: with the weights of the epoch of the lowest cross-entropy on the validation's answers.
        facts: {"recipe", "best_epoch", "curve", "answers"}, as the card tells them.
        minutes: spent in the epochs, those before an interruption too.
    """
    folder = Path(runs) / f"{recipe.name}-{recipe.seed}"
    batches = Batches(recipe, judged, ladders, distribution)
    first, _ = Batches(recipe, judged, ladders)[0]  # the same on any number of devices
    with distribution.leader_first():
        open_run(folder, recipe, first_batch=hashlib.sha256(np.stack(first)).hexdigest()[:16])
    begun = read_log(folder / "log.csv")
    with distribution.scope():
        metric = recipe.model()
        model = _compiled(recipe, metric, len(batches), distribution.shards)
    if len(begun) < recipe.epochs:
        if isinstance(metric, JND) and recipe.start is None and not (folder / "state").exists():
            with distribution.leader_first():
                start = _fitted_head(recipe, judged, validation, folder / "start.weights.h5")
            metric.set_weights(start.get_weights())
        callbacks = [Epoch(batches), *checkpoint_callbacks(folder, begun, "val_loss", "min", leads=distribution.leads)]
        distribution.fit(model, batches, Plain(validation, 2 * recipe.judged), callbacks, recipe.epochs, verbose)
    model.load_weights(folder / "best.weights.h5")
    rows = read_log(folder / "log.csv")
    trained = recipe.model()  # without the optimizer, which would treble the checkpoint
    trained.set_weights(metric.get_weights())
    if recipe.calibrate:
        calibrate(trained, validation)
    shutil.rmtree(folder / "state", ignore_errors=True)
    curve = {"epoch": list(range(1, len(rows) + 1))}
    curve |= {name: [round(float(row[name]), 4) for row in rows] for name in CURVE}
    facts = {
        "recipe": asdict(recipe),
        "best_epoch": 1 + int(np.argmin([float(row["val_loss"]) for row in rows])),
        "curve": curve,
        "answers": {"training": len(judged.judgments), "validation": len(validation.judgments)},
    }
    return trained, facts, sum(float(row["seconds"]) for row in rows) / 60


def _fitted_head(recipe, judged, validation, kept):
    """A fresh network whose head is fitted, from `kept` where that is there: of a random head, no unit may ever be active."""
    metric = recipe.model()
    if not kept.exists():
        fit_head(metric, judged, validation, recipe.seed)
        metric.save_weights(part := kept.with_name(f"part-{kept.name}"))
        part.replace(kept)
    metric.load_weights(kept)
    return metric


def fit_head(metric, judged, validation, seed=0):
    """Train the head of a metric alone, on the distances of judged pairs, each in its first rendering.

    Of several starts the one with the lowest cross-entropy is kept.

    Args:
        metric: a JND metric; nothing but its head changes.
        judged, validation: `Judged`.
        seed: of the first weights and the order of the answers.

    Returns:
        {"cross_entropy": on the validation's answers, "answers": how many there are of each}, for a card.
    """
    of_training, of_validation = ((_layer_distances(metric, part), part.answers) for part in (judged, validation))
    weights, losses = [], []
    for start in range(_HEADS):
        keras.utils.set_random_seed(_HEADS * seed + start)
        metric.head.set_weights(type(metric).from_config(metric.get_config()).head.get_weights())
        head = keras.Sequential([metric.head, _Different()])
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        head.compile(keras.optimizers.Adam(3e-3), loss=loss, jit_compile=keras.backend.backend() == "jax")
        losses.append(head.fit(*of_training, batch_size=32, epochs=_HEAD_EPOCHS, verbose=0).history["loss"][-1])
        weights.append(metric.head.get_weights())
    metric.head.set_weights(weights[int(np.argmin(losses))])
    counts = {"training": len(judged.judgments), "validation": len(validation.judgments)}
    return {"cross_entropy": round(head.evaluate(*of_validation, verbose=0), 4), "answers": counts}


class _Different(keras.layers.Layer):
    """(batch, 2), scores of "same" and "different" -> (batch, 1), log-odds of "different"."""

    def call(self, answers):
        return answers[:, 1:] - answers[:, :1]


def _layer_distances(metric, judged):
    """float32 (judgments, layers)."""
    chunks = (np.array_split(as_float(chunk), 8) for chunk in judged.renderings[0])
    pairs = (list(np.moveaxis(part, 1, 0)) for parts in chunks for part in parts if len(part))
    return np.concatenate([metric.core.predict_on_batch(metric.core_inputs(pair)) for pair in pairs])


def calibrate(metric, judged):
    """Set a `SpectralJND`'s curve of the answers by judged pairs, as they are in their first rendering."""
    distances = [metric.distance(*np.moveaxis(as_float(chunk), 1, 0), SAMPLE_RATE) for chunk in judged.renderings[0]]
    metric.calibrate(np.concatenate(distances), judged.answers)


def _compiled(recipe, metric, steps, shards):
    rate = recipe.learning_rate
    if recipe.cosine:
        rate = keras.optimizers.schedules.CosineDecay(rate, recipe.epochs * steps)
    model = _Training(metric, recipe.ladders // shards)
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=5.0)
    model.compile(optimizer, jit_compile=keras.backend.backend() == "jax")
    clip = np.zeros((2, SAMPLE_RATE // 10), "float32")
    model((clip, clip))  # builds it, and Keras restores only an optimizer that is built
    model.optimizer.build(model.trainable_variables)
    return model
