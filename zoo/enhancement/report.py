"""Evaluation of enhancers: scores of what they make, beside classical systems and those from outside, and figures."""

import warnings
from pathlib import Path

from zoo.base import tables
from zoo.base.files import atomic_write, check_folder, check_output, write_text
from zoo.checkpoint import preset, provenance, registry
from zoo.checkpoint.card import evaluated_card, with_words, write_card
from zoo.data.speech import SAMPLE_RATE, TEST_SPLITS
from zoo.enhancement import evaluate, figures, limits, listen, measures, outside, sources, text_tables
from zoo.errors import InputError, InputWarning
from zoo.metrics import dnsmos

SUMMARY = "true PESQ, STOI and SI-SDR of enhanced speech, its JND distance, DNSMOS and PESQ without a reference"
COMMAND = "python tools/evaluate.py enhancement --checkpoint {}"  # of a checkpoint's source
# Whose curves are the paper's Figure 2; they and the other BLSTMs are in its Figure 3, both beside the last one's card.
FOOLED_AND_CURED = ("blstm-mse-16k", "blstm-quality-net-16k", "blstm-quality-net-refresh-16k")
FIGURE_SNR_DB = 6
SECOND_COMMAND = f"{COMMAND} --split test2"
TEST_SET = "speech/test with noise/test, talkers and recordings of noise that training did not have"
SECOND_TEST_SET = "speech/test2 with noise/test2, other talkers, languages and noise that training did not have either"


def add_arguments(parser):
    """Add the options of `zoo evaluate enhancement` to a parser."""
    parser.add_argument(
        "--checkpoint", action="append", help="a bundled name or a directory with a slash; may be repeated (all)"
    )
    parser.add_argument("--split", choices=TEST_SPLITS, help="the first or the second test set (default: test)")
    parser.add_argument("--speech", metavar="DIR", help="clean speech, instead of the test set")
    parser.add_argument("--timit", metavar="DIR", help="TIMIT, instead of the test set")
    parser.add_argument("--noise", metavar="DIR", help="noise, with --speech or --timit")
    parser.add_argument("--voice-bank", metavar="DIR", help="Voice Bank-DEMAND, instead of the test set")
    parser.add_argument(
        "--system",
        metavar="NAME=PATH",
        action="append",
        help="a system from outside, by weights that you have: dtln=FOLDER or gtcrn=FILE.onnx; may be repeated",
    )
    parser.add_argument(
        "--output",
        metavar="DIR",
        help="for table.txt, table.csv, over_snr.png; of another test set spectrograms.png too",
    )
    parser.add_argument(
        "--listen",
        metavar="PAGE.html",
        help="a page to hear a minute of the mixtures on, by every system, instead of scores: renews no card",
    )


def run(arguments):
    """`zoo evaluate enhancement`: on the test set, which renews the cards, or on other mixtures."""
    standard = _is_standard(arguments)
    if arguments.output:
        check_folder(arguments.output)
    if arguments.listen:
        check_output(arguments.listen)
    checkpoints = arguments.checkpoint or _bundled()
    if not checkpoints:
        raise InputError("no enhancer is bundled: train one (tools/train.py), or give --checkpoint")
    others = outside.read(arguments.system or [])
    if arguments.listen:
        _write_page(arguments, checkpoints, others, standard)
        return
    if standard:
        for source in checkpoints:
            write_card(registry.resolve(source), with_words(registry.info(source)))
        second = arguments.split == "test2"
        command, options = SECOND_COMMAND if second else COMMAND, _options(arguments.system or [])
        renew = _renew_second if second else _renew_cards
        commands = {source: command.format(source) + options for source in checkpoints}
        renew(commands, arguments.data, arguments.jobs, arguments.output, others)
        return
    mixtures, words = _other_mixtures(arguments)
    names = {source: source for source in checkpoints}
    systems, evaluations = _evaluate(names, mixtures, arguments.jobs, others)
    _report(evaluations, words, arguments.output)
    shown = [*others, *evaluations]
    _draw(_example(mixtures), systems, shown, Path(arguments.output) / "spectrograms.png")


def _write_page(arguments, checkpoints, others, standard):
    """The page of `--listen`: of systems from outside and the checkpoints, and of no other checkpoint."""
    if standard:
        split = arguments.split or "test"
        mixtures = sources.test_on_data(arguments.data, split)
        words = _in_words(mixtures, SECOND_TEST_SET if split == "test2" else TEST_SET)
    else:
        mixtures, words = _other_mixtures(arguments)
    systems = {name: system for name, (_, system) in evaluate.BASELINES.items()} | others
    systems |= {source: preset.load(source) for source in checkpoints}
    page = listen.page(systems, mixtures, words)
    write_text(arguments.listen, lambda file: file.write(page))
    print(f"{arguments.listen}: {len(page) / 1e6:.1f} MB")


def _options(systems):
    """The options of systems from outside, for a card: of their files the names alone, which are the same elsewhere."""
    named = (text.partition("=") for text in systems)
    return "".join(f" --system {name}={Path(path).name}" for name, _, path in named)


def evaluate_checkpoint(directory, data, runs, n_jobs, command):
    """Evaluate a saved enhancer on the test set; draws its figures beside it, and completes its card.

    Args:
        directory: of the checkpoint, with a card.
        data: folder of recordings, with speech/test and noise/test.
        runs: not used; the mixtures of the test set are made anew.
        n_jobs: processes that score, joblib's counting.
        command: that repeats the evaluation, for the card.
    """
    _renew_cards({f"{directory}/": command}, data, n_jobs)


def _renew_cards(commands, data, n_jobs, output=None, others=None):
    """Evaluate checkpoints, {source: command that repeats it}, beside others, and write their cards and figures."""
    mixtures = sources.test_on_data(data)
    words, names = _in_words(mixtures, TEST_SET), _by_name(commands)
    systems, evaluations = _evaluate(names, mixtures, n_jobs, others, of_clean=True)
    _add_limits(evaluations, systems, [*names, *(others or {})], limits.material(mixtures, limits.read_music(data)))
    _report(evaluations, words, output)
    commit = provenance.commit()
    for name, source in names.items():
        card = evaluated_card(registry.info(source), commands[source], commit, words, evaluations[name])
        write_card(registry.resolve(source), card)
    for name, source in names.items():
        _plot(name, source, systems, _example(mixtures))
        _draw_over_snr({name: evaluations[name]}, registry.resolve(source))


def _renew_second(commands, data, n_jobs, output=None, others=None):
    """Evaluate checkpoints, as `_renew_cards`, on the second test set, whose figures are `test2` of their cards."""
    mixtures = sources.test_on_data(data, "test2")
    words, names = _in_words(mixtures, SECOND_TEST_SET), _by_name(commands)
    _, evaluations = _evaluate(names, mixtures, n_jobs, others, of_clean=True)
    _report(evaluations, words, output)
    commit = provenance.commit()
    for name, source in names.items():
        where = {"command": commands[source], "commit": commit, "data": words}
        write_card(registry.resolve(source), registry.info(source) | {"test2": where | evaluations[name]})


def _by_name(commands):
    """{name of the checkpoint: source} of {source: command}."""
    names = {registry.info(source)["name"]: source for source in commands}
    if len(names) < len(commands):
        raise InputError("two of the checkpoints have one name; evaluate each by itself")
    return names


def _evaluate(sources_by_name, mixtures, n_jobs, others=None, of_clean=False):
    """Every system that is compared, {name: system}, and the figures for the cards of checkpoints and their bases.

    With `of_clean`, also what checkpoints and systems from outside make of the utterances without noise.
    """
    bundled, others = _bundled(), others or {}
    bases = [base for name in sources_by_name for base in evaluate.bases(name) if base in bundled]
    compared = {base: base for base in bases} | sources_by_name
    systems = {name: system for name, (_, system) in evaluate.BASELINES.items()} | others
    systems |= {name: preset.load(source) for name, source in compared.items()}
    judges = _judges()
    scored = _score(systems, mixtures, judges, n_jobs)
    weights = {"weights": {name: system.digests() for name, system in others.items()}} if others else {}
    evaluations = {name: evaluate.evaluation(scored, name, others) | weights for name in compared}
    if of_clean:
        enhancers = {name: systems[name] for name in (*sources_by_name, *others)}
        rows = _score(enhancers, evaluate.clean_examples(mixtures), judges, n_jobs)
        means = {name: evaluate.results(scores)[evaluate.AVERAGE] for name, scores in rows.items()}
        for name in sources_by_name:
            evaluations[name]["clean"] = {other: means[other] for other in (name, *others)}
    return systems, evaluations


def _add_limits(evaluations, systems, names, material):
    """Put the limits of the input, of each checkpoint, and of systems from outside into the checkpoints' figures."""
    of_input = limits.measure(systems["noisy"], material)
    measured = {name: limits.measure(systems[name], material) for name in names}
    measured["noisy"] = {key: figure for key, figure in of_input.items() if key in limits.OF_INPUT}
    others = [name for name in names if name not in evaluations]
    for name in evaluations.keys() & measured.keys():
        if measured[name]:  # a test set of short utterances, beside no music, has nothing to measure them by
            evaluations[name]["limits"] = {other: measured[other] for other in ("noisy", name, *others)}


def _judges():
    """The metrics of the zoo that score what is enhanced."""
    if not dnsmos.available():
        words = 'DNSMOS is left out, it needs speechmos: pip install "audio-zoo[dnsmos]"'
        warnings.warn(words, InputWarning, stacklevel=2)
    return preset.load(measures.LISTENER), preset.load(measures.FREE)


def _score(systems, mixtures, judges, n_jobs):
    """{name: rows of scores} of systems."""
    return {name: evaluate.score(system, mixtures, *judges, n_jobs) for name, system in systems.items()}


def _bundled():
    return [name for name in registry.names() if registry.info(name)["family"] == "enhancement"]


def _other_mixtures(arguments):
    """Mixtures that are not those of the test set, and what they are in words."""
    if arguments.speech:
        mixtures = sources.test_on_folders(arguments.speech, arguments.noise)
        return mixtures, _in_words(mixtures, f"{arguments.speech} with {arguments.noise}")
    if arguments.timit:
        mixtures = sources.test_on_timit(arguments.timit, arguments.noise)
        return mixtures, _in_words(mixtures, f"TIMIT's test talkers with {arguments.noise}")
    mixtures = sources.test_on_voice_bank(arguments.voice_bank)
    return mixtures, _in_words(mixtures, "the test recordings of Voice Bank-DEMAND")


def _in_words(mixtures, source):
    utterances = len({example.name for example in mixtures})
    levels = sorted({example.snr_db for example in mixtures if example.snr_db is not None})
    snrs = f" at {', '.join(f'{level:g}' for level in levels)} dB" if levels else ""
    return f"{len(mixtures)} mixtures of {utterances} utterances{snrs}: {source}"


def _is_standard(arguments):
    """Whether the mixtures are those of the test set; the options of others must be whole."""
    others = [arguments.speech, arguments.timit, arguments.voice_bank]
    if sum(map(bool, others)) > 1 or bool(arguments.noise) != bool(arguments.speech or arguments.timit):
        raise InputError("give --speech or --timit with --noise, or --voice-bank, or none of them for the test set")
    if any(others) and arguments.split:
        raise InputError("--split chooses a test set: leave it out with --speech, --timit and --voice-bank")
    if arguments.listen and arguments.output:
        raise InputError("--listen writes a page instead of scores: leave out --output, or --listen")
    if any(others) and not arguments.output and not arguments.listen:
        raise InputError("give --output, a folder for the tables and the figure, or --listen, a page")
    return not any(others)


def _report(evaluations, words, output):
    """Print Table I and the gains; write both, and the figure over SNR, into the folder `output` where it is not None."""
    columns = _columns(evaluations)
    gains = {f"{name} {over}": gain for name, facts in evaluations.items() for over, gain in facts["gains"].items()}
    measured = [text_tables.limit_table(facts["limits"]) for facts in evaluations.values() if "limits" in facts]
    text = "\n\n".join([words, text_tables.table(columns), text_tables.gain_table(gains), *measured])
    print(text)
    if output:
        Path(output).mkdir(parents=True, exist_ok=True)
        with atomic_write(Path(output) / "table.txt") as temporary:
            temporary.write_text(f"{text}\n", encoding="utf-8")
        tables.write_csv(Path(output) / "table.csv", text_tables.records(columns))
        _draw_over_snr(evaluations, Path(output))


def _columns(evaluations):
    """{heading: results} of every system of evaluations."""
    beside = evaluate.other_systems(next(iter(evaluations.values())))
    return beside | {name: facts["results"] for name, facts in evaluations.items()}


def _draw_over_snr(evaluations, folder):
    """over_snr.png, where the mixtures have more than one SNR."""
    columns = _columns(evaluations)
    if len(figures.levels(columns)) > 1:
        figures.over_snr(columns, folder / "over_snr.png")


def _example(mixtures):
    """The mixture of the figures: the first whose SNR is nearest to 6 dB."""
    return min(mixtures, key=lambda mixture: abs((mixture.snr_db or 0) - FIGURE_SNR_DB))


def _plot(name, source, systems, example):
    """A checkpoint's figures, beside its card."""
    directory, bundled = registry.resolve(source), _bundled()
    trainings, panels = {name: registry.info(source)["training"]}, [name]
    if name == FOOLED_AND_CURED[-1] and name in bundled:
        trainings = _trainings(bundled)
        panels = [other for other in bundled if other.startswith("blstm-")]
        systems = systems | {other: preset.load(other) for other in panels if other not in systems}
    figures.learning(trainings, directory / "learning.png")
    _draw(example, systems, panels, directory / "spectrograms.png")


def _trainings(bundled):
    """The trainings of the paper's Figure 2, {title: `training` of a card}, with those that were tried beside them."""
    names = [name for name in FOOLED_AND_CURED if name in bundled]
    trainings = {name: registry.info(name)["training"] for name in names}
    if len(names) > 1:  # trainings that fooled the surrogate and were not published, from the fixed surrogate's card
        fixed = FOOLED_AND_CURED[1]
        tried = registry.info(fixed).get("experiments", []) if fixed in names else []
        trainings |= {facts["change"].replace(", ", ",\n"): facts for facts in tried if "curve" in facts}
    return trainings


def _draw(example, systems, names, path):
    """Spectrograms of one mixture: clean, by every classical system, and by some others."""
    headings = {name: heading for name, (heading, _) in evaluate.BASELINES.items()}
    if example.snr_db is not None:
        headings["noisy"] += f", {example.snr_db:g} dB"
    headings |= {name: name for name in names}
    estimates = {words: evaluate.enhance(systems[name], [example.noisy])[0] for name, words in headings.items()}
    figures.spectrograms(example.reference, estimates, SAMPLE_RATE, path)
