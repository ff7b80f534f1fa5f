"""The recipe: draw pairs, label them with the target metric, fit a network to the labels.

Every stage keeps what it has done (chunks, labels, a training state each epoch), so the same command goes on after an
interruption. The loss is the squared error of Q = (metric - low) / (high - low); on TensorFlow the step is one
`tf.function`, on JAX one jitted function.
"""

import itertools
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np
from keras import ops

from zoo.audio import channels
from zoo.backend import jit
from zoo.checkpoint import golden
from zoo.checkpoint.integrity import sha256
from zoo.errors import InputError
from zoo.quality_net import examples, labels
from zoo.quality_net.enhancers import SIMULATED, fingerprint
from zoo.quality_net.free import QualityNetFree
from zoo.quality_net.model import QualityNet, QualityNetLite
from zoo.training.checkpoint import Trained
from zoo.training.config import Config, read_recipe
from zoo.training.distribution import ONE_DEVICE, Distribution
from zoo.training.run import Run, without_optimizer

NETWORKS = {kind.__name__: kind for kind in (QualityNet, QualityNetLite, QualityNetFree)}


@dataclass(frozen=True)
class Recipe:
    """Everything that a training depends on, besides the data.

    Attributes:
        name: of the checkpoint.
        network: one of `NETWORKS`.
        options: of the network, such as dropout.
        metric: a target's name, or package.module:function.
        metric_range: (low, high) of a function; known metrics have their own.
        variety: kinds of `zoo.quality_net.examples.VARIETY` that the training pairs get; the others never do.
        enhancers: of the training pairs, "simulated" or checkpoints, each as often; the other pairs are simulated.
        reference_range_db: `zoo.audio.mix.level_range_db` of the references of training and validation, at least. Without
            a reference, noise of its own cannot be told from noise that was added.
        clean_share: of the training pairs, references as their own degraded recordings, half of them through a noise gate:
            so many for each other pair.
        n_train, n_validation, n_test: pairs; n_test of each test split.
        batch_size, epochs, learning_rate: of Adam; the rate falls to 0 by a cosine after a short warm-up.
        seed: of the pairs, the first weights, the order and the dropout.
    """

    name: str
    network: str
    metric: str
    options: dict = field(default_factory=dict)
    metric_range: tuple = (0.0, 1.0)
    variety: tuple = ()
    enhancers: tuple = (SIMULATED,)
    reference_range_db: float = 0.0
    clean_share: float = 0.0
    n_train: int = 40960
    n_validation: int = 1536
    n_test: int = 2048
    batch_size: int = 32
    epochs: int = 10
    learning_rate: float = 2e-3
    seed: int = 0

    read = classmethod(read_recipe)

    def target(self):
        """The metric to learn."""
        return labels.target(self.metric, *self.metric_range)

    def model(self):
        """A fresh network with this recipe's options and seed."""
        if self.network not in NETWORKS:
            raise InputError(f"no network {self.network!r}: use one of {', '.join(NETWORKS)}")
        keras.utils.set_random_seed(self.seed)
        target = self.target()
        return NETWORKS[self.network](
            **self.options, target_range=(target.low, target.high), value_range=target.metric["range"]
        )


class Pairs(keras.utils.PyDataset):
    """Labelled pairs in batches of one clip length, shuffled by (seed, epoch); pairs without a label are left out.

    Batches are ([reference, degraded] float32 (batch, samples) each, labels float32 (batch,)), or for a network that
    needs no reference (degraded, labels).

    Args:
        chunks: int16 (n, 2, samples) arrays.
        scores: (pairs,) labels in order, NaN where there is none.
        batch_size: pairs in a batch; the last of a clip length may be smaller.
        seed: of the order; None keeps it.
        references: whether the batches have them.
    """

    def __init__(self, chunks, scores, batch_size, seed=None, references=True):
        super().__init__()
        self.references = references
        self.chunks, self.scores, self.batch_size, self.seed = (
            chunks,
            np.asarray(scores, "float32"),
            batch_size,
            seed,
        )
        places = [(chunk, row) for chunk, audio in enumerate(chunks) for row in range(len(audio))]
        self.groups = {}  # clip length -> (pairs, 3) of chunk, row, pair
        for pair, (chunk, row) in enumerate(places):
            if np.isfinite(self.scores[pair]):
                self.groups.setdefault(chunks[chunk].shape[-1], []).append((chunk, row, pair))
        self.shuffle(0)

    def shuffle(self, epoch):
        """Lay out the batches of an epoch; clip lengths take turns."""
        rng = np.random.default_rng([self.seed or 0, epoch])
        groups = []
        for group in self.groups.values():
            order = np.arange(len(group)) if self.seed is None else rng.permutation(len(group))
            starts = range(0, len(group), self.batch_size)
            groups.append([[group[i] for i in order[start : start + self.batch_size]] for start in starts])
        # Turns, because Keras takes the time axis for fixed when the first two batches have one length.
        turns = itertools.chain.from_iterable(itertools.zip_longest(*groups))
        self.batches = [batch for batch in turns if batch is not None]

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        batch = self.batches[index]
        audio = examples.as_float(np.stack([self.chunks[chunk][row] for chunk, row, _ in batch]))
        reference, degraded = audio[:, 0], audio[:, 1]
        inputs = (reference, degraded) if self.references else degraded
        return inputs, self.scores[[pair for *_, pair in batch]]


def prepare(
    recipe: Recipe,
    data: str | Path,
    runs: str | Path,
    split: str,
    n_jobs: int = -1,
    variety: tuple | None = None,
    seconds: tuple = examples.SECONDS,
) -> tuple[examples.Chunks, np.ndarray]:
    """The pairs of a split and their labels, drawn and computed where they are not there yet.

    Args:
        recipe: a `Recipe`.
        data: folder with the recordings (see `examples.build`).
        runs: folder for pairs and labels.
        split: one of `zoo.data.speech.SPLITS`.
        n_jobs: processes.
        variety: kinds of the pairs; None for the recipe's in training, and none in the other splits.
        seconds: lengths of the pairs, by turns.

    Returns:
        `examples.Chunks`, and float64 (pairs,) labels.
    """
    chunks = draw(recipe, data, runs, split, n_jobs, variety, seconds)
    return chunks, labels.label(chunks.audio, recipe.target(), labels_file(runs), examples.SAMPLE_RATE, n_jobs)


def draw(
    recipe: Recipe,
    data: str | Path,
    runs: str | Path,
    split: str,
    n_jobs: int = -1,
    variety: tuple | None = None,
    seconds: tuple = examples.SECONDS,
) -> examples.Chunks:
    """The pairs of `prepare`, without their labels."""
    manifest = Path(data) / "MANIFEST.csv"
    digest = sha256(manifest)[:8] if manifest.is_file() else "none"
    if variety is None:
        variety = recipe.variety if split == "train" else ()
    enhancers = tuple(recipe.enhancers) if split == "train" else (SIMULATED,)
    kinds = "".join(f"-{kind}" for kind in sorted(variety)) + fingerprint(enhancers)
    lengths = "" if seconds == examples.SECONDS else f"-{'-'.join(f'{each:g}' for each in seconds)}-s"
    directory = Path(runs) / f"examples-v{examples.VERSION}-{digest}-{recipe.seed}{kinds}{lengths}"
    n_examples = {"train": recipe.n_train, "validation": recipe.n_validation}.get(split, recipe.n_test)
    examples.build(data, split, n_examples, directory, recipe.seed, n_jobs, tuple(variety), enhancers, seconds)
    return examples.Chunks(directory, split, n_examples)


def train(
    recipe: Recipe,
    data: str | Path,
    runs: str | Path,
    n_jobs: int = -1,
    verbose: int | str = "auto",
    distribution: Distribution = ONE_DEVICE,
) -> tuple[keras.Model, dict, float]:
    """Train a recipe's network, or go on with it.

    Args:
        recipe: a `Recipe`.
        data: folder with the recordings (see `examples.build`).
        runs: folder for pairs, labels and training states.
        n_jobs: processes for pairs and labels.
        verbose: as for `keras.Model.fit`.
        distribution: over which devices, a `zoo.training.distribution.Distribution`.

    Returns:
        model: with the weights of the epoch that was best on the validation pairs.
        facts: {"n_train", "n_train_failed", "best_epoch", "validation_rmse", "recipe"}; epochs count from 0.
        minutes: spent in the epochs, those before an interruption too.
    """
    with distribution.leader_first():
        train_pairs, train_scores = prepare(recipe, data, runs, "train", n_jobs)
        validation_pairs, validation_scores = prepare(recipe, data, runs, "validation", n_jobs)
    train_labels, validation_labels = (
        _without_noisy_references(recipe, *labelled)
        for labelled in ((train_pairs, train_scores), (validation_pairs, validation_scores))
    )
    with distribution.leader_first():
        train_audio, train_labels = _with_clean(recipe, train_pairs.audio, train_labels, runs, n_jobs)
    run = Run(Path(runs) / recipe.name, recipe, "val_rmse", distribution=distribution)
    with distribution.scope():
        model = recipe.model()
        size, references = recipe.batch_size, model.needs_reference
        pairs = Pairs(train_audio, train_labels, size, recipe.seed, references)
        _compile(model, recipe, steps=recipe.epochs * len(pairs))
    validation = Pairs(validation_pairs.audio, validation_labels, size, references=references)
    run.fit(model, pairs, validation, verbose=verbose)
    run.restore_best(model)
    facts = {
        "n_train": len(train_scores),
        "n_train_failed": int(np.isnan(train_scores).sum()),
        "n_train_used": int(np.isfinite(train_labels).sum()),
        "best_epoch": run.best() - 1,
        "validation_rmse": min(run.values()),
        "recipe": asdict(recipe),
    }
    return without_optimizer(recipe.model(), model), facts, run.minutes()


def _without_noisy_references(recipe, pairs, scores):
    """The labels, NaN where the reference has less than the recipe's range of levels."""
    if not recipe.reference_range_db:
        return scores
    return np.where(examples.reference_ranges_db(pairs.audio) < recipe.reference_range_db, np.nan, scores)


def _with_clean(recipe, chunks, scores, runs, n_jobs):
    """Chunks and labels, and after them some references as their own degraded recordings, half of them gated."""
    if not recipe.clean_share:
        return chunks, scores
    rng = np.random.default_rng([recipe.seed, len(scores)])
    usable = np.split(np.isfinite(scores), np.cumsum([len(audio) for audio in chunks])[:-1])
    clean = []
    for audio, rows in zip(chunks, usable, strict=True):
        chosen = np.repeat(audio[rows & (rng.random(len(audio)) < recipe.clean_share), :1], 2, axis=1)
        for pair in chosen[::2]:
            gated = channels.gate(examples.as_float(pair[1]), examples.SAMPLE_RATE, rng)
            pair[1] = np.round(32768 * gated)
        clean.append(chosen)
    clean = [pairs for pairs in clean if len(pairs)]
    perfect = labels.label(clean, recipe.target(), labels_file(runs), examples.SAMPLE_RATE, n_jobs)
    return [*chunks, *clean], np.append(scores, perfect)


def labels_file(runs: str | Path) -> Path:
    """Where labels are kept, of all recipes."""
    return Path(runs) / "labels.sqlite"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this family to tools/train.py."""
    parser.add_argument(
        "--metric", help="pesq-wb, pesq-nb, stoi, or package.module:function(reference, degraded, rate)"
    )
    parser.add_argument("--metric-range", type=float, nargs=2, help="scores of a function that become 0 and 1")
    for split in ("train", "validation", "test"):
        parser.add_argument(f"--n-{split}", type=int, help="pairs")


def train_config(config: Config, options: Namespace, distribution: Distribution) -> Trained:
    """Draw, label and train as a config and the options of tools/train.py say; gives `Trained`."""
    recipe = config.recipe(Recipe, vars(options))
    model, facts, minutes = train(recipe, options.data, options.runs, options.jobs, options.verbose, distribution)
    inputs = model.of_pair(*golden.voices_in_noise(model.sample_rate, (5, 20)))
    return Trained(recipe, model, facts, minutes, inputs, {"metric": recipe.target().metric})


class _SquaredError(keras.losses.Loss):
    """Of each pair; Keras's own gives one number of scores (batch,), which it does not divide by the replicas."""

    def call(self, y_true, y_pred):
        return ops.square(y_true - y_pred)


def _compile(model, recipe, steps):
    """Squared error of Q, by Adam at a rate that warms up and falls to 0 by a cosine over all the steps."""
    schedule = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 20,
        steps,
        warmup_target=recipe.learning_rate,
        warmup_steps=min(200, steps // 10),
    )
    low, high = model.target_range
    model.compile(
        keras.optimizers.Adam(schedule, global_clipnorm=1.0),
        loss=_SquaredError(name="squared_error"),
        loss_weights=1 / (high - low) ** 2,  # from the metric's units to Q's
        metrics=[keras.metrics.RootMeanSquaredError(name="rmse")],
        jit_compile=jit(),
    )
    model.optimizer.build(model.trainable_variables)  # a resumed training restores only a built one
