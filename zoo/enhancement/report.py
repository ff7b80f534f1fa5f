"""Evaluation of enhancers: true scores and JND distances of what they make, and their figures."""

from pathlib import Path

from zoo.checkpoint import preset, provenance, registry
from zoo.checkpoint.results import with_words, write_rows
from zoo.data.speech import SAMPLE_RATE
from zoo.enhancement import evaluate, figures, sources
from zoo.errors import InputError
from zoo.files import atomic_write

# Whose curves are the paper's Figure 2; they and the other BLSTMs are in its Figure 3, both beside the last one's card.
FOOLED_AND_CURED = ("blstm-mse-16k", "blstm-quality-net-16k", "blstm-quality-net-refresh-16k")
FIGURE_SNR_DB = 6


def add(families, shared):
    """The arguments of `enhancement`."""
    words = "true PESQ, STOI and SI-SDR of enhanced speech, and its JND distance"
    one = families.add_parser("enhancement", parents=[shared], help=words)
    one.add_argument(
        "--checkpoint", action="append", help="a bundled name or a directory with a slash; may be repeated (all)"
    )
    one.add_argument("--speech", metavar="DIR", help="clean speech, instead of the test set")
    one.add_argument("--timit", metavar="DIR", help="TIMIT, instead of the test set")
    one.add_argument("--noise", metavar="DIR", help="noise, with --speech or --timit")
    one.add_argument("--voice-bank", metavar="DIR", help="Voice Bank-DEMAND, instead of the test set")
    one.add_argument("--output", metavar="DIR", help="for table.txt, table.csv; of another test set the figure too")
    one.set_defaults(run=evaluate_enhancers)


def mixtures(given):
    """The mixtures to enhance, and what they are in words."""
    if given.speech:
        found, source = sources.test_on_folders(given.speech, given.noise), f"{given.speech} with {given.noise}"
    elif given.timit:
        found, source = sources.test_on_timit(given.timit, given.noise), f"TIMIT's test talkers with {given.noise}"
    elif given.voice_bank:
        found, source = sources.test_on_voice_bank(given.voice_bank), "the test recordings of Voice Bank-DEMAND"
    else:
        found = sources.test_on_data(given.data)
        source = "speech/test with noise/test, talkers and recordings of noise that training did not have"
    utterances = len({example.name for example in found})
    levels = sorted({example.snr_db for example in found if example.snr_db is not None})
    snrs = f" at {', '.join(f'{level:g}' for level in levels)} dB" if levels else ""
    return found, f"{len(found)} mixtures of {utterances} utterances{snrs}: {source}"


def check(given):
    """Whether the test set is of the data folder; what is given of another one must be whole."""
    others = [given.speech, given.timit, given.voice_bank]
    if sum(map(bool, others)) > 1 or bool(given.noise) != bool(given.speech or given.timit):
        raise InputError("give --speech or --timit with --noise, or --voice-bank, or none of them for the test set")
    if any(others) and not given.output:
        raise InputError("give --output, a folder for the tables and the figure")
    return not any(others)


def evaluate_enhancers(given):
    own = check(given)
    bundled = [name for name in registry.names() if registry.info(name)["family"] == "enhancement"]
    names = given.checkpoint or bundled
    if not names:
        raise InputError("no enhancer is bundled: train one (tools/train_enhancement.py), or give --checkpoint")
    cards = {name: with_words(registry.info(name)) for name in names} if own else {}
    compared = dict.fromkeys([*(base for name in names for base in evaluate.bases(name) if base in bundled), *names])
    systems = {name: system for name, (_, system) in evaluate.BASELINES.items()}
    systems |= {name: preset.load(name) for name in compared}
    found, words = mixtures(given)
    listener = preset.load(evaluate.LISTENER)
    scored = {name: evaluate.score(system, found, listener, given.jobs) for name, system in systems.items()}
    evaluations = {name: evaluate.evaluation(scored, name) for name in compared}
    report(evaluations, words, given.output)
    example = min(found, key=lambda one: abs((one.snr_db or 0) - FIGURE_SNR_DB))
    if not own:
        draw(example, systems, list(compared), Path(given.output) / "spectrograms.png")
        return
    for name, about in cards.items():
        command = f"python tools/evaluate.py enhancement --checkpoint {name}"
        facts = {"command": command, "commit": provenance.commit(), "data": words}
        preset.write_card(registry.resolve(name), about | {"evaluation": facts | evaluations[name]})
    for name in cards:
        plot(name, bundled, systems, example)


def report(evaluations, words, output):
    """Print Table I and the gains, and keep both in a folder, if one is given."""
    first = next(iter(evaluations.values()))
    columns = {heading: first[name] for name, (heading, _) in evaluate.BASELINES.items()}
    columns |= {name: found["results"] for name, found in evaluations.items()}
    gains = {f"{name} {over}": gain for name, found in evaluations.items() for over, gain in found["gains"].items()}
    text = "\n\n".join([words, evaluate.table(columns), evaluate.gain_table(gains)])
    print(text)
    if output:
        Path(output).mkdir(parents=True, exist_ok=True)
        with atomic_write(Path(output) / "table.txt") as part:
            part.write_text(f"{text}\n", encoding="utf-8")
        write_rows(Path(output) / "table.csv", evaluate.records(columns))


def plot(name, bundled, systems, example):
    """A checkpoint's figures, beside its card."""
    directory, curves, shown = registry.resolve(name), [name], [name]
    if name == FOOLED_AND_CURED[-1]:
        curves = [other for other in FOOLED_AND_CURED if other in bundled]
        shown = [other for other in bundled if other.startswith("blstm-")]
        systems = systems | {other: preset.load(other) for other in shown if other not in systems}
    trainings = {other: registry.info(other)["training"] for other in curves}
    if len(curves) > 1:  # the fooling: trainings that were not kept, from the card of the fixed surrogate
        tried = registry.info(FOOLED_AND_CURED[1]).get("experiments", []) if FOOLED_AND_CURED[1] in curves else []
        trainings |= {facts["change"].replace(", ", ",\n"): facts for facts in tried if "curve" in facts}
    figures.learning(trainings, directory / "learning.png")
    draw(example, systems, shown, directory / "spectrograms.png")


def draw(example, systems, names, path):
    """Spectrograms of one mixture: clean, by every classical system, and by some checkpoints."""
    headings = {name: heading for name, (heading, _) in evaluate.BASELINES.items()}
    if example.snr_db is not None:
        headings["noisy"] += f", {example.snr_db:g} dB"
    headings |= {name: name for name in names}
    made = {words: evaluate.enhance(systems[name], [example.noisy])[0] for name, words in headings.items()}
    figures.spectrograms(example.reference, made, SAMPLE_RATE, path)
