"""The recipe: train an enhancer on mixtures with any loss, stop by what validation says, refresh the surrogate.

One recipe covers pre-training on squared error, the other signal losses, fine-tuning by a frozen Quality-Net
(Fu, Liao and Tsao 2019, equation 1) and its alternating refresh; they differ in their TOML files. Each step is one
`tf.function` on TensorFlow and one jitted function on JAX; PyTorch runs it as it is. The same command goes on after an interruption.
"""

import hashlib
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np

from zoo.backend import jit
from zoo.checkpoint import golden, preset, registry
from zoo.checkpoint.card import read_card
from zoo.data.speech import SAMPLE_RATE
from zoo.enhancement import examples, sources
from zoo.enhancement.callbacks import Refresh, TrueScores, freeze_statistics
from zoo.enhancement.context import ContextAggregationEnhancer
from zoo.enhancement.model import BLSTMEnhancer, DNNEnhancer
from zoo.enhancement.quasi_recurrent import QuasiRecurrentEnhancer
from zoo.errors import InputError
from zoo.losses.learned import LearnedLoss
from zoo.losses.weighted import build
from zoo.training.callbacks import Epoch
from zoo.training.checkpoint import Trained
from zoo.training.config import Config, read_recipe
from zoo.training.distribution import ONE_DEVICE, Distribution
from zoo.training.run import ArrayBatches, Run, without_optimizer

NETWORKS = {
    cls.__name__: cls for cls in (BLSTMEnhancer, DNNEnhancer, ContextAggregationEnhancer, QuasiRecurrentEnhancer)
}
CURVE = ("pesq-wb", "predicted", "stoi", "si-sdr")
MODES = {"val_loss": "min", "pesq-wb": "max", "epochs": "max"}


@dataclass(frozen=True)
class Recipe:
    """Everything that a training depends on, besides the data.

    Attributes:
        name: of the checkpoint.
        network: "BLSTMEnhancer", "DNNEnhancer", "ContextAggregationEnhancer" or "QuasiRecurrentEnhancer".
        loss: {name: weight} as `zoo.losses.build` takes it; a checkpoint's name is its learned loss.
        options: of the network.
        start: checkpoint whose weights it starts from; None for fresh ones.
        snr_db: (lowest, highest) of the training mixtures.
        clean_share: of the training mixtures that are at 30 to 60 dB instead, so that clean speech is left as it is.
        variety: kinds of `zoo.enhancement.examples.VARIETY` that the training mixtures get.
        seconds: length of a training clip.
        n_validation: mixtures that are scored after each epoch.
        batch_size, steps, epochs: clips in a batch, batches in an epoch, most epochs.
        optimizer, learning_rate: a name of `keras.optimizers` and its rate.
        cosine: whether the rate falls to 0 by a cosine over all the epochs.
        monitor, patience: "val_loss", "pesq-wb" (true, of the validation mixtures) or "epochs" (the last is the best), and
            epochs without a better one.
        watch: surrogate whose predicted PESQ goes into the log beside the true one, where the loss has none.
        refresh: {"examples", "steps", "learning_rate"} of a round of `callbacks.Refresh` before each epoch; None for
            a fixed surrogate.
        settle: "polarity" where the loss does not hear it, "level" where it hears neither: of a
            `ContextAggregationEnhancer`, they are then settled on the validation mixtures in the end.
        seed: of the mixtures and the first weights.
    """

    name: str
    network: str
    loss: dict
    options: dict = field(default_factory=dict)
    start: str | None = None
    snr_db: tuple = (-8, 8)
    clean_share: float = 0.0
    variety: tuple = ()
    seconds: float = 2.5
    n_validation: int = 100
    batch_size: int = 32
    steps: int = 100
    epochs: int = 100
    optimizer: str = "Adam"
    learning_rate: float = 1e-3
    cosine: bool = False
    monitor: str = "pesq-wb"
    patience: int = 10
    watch: str = "quality-net-lite-pesq-wb-16k"
    refresh: dict | None = None
    settle: str | None = None
    seed: int = 0

    read = classmethod(read_recipe)

    def model(self):
        """The network to train: a fresh one with this recipe's seed, or that of `start`."""
        if self.network not in NETWORKS:
            raise InputError(f"no network {self.network!r}: use {', '.join(NETWORKS)}")
        keras.utils.set_random_seed(self.seed)
        model = NETWORKS[self.network](**self.options)
        if self.start is not None:
            model.set_weights(preset.load(self.start).get_weights())
        return model


class _Training(keras.Model):
    """An enhancer with the frozen surrogates of its loss, so that a compiled step on JAX sees them change."""

    def __init__(self, enhancer, surrogates):
        super().__init__(name="training")
        self.enhancer, self.surrogates = enhancer, surrogates

    def call(self, noisy, training=False):
        return self.enhancer(noisy, training=training)


def train(
    recipe: Recipe,
    source: examples.Mixtures | examples.Recordings,
    validation: list[examples.Example],
    runs: str | Path,
    n_jobs: int = -1,
    verbose: int | str = "auto",
    distribution: Distribution = ONE_DEVICE,
) -> tuple[keras.Model, dict, float]:
    """Train a recipe's enhancer, or go on with it.

    Args:
        recipe: a `Recipe`.
        source: `examples.Mixtures` or `examples.Recordings` to train on.
        validation: list of `examples.Example`, of one length.
        runs: folder for training states.
        n_jobs: processes for true scores.
        verbose: as for `keras.Model.fit`.
        distribution: over which devices, a `zoo.training.distribution.Distribution`.

    Returns:
        model: with the weights of the best epoch by `monitor`.
        facts: {"recipe", "best_iteration", "curve"}, as the card tells them; iteration 0 is before the first step.
        minutes: spent in the epochs, those before an interruption too.

    A refreshed surrogate is left in `runs`/NAME/surrogate/, as a checkpoint directory.
    """
    _check(recipe, distribution)
    folder = Path(runs) / recipe.name
    batches = _batches(recipe, source, recipe.batch_size, recipe.steps, recipe.seed)
    digest = {"first_batch": hashlib.sha256(np.stack(batches[0])).hexdigest()[:16]}
    run = Run(folder, recipe, recipe.monitor, MODES[recipe.monitor], recipe.patience, distribution, digest)
    with distribution.scope():
        enhancer, criterion = recipe.model(), build(recipe.loss, sample_rate=SAMPLE_RATE)
        learned = _learned(criterion)
        model = _compiled(recipe, enhancer, criterion, [term.metric for term in learned])
    scores = TrueScores(enhancer, validation, learned[0].metric if learned else preset.load(recipe.watch), n_jobs)
    run.measure_start(model, scores.measure)
    refresh = [_refresher(recipe, source, enhancer, learned, folder, n_jobs)] if recipe.refresh else []
    if not run.finished():
        # Only where the recipe monitors it: it takes as long as the true scores.
        needs_loss = recipe.monitor == "val_loss"
        held_back = ArrayBatches((scores.noisy, scores.reference), recipe.batch_size) if needs_loss else None
        # The seconds of an epoch include its refresh before and its scores after.
        run.fit(model, batches, held_back, [scores, Epoch(batches), *refresh], verbose)
        for callback in refresh:
            preset.save(callback.teacher, folder / "surrogate")
            callback.clear()
    run.restore_best(model)
    trained = without_optimizer(recipe.model(), enhancer)
    if recipe.settle:
        trained.settle(scores.noisy, scores.reference, level=recipe.settle == "level")
    return trained, _facts(recipe, run), run.minutes()


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of this family to tools/train.py."""
    parser.add_argument("--voice-bank", metavar="DIR", help="train on Voice Bank-DEMAND instead of --data")
    parser.add_argument("--timit", metavar="DIR", help="train on TIMIT, with --noise, instead of --data")
    parser.add_argument("--noise", metavar="DIR", help="recordings of noise for --timit")
    parser.add_argument("--loss", type=_weighted, nargs="+", metavar="NAME=WEIGHT", help="instead of the config's loss")
    parser.add_argument("--snr-db", type=float, nargs=2, metavar=("LOW", "HIGH"), help="of the training mixtures")
    words = "the 15,000 fixed mixtures of Fu et al. (-8 to 8 dB in steps of 4), instead of ones drawn anew"
    parser.add_argument("--fixed-mixtures", action="store_true", help=words)


def train_config(config: Config, options: Namespace, distribution: Distribution) -> Trained:
    """Train on a corpus, as a config and the options of tools/train.py say; gives `Trained`."""
    recipe = config.recipe(Recipe, vars(options) | {"loss": options.loss and dict(options.loss)})
    source, validation = _read_examples(recipe, options)
    model, facts, minutes = train(recipe, source, validation, options.runs, options.jobs, options.verbose, distribution)
    fields = {"lookahead": model.lookahead}
    corpora = " with ".join(filter(None, (options.voice_bank, options.timit, options.noise)))
    if corpora:  # the config's words describe the data folder
        fields |= {"data": f"{corpora}, by the command below", "limits": []}
        fields["licence"] = {"code": "MIT", "weights": "not stated", "data": "not stated"}
    _, noisy = golden.voices_in_noise(model.sample_rate, (0, 10))
    return Trained(recipe, model, facts, minutes, [noisy], fields)


def _weighted(text):
    name, _, weight = text.partition("=")
    return name, float(weight or 1.0)


def _read_examples(recipe, options):
    """The training source and the validation examples."""
    voice_bank, timit, noise = options.voice_bank, options.timit, options.noise
    if bool(timit) != bool(noise) or (timit and voice_bank):
        raise InputError("give --voice-bank, or --timit with --noise, or none of them for --data")
    changed = recipe.variety or recipe.clean_share
    if voice_bank and changed:
        raise InputError(
            "variety and clean_share are of mixtures, which Voice Bank-DEMAND has of its own: leave them out"
        )
    if options.fixed_mixtures and (voice_bank or changed):
        raise InputError(
            "--fixed-mixtures are plain mixtures of --data or --timit: leave out Voice Bank, variety and clean_share"
        )
    if options.fixed_mixtures and timit:
        return sources.train_on_fixed_timit(timit, noise, recipe.n_validation)
    if options.fixed_mixtures:
        return sources.train_on_fixed_data(options.data, recipe.n_validation)
    if voice_bank:
        return sources.train_on_voice_bank(voice_bank, recipe.n_validation)
    mixing = recipe.snr_db, recipe.n_validation, recipe.variety, recipe.clean_share
    if timit:
        return sources.train_on_timit(timit, noise, *mixing)
    return sources.train_on_data(options.data, *mixing)


def _check(recipe, distribution):
    """Refuse a recipe that contradicts itself."""
    if recipe.monitor not in MODES:
        raise InputError(f"no monitor {recipe.monitor!r}: use {', '.join(MODES)}")
    if recipe.settle not in (None, "polarity", "level"):
        raise InputError(f"nothing to settle is called {recipe.settle!r}: use polarity or level")
    if recipe.settle and NETWORKS.get(recipe.network) is not ContextAggregationEnhancer:
        raise InputError(f"a {recipe.network} keeps polarity and level: leave out settle")
    if distribution.processes > 1:
        raise InputError("an enhancer's true scores are those of one process: use --distribution devices")


def _learned(criterion):
    """Terms of a loss whose frozen metric scores pairs: a Quality-Net with a reference, but no JND distance."""
    learned = [term for _, term in criterion.terms if isinstance(term, LearnedLoss) and hasattr(term.metric, "score")]
    return [term for term in learned if term.metric.needs_reference]


def _compiled(recipe, enhancer, criterion, surrogates):
    model = _Training(enhancer, surrogates)
    model.compile(_optimizer(recipe), loss=criterion, jit_compile=jit())
    model(np.zeros((1, SAMPLE_RATE), "float32"))  # builds it, and Keras restores only an optimizer that is built
    model.optimizer.build(model.trainable_variables)
    return model


def _optimizer(recipe):
    rate = recipe.learning_rate
    if recipe.cosine:
        rate = keras.optimizers.schedules.CosineDecay(rate, recipe.epochs * recipe.steps)
    return getattr(keras.optimizers, recipe.optimizer)(rate, global_clipnorm=5.0)


def _batches(recipe, source, batch_size, steps, seed):
    return examples.Batches(source, int(recipe.seconds * SAMPLE_RATE), batch_size, steps, seed)


def _refresher(recipe, source, enhancer, learned, folder, n_jobs):
    """The refresh of the recipe's one learned loss, which must be of what the rounds are labelled with."""
    if len(learned) != 1:
        raise InputError("a refresh needs one Quality-Net in the loss: name its checkpoint there")
    name = learned[0].source
    card = read_card(registry.resolve(name))
    metric = {"name": "pesq", "mode": "wb"} if card is None else card.get("metric", {})
    if (metric.get("name"), metric.get("mode")) != ("pesq", "wb"):
        raise InputError(f"a refresh labels by wide-band PESQ, which {name} does not predict")
    student = preset.load(name, trainable=True)
    freeze_statistics(student)
    low, high = student.target_range
    student.compile(
        keras.optimizers.Adam(recipe.refresh["learning_rate"], global_clipnorm=1.0),
        loss="mse",
        loss_weights=1 / (high - low) ** 2,
        jit_compile=jit(),
    )
    student.optimizer.build(student.trainable_variables)
    # Mixtures of their own: a seed that no other batch has.
    mixtures = _batches(recipe, source, recipe.refresh["examples"], 1, recipe.seed + 1000)
    return Refresh(enhancer, learned[0].metric, student, mixtures, folder, recipe.refresh["steps"], n_jobs)


def _facts(recipe, run):
    points = [run.start, *run.log()]
    curve = {"iteration": [i * recipe.steps for i in range(len(points))]}
    curve |= {name: [round(float(point[name]), 4) for point in points] for name in CURVE}
    # Before the first epoch there is no val_loss, so no best.
    values = np.array([float(point.get(recipe.monitor, "nan")) for point in points])
    best = int(np.nanargmin(values) if MODES[recipe.monitor] == "min" else np.nanargmax(values))
    return {"recipe": asdict(recipe), "best_iteration": best * recipe.steps, "curve": curve}
