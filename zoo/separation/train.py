"""The recipe: train a separator on remixed excerpts, at the paper's loss or another, and stop by validation.

Excerpts go in as waveforms; spectra, masks and the loss are one compiled step (`tf.function`, or jitted on JAX). The
same command goes on after an interruption.
"""

import hashlib
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np
from keras import ops

from zoo.audio import dsp
from zoo.backend import jit
from zoo.errors import InputError
from zoo.separation.banded import BandSeparator
from zoo.separation.inference import EPS
from zoo.separation.loss import ChandnaLoss, ReportLoss, SourcesErrorLevel, SourcesSquaredError
from zoo.separation.mixing import Remixes, Segments
from zoo.separation.model import ChandnaSeparator, MaskSeparator, PerceptronSeparator
from zoo.separation.tracks import Track, find_tracks, read_kinds
from zoo.training.checkpoint import Trained
from zoo.training.config import Config, read_recipe
from zoo.training.distribution import ONE_DEVICE, Distribution
from zoo.training.run import ArrayBatches, Run, without_optimizer

LOSSES = {
    "squared-error": SourcesSquaredError,
    "error-level": SourcesErrorLevel,
    "chandna": ChandnaLoss,
    "report": ReportLoss,
}
ARCHITECTURES = {"chandna": ChandnaSeparator, "perceptron": PerceptronSeparator, "band": BandSeparator}


@dataclass(frozen=True)
class Recipe:
    """Everything that a training depends on, besides the data.

    Attributes:
        name: of the checkpoint.
        model: options of the network.
        loss: a key of `LOSSES`.
        loss_options: of that loss.
        in_phase: whether the true magnitudes are of the part in phase with the mixture (Erdogan et al. 2015), which is all
            that a mask can give.
        optimizer, learning_rate: a name of `keras.optimizers` and its rate.
        milestones: epochs after which the rate is multiplied by `decay`.
        batch_size, steps, epochs: segments in a batch, batches in an epoch (with `segment_seconds` 0 for all), most epochs.
        patience: epochs without a lower validation loss before it ends.
        n_validation: segments that say which epoch is best.
        remix, gains_db, drop, speed, tilt_db: of the training examples, as for `zoo.separation.mixing.Remixes`.
        shares: {kind: share of the draws}, as for `Remixes`, where the tracks' kinds are known; else all are drawn
            evenly.
        train_share: of the tracks given to train on, drawn by the seed.
        seed: of the examples and the first weights.
        architecture: a key of `ARCHITECTURES`.
        split: shares of all whole songs of the folder, whatever its own split, for training, validation and test, drawn
            by the seed; with two shares the second is both; empty for the folder's own split.
        segment_seconds: a complete pass over segments of songs so long, `zoo.separation.mixing.Segments`, in place of
            excerpts drawn at random; 0 for those. The report: 20.
    """

    name: str
    model: dict = field(default_factory=dict)
    loss: str = "chandna"
    loss_options: dict = field(default_factory=dict)
    in_phase: bool = False
    optimizer: str = "Adadelta"
    learning_rate: float = 1.0
    milestones: tuple = ()
    decay: float = 0.1
    batch_size: int = 32
    steps: int = 500
    epochs: int = 40
    patience: int = 7
    n_validation: int = 1024
    remix: float = 1.0
    gains_db: tuple = (0.0, 0.0)
    drop: float = 0.0
    speed: float = 0.0
    tilt_db: float = 0.0
    shares: dict | None = None
    train_share: float = 1.0
    seed: int = 0
    architecture: str = "chandna"
    split: tuple = ()
    segment_seconds: float = 0.0

    read = classmethod(read_recipe)


class _Training(keras.Model):
    """A separator on segments of exactly its T frames: sources (batch, sources, samples) -> true and estimate, each
    magnitudes (batch, sources, frames, bins)."""

    def __init__(self, separator, criterion, in_phase=False):
        super().__init__(name="training")
        self.separator, self.criterion, self.in_phase = separator, criterion, in_phase

    def call(self, sources, training=False):
        model = self.separator
        flat = ops.reshape(sources, (-1, sources.shape[2]))
        edge = model.n_fft // 2 // model.hop_length  # frames that hang over the ends
        parts = [x[:, edge : edge + model.frames] for x in dsp.stft(flat, model.n_fft, model.hop_length, window="hann")]
        real, imaginary = (ops.reshape(x, (-1, sources.shape[1], *x.shape[1:])) for x in parts)
        whole = [ops.sum(x, axis=1, keepdims=True) for x in (real, imaginary)]
        mixture = ops.sqrt(ops.square(whole[0]) + ops.square(whole[1]) + EPS)
        if self.in_phase:
            true = (real * whole[0] + imaginary * whole[1]) / mixture
        else:
            true = ops.sqrt(ops.square(real) + ops.square(imaginary) + EPS)
        return true, mixture * ops.cast(model.core(mixture[:, 0], training=training), "float32")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return self.criterion(*y_pred)


def excerpt_length(model: MaskSeparator) -> int:
    """Samples of an excerpt that holds just a segment's whole frames.

    Example:
        >>> excerpt_length(ChandnaSeparator())
        8448
    """
    return (model.frames - 1) * model.hop_length + model.n_fft


def train(
    recipe: Recipe,
    tracks: list[Track],
    validation: list[Track],
    runs: str | Path,
    kinds: dict[str, str] | None = None,
    verbose: int | str = "auto",
    distribution: Distribution = ONE_DEVICE,
) -> tuple[keras.Model, dict, float]:
    """Train a recipe's separator, or go on with it.

    Args:
        recipe: a `Recipe`.
        tracks: list of `zoo.separation.tracks.Track` to train on; they may lack sources.
        validation: tracks with all sources, whose excerpts say which epoch is best, unmixed.
        runs: folder for training states.
        kinds: {track name: kind}, for `recipe.shares`; without any, all tracks are drawn evenly.
        verbose: as for `keras.Model.fit`.
        distribution: over which devices, a `zoo.training.distribution.Distribution`.

    Returns:
        model: with the weights of the best epoch.
        facts: {"recipe", "best_epoch", "val_loss", "curve"}, as the card tells them.
        minutes: spent in the epochs, those before an interruption too.

    Raises:
        InputError: an unknown loss, tracks without a kind or a share, or a run of another recipe or on other data in
            the folder.
    """
    if recipe.loss not in LOSSES:
        raise InputError(f"no loss {recipe.loss!r}: use {', '.join(LOSSES)}")
    if recipe.architecture not in ARCHITECTURES:
        raise InputError(f"no architecture {recipe.architecture!r}: use {', '.join(ARCHITECTURES)}")
    tracks = _part(tracks, recipe.train_share, recipe.seed)
    batches, held_back = _examples(recipe, tracks, validation, kinds)
    with distribution.scope():
        model = _compiled(recipe, len(batches))
    run = Run(
        Path(runs) / recipe.name,
        recipe,
        "val_loss",
        patience=recipe.patience,
        distribution=distribution,
        data={"data": hashlib.sha256(batches[0][0].tobytes() + held_back.tobytes()).hexdigest()[:16]},
    )
    run.fit(model, batches, ArrayBatches((held_back,), recipe.batch_size), verbose=verbose)
    run.restore_best(model)
    trained = without_optimizer(ARCHITECTURES[recipe.architecture](**recipe.model), model.separator)
    return trained, _facts(recipe, run), run.minutes()


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this family to tools/train.py."""
    parser.add_argument(
        "--tracks",
        metavar="DIR",
        dest="data",
        help="the same as --data: folder with train/ and validation/, as prepare_music.py and MUSDB18-HQ have them",
    )
    parser.set_defaults(data="runs/music")


def train_config(config: Config, options: Namespace, distribution: Distribution) -> Trained:
    """Train on the tracks of a folder, as a config and the options of tools/train.py say; gives `Trained`."""
    recipe = config.recipe(Recipe, vars(options))
    tracks, validation, *_ = split_songs(options.data, recipe) if recipe.split else read_splits(options.data)
    kinds = read_kinds(options.data)
    model, facts, minutes = train(recipe, tracks, validation, options.runs, kinds, options.verbose, distribution)
    fields = {"sources": list(model.sources), "latency": round(model.latency, 4), "n_tracks": len(tracks)}
    return Trained(recipe, model, facts, minutes, [_chord(model.sample_rate)], fields)


def read_splits(folder: str | Path) -> tuple[list[Track], list[Track]]:
    """Tracks to train on and tracks to validate on; without validation/, every tenth whole one of train/."""
    tracks = find_tracks(folder, "train", partial=True)
    if (Path(folder) / "validation").is_dir():
        return tracks, find_tracks(folder, "validation")
    held_back = [track for track in tracks if len(track.sources) == 4][::10]
    return [track for track in tracks if track not in held_back], held_back


def split_songs(folder: str | Path, recipe: Recipe) -> tuple[list[Track], list[Track], list[Track]]:
    """All whole songs of a folder for training, validation and test, in the shares of a recipe's `split`.

    Args:
        folder: of the data set, as for `zoo.separation.tracks.find_tracks`.
        recipe: with two or three shares that sum to 1.

    Returns:
        three lists; with two shares, validation and test are the same.

    Raises:
        InputError: other shares, or too few songs for one in each.
    """
    songs = [track for track in find_tracks(folder, partial=True) if len(track.sources) == 4]
    shares = np.array(recipe.split, float)
    if len(shares) not in (2, 3) or not (shares > 0).all() or abs(shares.sum() - 1) > 1e-6:
        raise InputError(f"split is {recipe.split}; give two or three shares above 0 that sum to 1")
    ends = np.round(np.cumsum(shares) * len(songs)).astype(int)
    order = np.random.default_rng(recipe.seed).permutation(len(songs))
    parts = [[songs[i] for i in sorted(part)] for part in np.split(order, ends[:-1])]
    if not all(parts):
        raise InputError(f"{folder} has {len(songs)} whole songs, too few for a split of {list(recipe.split)}")
    return parts[0], parts[1], parts[-1]


def _examples(recipe, tracks, validation, kinds):
    """Batches to train on, and validation excerpts (n, sources, samples), of one network's length."""
    model = ARCHITECTURES[recipe.architecture](**recipe.model)
    samples, n_validation = excerpt_length(model), recipe.n_validation
    if recipe.segment_seconds:
        cut = samples, model.frames * model.hop_length
        batches, held_back = (
            Segments(songs, *cut, size, recipe.seed, recipe.segment_seconds, steps)
            for songs, size, steps in ((tracks, recipe.batch_size, recipe.steps), (validation, n_validation, 1))
        )
        return batches, held_back[0][0]
    drawing = {key: getattr(recipe, key) for key in ("remix", "gains_db", "drop", "speed", "tilt_db")}
    if kinds and recipe.shares:
        drawing |= {"kinds": [kinds.get(track.name) for track in tracks], "shares": recipe.shares}
    batches = Remixes(tracks, samples, recipe.batch_size, recipe.steps, recipe.seed, **drawing)
    return batches, Remixes(validation, samples, n_validation, 1, recipe.seed, remix=0.0)[0][0]


def _chord(sample_rate):
    """Half a second of a chord with clicks, float32 (1, samples)."""
    time = np.arange(sample_rate // 2) / sample_rate
    chord = sum(np.sin(2 * np.pi * f * time) for f in (70, 220, 554, 1320)) / 8
    return (chord + 0.3 * (time % 0.125 < 1e-3))[None].astype("float32")


def _part(tracks, share, seed):
    """A share of the tracks, at least one, in their order."""
    drawn = np.random.default_rng(seed).permutation(len(tracks))[: max(round(share * len(tracks)), 1)]
    return [tracks[i] for i in sorted(drawn)]


def _compiled(recipe, epoch_steps=None):
    """The separator in its training, built and with a built optimizer, which alone Keras restores."""
    keras.utils.set_random_seed(recipe.seed)
    separator = ARCHITECTURES[recipe.architecture](**recipe.model)
    options = {"sources": separator.sources} if recipe.loss in ("chandna", "report") else {}
    model = _Training(separator, LOSSES[recipe.loss](**options, **recipe.loss_options), recipe.in_phase)
    rate = recipe.learning_rate
    if recipe.milestones:
        steps = [epoch * (epoch_steps or recipe.steps) for epoch in recipe.milestones]
        rates = [rate * recipe.decay**i for i in range(len(steps) + 1)]
        rate = keras.optimizers.schedules.PiecewiseConstantDecay(steps, rates)
    optimizer = getattr(keras.optimizers, recipe.optimizer)(rate)
    model.compile(optimizer, jit_compile=jit())
    model(np.zeros((1, len(separator.sources), excerpt_length(separator)), "float32"))
    model.optimizer.build(model.trainable_variables)
    return model


def _facts(recipe, run):
    curve, best = run.curve(("loss", "val_loss"), digits=5), run.best()
    return {"recipe": asdict(recipe), "best_epoch": best, "val_loss": curve["val_loss"][best - 1], "curve": curve}
