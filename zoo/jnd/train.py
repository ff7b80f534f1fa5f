"""The recipe: train a JND network on listeners' answers, and on what is known without asking.

One recipe covers the paper's regimes `lin`, `fin` and `scratch` (section 2.2) and ours; they differ in their TOML
files. Binary cross-entropy on the head; beside the judged pairs, ours learns from pairs that differ by a small shift
or by level, and from ladders, which fix an order and no more. The same command goes on after an interruption.
"""

import hashlib
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import keras
import numpy as np

from zoo.backend import jit
from zoo.checkpoint import golden, preset
from zoo.data.environment import SPLITS
from zoo.errors import InputError
from zoo.jnd import pretrain, rendered
from zoo.jnd.answer import CalibratedJND
from zoo.jnd.batches import (
    INAUDIBLE,
    Batches,
    Judged,
    Plain,
    prepare,
    prepare_graded,
    prepare_ladders,
    prepare_music,
)
from zoo.jnd.degradations import GROUP, Graded
from zoo.jnd.effects import SAMPLE_RATE
from zoo.jnd.examples import as_float
from zoo.jnd.head import count_answers, fit_head
from zoo.jnd.judgments import read_judgments
from zoo.jnd.model import JND
from zoo.jnd.objective import Objective
from zoo.jnd.quality import QualityJND
from zoo.jnd.spectral import SpectralJND
from zoo.jnd.studies import is_study, read_triplets
from zoo.training.checkpoint import Trained
from zoo.training.config import Config, read_recipe
from zoo.training.distribution import ONE_DEVICE, Distribution
from zoo.training.run import Run, without_optimizer

NETWORKS = {cls.__name__: cls for cls in (JND, SpectralJND, QualityJND)}
TRAINABLE = ("all", "weights")
CURVE = ("loss", "val_loss")


@dataclass(frozen=True)
class Recipe:
    """Everything that a training depends on, besides the data.

    Attributes:
        name: of the checkpoint.
        network: "JND" (the paper's), "SpectralJND" or "QualityJND".
        options: of the network.
        start: checkpoint of this network whose weights it starts from; None for fresh ones.
        trainable: "all", or "weights": those of the channels, and the head.
        judged, shifts, levels, ladders: pairs of each kind in a batch; a ladder is two pairs.
        inaudible: what the pairs of `shifts` differ by, in turn: of `zoo.jnd.batches.INAUDIBLE`.
        max_delay: most samples, at 22,050 Hz, of a shift that nobody hears.
        graded: clips in a batch with four graded degradations each (`zoo.jnd.severity`).
        n_graded: of those clips that there are to draw from.
        music: clips of music in a batch with four graded degradations each (`zoo.jnd.music`).
        n_music: of those clips that there are to draw from.
        teaching: weight of the squared errors of the teachers' scores.
        renders: how often the judged pairs are rendered, on other speech.
        epochs: times through the judgments.
        learning_rate: of Adam.
        cosine: whether the rate falls to 0 by a cosine over all the epochs.
        silence: share of pairs that get 0.25 s of silence before or after, the paper's augmentation.
        gain_db: (lowest, highest) gain of both recordings of a pair.
        max_shift: most samples, at 22,050 Hz, by which the degraded recording of a judged pair is moved, either way.
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
    inaudible: tuple = ("shift",)
    max_delay: int = 100
    graded: int = 0
    n_graded: int = 1024
    music: int = 0
    n_music: int = 512
    teaching: float = 2.0
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

    @property
    def rungs(self):
        """Pairs (mild, severe) of a batch whose order is known."""
        return self.ladders + GROUP // 2 * (self.graded + self.music)

    @property
    def sample_rate(self):
        """Of the network, in Hz."""
        return self.options.get("sample_rate", SAMPLE_RATE)

    def model(self):
        """The network to train: a fresh one with this recipe's seed, or that of `start`."""
        if self.network not in NETWORKS:
            raise InputError(f"no network {self.network!r}: use {', '.join(NETWORKS)}")
        if self.trainable not in TRAINABLE:
            raise InputError(f"cannot train {self.trainable!r}: use {', '.join(TRAINABLE)}")
        if self.network != "JND" and self.trainable == "weights":
            raise InputError(f'trainable = "weights" leaves the features of the JND network, not of {self.network}')
        if self.network == "JND" and self.calibrate:
            raise InputError("the network JND cannot be calibrated: leave calibrate out")
        if unknown := set(self.inaudible) - set(INAUDIBLE):
            raise InputError(f"nobody knows the change {', '.join(unknown)}: inaudible has {', '.join(INAUDIBLE)}")
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


def train(
    recipe: Recipe,
    judged: Judged,
    validation: Judged,
    ladders: list[np.ndarray] | None,
    runs: str | Path,
    verbose: int | str = "auto",
    distribution: Distribution = ONE_DEVICE,
    graded: Graded | None = None,
    graded_music: Graded | None = None,
) -> tuple[keras.Model, dict, float]:
    """Train a recipe's network, or go on with it.

    Args:
        recipe: a `Recipe`.
        judged, validation: `Judged` of the training's and the validation's talkers.
        ladders: as `prepare_ladders` gives them.
        runs: folder for training states.
        verbose: as for `keras.Model.fit`.
        distribution: over which devices, a `zoo.training.distribution.Distribution`.
        graded, graded_music: as `prepare_graded` and `prepare_music` give them.

    Returns:
        model: with the weights of the epoch of the lowest cross-entropy on the validation's answers.
        facts: {"recipe", "best_epoch", "curve", "answers"}, as the card tells them.
        minutes: spent in the epochs, those before an interruption too.
    """
    batches = Batches(recipe, judged, ladders, distribution, graded, graded_music)
    # The same on any number of devices.
    first, _ = Batches(recipe, judged, ladders, graded=graded, graded_music=graded_music)[0]
    digest = {"first_batch": hashlib.sha256(np.stack(first)).hexdigest()[:16]}
    run = Run(Path(runs) / f"{recipe.name}-{recipe.seed}", recipe, "val_loss", distribution=distribution, data=digest)
    with distribution.scope():
        metric = recipe.model()
        model = _compiled(recipe, metric, len(batches), distribution.shards)
    if _needs_head(recipe, run):
        with distribution.leader_first():
            start = _fitted_head(recipe, judged, validation, run.folder / "start.weights.h5")
        metric.set_weights(start.get_weights())
    run.fit(model, batches, Plain(validation, 2 * recipe.judged, recipe.sample_rate), verbose=verbose)
    run.restore_best(model)
    trained = without_optimizer(recipe.model(), metric)
    if recipe.calibrate:
        calibrate(trained, validation)
    facts = {"recipe": asdict(recipe), "best_epoch": run.best(), "curve": run.curve(CURVE)}
    return trained, facts | {"answers": count_answers(judged, validation)}, run.minutes()


def _needs_head(recipe, run):
    """Whether a fresh network of the paper is at its first epoch: of a random head, no unit may ever be active."""
    fresh = NETWORKS[recipe.network] is JND and recipe.start is None
    return fresh and not run.finished() and not (run.folder / "state").exists()


def _fitted_head(recipe, judged, validation, path):
    """A fresh network whose head is fitted to the answers, or read from `path` where that exists."""
    metric = recipe.model()
    if not path.exists():
        fit_head(metric, judged, validation, recipe.seed)
        temporary = path.with_name(f"part-{path.name}")  # Keras wants the ending .weights.h5
        metric.save_weights(temporary)
        temporary.replace(path)
    metric.load_weights(path)
    return metric


def calibrate(metric: CalibratedJND, judged: Judged) -> None:
    """Set a metric's curve of the answers by judged pairs, as they are in their first rendering."""
    distances = []
    for chunk in judged.renderings[0]:
        pairs = rendered.at_rate(metric, *np.moveaxis(as_float(chunk), 1, 0))
        distances.append(metric.distance(*pairs, metric.sample_rate))
    metric.calibrate(np.concatenate(distances), judged.answers)


def _compiled(recipe, metric, steps, shards):
    rate = recipe.learning_rate
    if recipe.cosine:
        rate = keras.optimizers.schedules.CosineDecay(rate, recipe.epochs * steps)
    model = Objective(metric, recipe.rungs // shards, (recipe.graded or recipe.music) and recipe.teaching)
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=5.0)
    model.compile(optimizer, jit_compile=jit())
    clip = np.zeros((2, recipe.sample_rate // 10), "float32")
    model((clip, clip))  # builds it, and Keras restores only an optimizer that is built
    model.optimizer.build(model.trainable_variables)
    return model


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this family to tools/train.py."""
    words = "tables of answers, or triplets.csv of a listening study (default: jnd_judgments in --data)"
    parser.add_argument("--judgments", metavar="DIR|CSV", help=words)
    words = "networks of the codec Lyra, for recipes with graded degradations (default: without that kind)"
    parser.add_argument("--lyra", metavar="DIR", help=words)
    parser.add_argument("--dcase", metavar="DIR", help="DCASE 2016 recordings for the features, instead of --data")
    parser.add_argument("--seeds", type=int, nargs="+", help="one training each; the best is kept (default: --seed)")


def train_config(config: Config, options: Namespace, distribution: Distribution) -> Trained:
    """Train a metric, or the features it starts from, as a config and the options say; gives `Trained`.

    A config without a network is one of features: trained on environmental sounds, with a head on the answers. Of
    several seeds the one with the lowest cross-entropy on the validation's answers is kept; the card lists all.
    """
    if options.seeds and options.seed is not None:
        raise InputError("give --seed or --seeds, not both")
    if "network" in config.fields:
        return _train_metric(config.recipe(Recipe, vars(options)), options, distribution)
    return _train_features(config.recipe(pretrain.Recipe, vars(options)), options, distribution)


def _train_metric(recipe, options, distribution):
    if options.dcase:
        raise InputError("--dcase is for recipes of features; this one trains a metric")
    with distribution.leader_first():
        answers = _rendered_answers(options, recipe.renders)
        ladders = prepare_ladders(recipe, options.data, options.runs, options.jobs)
        graded = prepare_graded(recipe, options.data, options.runs, options.lyra, options.jobs)
        graded_music = prepare_music(recipe, options.data, options.runs, options.jobs)
    recipes = [replace(recipe, seed=seed) for seed in options.seeds or [recipe.seed]]
    trained = [
        train(one, *answers, ladders, options.runs, options.verbose, distribution, graded, graded_music)
        for one in recipes
    ]
    losses = [min(facts["curve"]["val_loss"]) for _, facts, _ in trained]
    best = int(np.argmin(losses))
    model, facts, _ = trained[best]
    facts["seeds"] = [{"seed": one.seed, "cross_entropy": loss} for one, loss in zip(recipes, losses, strict=True)]
    if is_study(options.judgments):
        facts["judgments"] = options.judgments  # whose test it is evaluated on
    minutes = sum(minutes for _, _, minutes in trained)
    return Trained(recipes[best], model, facts, minutes, _golden_inputs(model))


def _train_features(recipe, options, distribution):
    seed, *more = options.seeds or [recipe.seed]
    if more or options.start:
        raise InputError("features are trained from one seed and from nothing: give one of --seeds, and no --start")
    recipe = replace(recipe, seed=seed)
    sounds = [pretrain.read_sounds(options.data, split, options.dcase) for split in SPLITS]
    model, facts, minutes = pretrain.pretrain(recipe, *sounds, options.runs, options.verbose, distribution)

    def add_head():
        """A head on the answers; the distance has no part in features."""
        return {"head": fit_head(model, *_rendered_answers(options, renders=1), recipe.seed)}

    return Trained(recipe, model, facts, minutes, _golden_inputs(model), complete=add_head)


def _golden_inputs(model):
    return golden.voices_in_noise(model.sample_rate, (10, 30))


def _rendered_answers(options, renders):
    """The training's and the validation's judged pairs, of a study's triplets or of the published tables."""
    if is_study(options.judgments):
        return [read_triplets(options.judgments, split) for split in ("train", "validation")]
    judgments, dropped = read_judgments(options.judgments or Path(options.data) / "jnd_judgments")
    for (table, reason), rows in dropped.items():
        print(f"{table}: {rows} rows are left out: each {reason}")
    return [
        prepare(judgments, options.data, options.runs, split, count, options.jobs)
        for split, count in (("train", renders), ("validation", 1))
    ]
