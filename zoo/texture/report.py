"""Evaluation of textures: the paper's Table 1, its comparison of networks and its figures; a classifier's accuracy."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from zoo.base import tables
from zoo.checkpoint import integrity, preset, provenance, registry
from zoo.checkpoint.card import evaluated_card, with_words, write_card
from zoo.errors import InputError
from zoo.texture import evaluate, figures, train
from zoo.texture.classifier import SoundClassifier

SUMMARY = "scores of synthesised textures and of other methods; accuracy of the sound classifier"
COMMAND = "python tools/evaluate.py texture --checkpoint {}"  # of a checkpoint's source
FIGURE_GROUP = "rhythmic"  # the group that the figures and the comparison of networks are on


@dataclass(frozen=True)
class Setting:
    """What textures are synthesised of, and how.

    Attributes:
        seconds: of each texture.
        iterations: of every optimisation; the paper has 2000.
        phase_iterations: of Griffin-Lim; the paper has 500.
        few: at most so many textures of a group; None for all.
        seed: of the noise and the phases.
        classifier: source of the classifier of the class score.
    """

    seconds: float = 3.0
    iterations: int = 100
    phase_iterations: int = 100
    few: int | None = None
    seed: int = 0
    classifier: str = "texture-classifier-16k"

    def options(self):
        """The options of a command line that differ from the usual setting, as text."""
        usual = asdict(Setting())
        changed = {name: value for name, value in asdict(self).items() if value != usual[name]}
        return "".join(f" --{name.replace('_', '-')} {value}" for name, value in changed.items())


def add_arguments(parser):
    """Add the options of `zoo evaluate texture` to a parser."""
    parser.add_argument(
        "--checkpoint",
        default="texture-ensemble-16k",
        help="whose card is renewed: random networks, whose syntheses are scored, or a classifier, whose accuracy is "
        "measured (default: %(default)s)",
    )
    parser.add_argument("--seconds", type=float, help="of each texture (default: 3)")
    parser.add_argument("--iterations", type=int, help="of every optimisation (default: 100; the paper: 2000)")
    parser.add_argument("--phase-iterations", type=int, help="of Griffin-Lim (default: 100; the paper: 500)")
    parser.add_argument("--few", type=int, help="at most so many textures of a group (default: all)")
    parser.add_argument("--seed", type=int, help="of the noise and the phases (default: 0)")
    parser.add_argument("--classifier", help="of the class score (default: texture-classifier-16k)")
    runs = "keeps what is synthesised, and goes on from there (default: runs)"
    parser.add_argument("--runs", default="runs", help=runs)
    parser.set_defaults(**asdict(Setting()))


def run(arguments):
    """`zoo evaluate texture`: renews the card of the random networks, or that of a classifier."""
    directory = registry.resolve(arguments.checkpoint)
    write_card(directory, with_words(registry.info(directory)))
    setting = Setting(
        arguments.seconds,
        arguments.iterations,
        arguments.phase_iterations,
        arguments.few,
        arguments.seed,
        arguments.classifier,
    )
    command = "python tools/evaluate.py texture"
    if arguments.checkpoint != "texture-ensemble-16k":
        command += f" --checkpoint {arguments.checkpoint}"
    _evaluate(directory, arguments.data, arguments.runs, setting, command + setting.options())


def evaluate_checkpoint(directory, data, runs, n_jobs, command):
    """Evaluate saved random networks or a saved sound classifier, and complete its card.

    Of random networks: the scores of what they and other methods synthesise of the data's textures, with two figures
    beside the checkpoint. Of a classifier: its accuracy on the validation's clips.

    Args:
        directory: of the checkpoint, with a card; a classifier's `training` has the recipe.
        data: folder of recordings, with textures/.
        runs: keeps what is synthesised, and goes on from there.
        n_jobs: not used; nothing here runs in several processes.
        command: that repeats the evaluation, for the card.
    """
    _evaluate(Path(directory), data, runs, Setting(), command)


def _evaluate(directory, data, runs, setting, command):
    model, card, commit = preset.load(directory), registry.info(directory), provenance.commit()
    if isinstance(model, SoundClassifier):
        words, results = _evaluate_classifier(model, train.Recipe(**card["training"]["recipe"]), data)
    else:
        words, results = _evaluate_ensemble(directory, data, runs, setting, commit)
    write_card(directory, evaluated_card(card, command, commit, words, results))


def _evaluate_classifier(model, recipe, data):
    """Accuracy on the validation's clips: words of the data, and figures."""
    words = (
        f"{recipe.n_validation} clips of {recipe.seconds:g} s of each class, from sources that training does not have, "
        f"seed {recipe.seed}; the epoch was chosen on the same clips"
    )
    facts = train.evaluate(model, train.read_sounds(data, "validation"), recipe)
    print(
        f"accuracy {tables.interval(facts['accuracy'])} on {facts['n']} clips of {facts['n_sources']} sources, "
        f"chance {facts['chance']:.3f}"
    )
    return words, facts


def _evaluate_ensemble(directory, data, runs, setting, commit):
    """Scores of all systems on all textures, and of networks on one group, in words and figures; draws two."""
    judge = evaluate.Judge(preset.load(setting.classifier))
    textures, groups = evaluate.read_textures(Path(data) / "textures", setting.seconds, setting.few)
    chosen = {name: audio for name, audio in textures.items() if groups[name] == FIGURE_GROUP}
    if not chosen:
        raise InputError(f"{data}/textures holds no {FIGURE_GROUP} texture, which the figures are of; add one")
    folder = _folder(data, runs, setting, commit)
    options = {name: getattr(setting, name) for name in ("iterations", "phase_iterations", "seed")}
    rows = evaluate.run(evaluate.systems(options), textures, judge, folder)
    betas = evaluate.run(evaluate.trade_off(options), chosen, judge, folder)
    alphas = evaluate.run(evaluate.rhythms(options), chosen, judge, folder)
    usual = {name: rows[evaluate.beta_name(1e-4)][name] for name in chosen}
    networks = {"as above: widest kernel 64, 512 filters": usual}
    networks |= evaluate.run(evaluate.architectures(options), chosen, judge, folder)
    results = {
        "results": evaluate.table(rows, groups),
        "trade_off": evaluate.table(betas, groups),
        "rhythm": evaluate.table(alphas, groups),
        "networks": evaluate.table(networks, groups),
    }
    words = (
        f"{len(textures)} textures, the first {setting.seconds:g} s of each; {setting.iterations} iterations, "
        f"{setting.phase_iterations} of Griffin-Lim, seed {setting.seed}; class score by {setting.classifier}"
    )
    print("\n\n".join([words, *(_as_text(title, table) for title, table in results.items())]))
    name = next(iter(chosen))
    # Without a diversity term, as in Figure 1: a copy that starts at another time is what the term is against.
    copy = evaluate.read_made(folder, name, evaluate.RHYTHM)
    figures.by_shift({evaluate.RHYTHM: judge.inverse_by_shift(chosen[name], copy)}, name, directory / "shifts.png")
    figures.trade_off(results["trade_off"], FIGURE_GROUP, directory / "trade-off.png")
    return words, results


def _folder(data, runs, setting, commit):
    """Where syntheses are kept: another folder for another commit, classifier, setting or data."""
    options = {name: getattr(setting, name) for name in ("iterations", "phase_iterations", "seed")}
    weights = integrity.sha256(registry.resolve(setting.classifier) / "model.weights.h5")
    key = json.dumps([options, setting.seconds, weights, str(data), commit]).encode()
    return Path(runs) / f"texture-{hashlib.sha256(key).hexdigest()[:8]}"


def _as_text(title, by_system):
    """A table of scores as text."""
    rows = [
        [
            system,
            group,
            *(tables.interval(facts[score], ".4g") for score in evaluate.SCORES),
            str(facts["n"]),
            str(facts["n_failed"]),
        ]
        for system, by_group in by_system.items()
        for group, facts in by_group.items()
    ]
    return tables.table([title.replace("_", " "), "", *evaluate.SCORES, "n", "failed"], rows)
